/* Text with holes: "${name}" stands for a value of the flow, "${feeder.column}" for a cell of its
 * row, "${number}" for the arrival's number, "${nonce}" for the run's own word, "${random:1:6}" for
 * a whole number by chance. "${name|json}" escapes it for a JSON string, "${name|url}" for a URL.
 * "$${" is "${" itself. Compiled once; rendering never allocates but in its buffer. What is drawn
 * follows from seed and number alone. */
#ifndef CULPRIT_LOADGEN_LOAD_LOAD_TEMPLATE_H
#define CULPRIT_LOADGEN_LOAD_LOAD_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/status.h"
#include "base/text.h"
#include "loadgen/load/load_feeder.h"

enum { LOAD_VALUES_MAX = 16, LOAD_FEEDERS_MAX = 8, LOAD_PARTS_MAX = 128 };

/* What holes may name. */
struct load_names {
    struct text values[LOAD_VALUES_MAX];
    size_t value_count;
    const struct load_feeder *feeders;
    size_t feeder_count;
};

struct load_part;

/* Where a text goes: what a value may not bring there is mended, so that no answer can add a line
 * to the next request. */
enum load_place {
    LOAD_IN_BODY,   /* anything */
    LOAD_IN_PATH,   /* control characters and spaces as %XX */
    LOAD_IN_HEADER, /* control characters left out */
};

struct load_template {
    struct load_part *parts; /* of the arena */
    size_t count;
};

/* What holes are filled with. */
struct load_scope {
    uint64_t seed, number;
    const char *nonce;
    const struct load_feeder *feeders;
    size_t rows[LOAD_FEEDERS_MAX];
    struct text values[LOAD_VALUES_MAX];
    struct text traceparent; /* empty: no such line */
    struct text body;        /* of the request, rendered */
};

/* Empty, with room for LOAD_PARTS_MAX parts. STATUS_NO_MEMORY. */
MUST_CHECK enum status load_template_init(struct load_template *template, struct arena *arena);

struct load_compiler {
    const struct load_names *names;
    struct arena *arena;
    enum load_place place;
    struct error *error;
};
/* Appends the parts of `source`; literals are copied into the arena. STATUS_INVALID with words
 * without a place; STATUS_NO_MEMORY. */
MUST_CHECK enum status load_template_add(struct load_template *template, struct text source,
                                         const struct load_compiler *compiler);
/* A text without holes. */
MUST_CHECK enum status load_template_add_plain(struct load_template *template, struct text source,
                                               struct arena *arena);
/* The line with the traceparent; the line with the body's length, then an empty one and the body.
 */
MUST_CHECK enum status load_template_add_trace(struct load_template *template);
MUST_CHECK enum status load_template_add_body(struct load_template *template);

/* No hole in it: always the same. */
bool load_template_is_plain(const struct load_template *template);

/* Failure is the buffer's. */
void load_template_render(const struct load_template *template, const struct load_scope *scope,
                          struct buffer *out);

#endif
