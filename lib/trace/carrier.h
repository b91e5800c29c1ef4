/* Where context travels: named text fields of a request or a message, read and written through
 * functions of their kind. Kinds here: lines of text (queues, files, messages); others are in
 * adapters/ and carrier_environment.h. Never allocates; a carrier has one user at a time. */
#ifndef CULPRIT_TRACE_CARRIER_H
#define CULPRIT_TRACE_CARRIER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

/* Gets one value or name, borrowed for the call. */
typedef void carrier_take(void *into, struct text text);

struct carrier_source {
    void *carrier;
    /* Each value of the fields named `name`, in order; of HTTP headers without regard to case. */
    void (*get_all)(void *carrier, const char *name, carrier_take *take, void *into);
    /* The name of each field, in order; may be NULL. */
    void (*keys)(void *carrier, carrier_take *take, void *into);
};

/* Gets each field that is to be sent, its name in the case that the format asks for. The value is
 * printable ASCII. */
struct carrier_sink {
    void *carrier;
    void (*set)(void *carrier, const char *name, struct text value);
};

/* The first value, or data NULL. */
struct text carrier_get(const struct carrier_source *source, const char *name);

/* The value, without white space around it, of a field that there must be once: false where there
 * is none or more than one. */
bool carrier_get_one(const struct carrier_source *source, const char *name, struct text *value);

/* ---- fields as text, one "name: value" a line ended by CR LF as in HTTP; names without regard to
 * case */

/* Room for what all propagators of this library can write. */
enum { CARRIER_LINES_MAX = 10 * 1024 };

/* Appends to the C string in `text`; a field that does not fit is left out whole. */
struct carrier_lines {
    char *text;
    size_t size;
};
struct carrier_sink carrier_lines_sink(struct carrier_lines *lines);

/* Reads *text, which stays the caller's and must live as long as the source. */
struct carrier_source carrier_lines_source(const struct text *text);

#endif
