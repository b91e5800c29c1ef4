/* W3C Baggage: key/value pairs that go along with a request. `struct baggage` (context.h) is a
 * value; once it is attached to a context it stays as it is: copy it, change the copy, attach that.
 * Works without tracing_start. Never allocates; one owner at a time. */
#ifndef CULPRIT_TRACE_BAGGAGE_H
#define CULPRIT_TRACE_BAGGAGE_H

#include "trace/context.h"

/* ---- the value */

/* Adds the pair or replaces that of the same key. The key is an HTTP token, the value any UTF-8
 * (percent-encoded where it leaves), `metadata` empty or W3C properties, "a;b=1", already encoded.
 * STATUS_INVALID; STATUS_TOO_LARGE: over BAGGAGE_MEMBERS_MAX members or BAGGAGE_MAX bytes as they
 * leave. It is then what it was. */
MUST_CHECK enum status baggage_set(struct baggage *baggage, struct text key, struct text value,
                                   struct text metadata);

/* Returns whether it was there. */
bool baggage_remove(struct baggage *baggage, struct text key);

/* The value of `key` as text, and a NUL, into `out`. Escapes that are not UTF-8 become U+FFFD.
 * STATUS_NOT_FOUND, STATUS_TOO_LARGE. */
MUST_CHECK enum status baggage_find(const struct baggage *baggage, const char *key, char *out,
                                    size_t size);

/* One pair, borrowed. */
struct baggage_entry {
    struct text key;
    struct text value;    /* percent-encoded, for baggage_decode */
    struct text metadata; /* "a;b=1", or empty */
};

/* struct text rest = baggage_list(baggage);
 * while (baggage_next(&rest, &entry)) ...                                                      */
struct text baggage_list(const struct baggage *baggage);
bool baggage_next(struct text *rest, struct baggage_entry *entry);

/* As baggage_find, of an entry's value; never longer than that is. STATUS_TOO_LARGE. */
MUST_CHECK enum status baggage_decode(struct text value, char *out, size_t size);

/* ---- the thread's context */

/* Makes it the baggage of the thread's context, the span stays; NULL: nothing goes along any more.
 * Returns what was current, for context_attach. */
struct context baggage_attach(const struct baggage *baggage);

/* ---- reading header lines */

/* Looks at no more than BAGGAGE_MEMBERS_MAX members and BAGGAGE_MAX bytes, whatever arrives. */
struct baggage_reader {
    struct baggage *into; /* made empty by baggage_reader_init */
    size_t seen_bytes;
    size_t seen_members;
};

void baggage_reader_init(struct baggage_reader *reader, struct baggage *into);

/* A member that breaks the grammar is left out, the others stay. Of equal keys the last one wins.
 */
void baggage_reader_add_line(struct baggage_reader *reader, struct text line);

#endif
