/* Takes values out of an HTTP answer: by JSON pointer (RFC 6901), by the name of a field of its
 * head, or as what stands between two texts of its body. Never allocates but in the buffer that is
 * passed; pure; any thread. */
#ifndef CULPRIT_LOADGEN_LOAD_LOAD_EXTRACT_H
#define CULPRIT_LOADGEN_LOAD_LOAD_EXTRACT_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/status.h"
#include "base/text.h"

enum load_extract_kind { LOAD_EXTRACT_JSON, LOAD_EXTRACT_HEADER, LOAD_EXTRACT_BETWEEN };

struct load_extract {
    enum load_extract_kind kind;
    struct text what;   /* pointer; field's name; the text before */
    struct text behind; /* BETWEEN: the text behind */
};

/* A whole answer, as far as it was kept. */
struct load_answer {
    unsigned http_status;
    struct text head, body;
};

/* Appends the value: strings of JSON without quotes and escapes, other scalars as they are written,
 * objects and arrays as JSON. false: not there, or no room; the buffer may then hold a part. */
bool load_extract_run(const struct load_extract *extract, const struct load_answer *answer,
                      struct buffer *out);

/* A pointer is "" or begins with "/", and escapes "~" as "~0" and "~1". */
bool load_extract_is_pointer(struct text pointer);

/* The first field of that name, without spaces around its value; data NULL: none. */
struct text load_extract_header(struct text head, struct text name);

#endif
