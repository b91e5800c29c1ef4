/* W3C tracestate (Trace Context level 2): lists of "key=value" members, validated. What comes in
 * header lines is read by a reader; what a program changes is a new value, whose newest member
 * comes first. Never allocates; callable from any thread. */
#ifndef CULPRIT_TRACE_TRACE_STATE_H
#define CULPRIT_TRACE_TRACE_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include "trace/context.h"

enum { TRACE_STATE_MEMBERS_MAX = 32 };

/* ---- a list as a value */

/* A validated list with memory of its own. `{0}` is the empty one; copied by `=`. */
struct trace_state {
    uint16_t length_bytes;
    char text[TRACE_STATE_MAX + 1]; /* as it leaves, and a NUL */
};

/* Borrowed; what a span context's trace_state may point at while *state lives. */
struct text trace_state_list(const struct trace_state *state);

/* The value of `key`, borrowed from `list`. false: it is not there, or `list` is not valid. */
bool trace_state_get(struct text list, struct text key, struct text *value);

/* OpenTelemetry's Add and Update: the list with `key` first, the others after it in their order.
 * Over 32 members or TRACE_STATE_MAX characters others are left out as trace_state_reader_write
 * does. `list` may be that of *out. STATUS_INVALID: key, value or list break the grammar;
 * STATUS_TOO_LARGE: the member alone is over TRACE_STATE_MAX; *out is then what it was. */
MUST_CHECK enum status trace_state_set(struct text list, struct text key, struct text value,
                                       struct trace_state *out);

/* The list without `key`; the same list where it is not there. STATUS_INVALID: the list is not
 * valid, and *out is what it was. */
MUST_CHECK enum status trace_state_delete(struct text list, struct text key,
                                          struct trace_state *out);

/* ---- reading header lines */

struct trace_state_reader {
    size_t count;
    bool invalid; /* some member broke the grammar, or there were too many: all of it is void */
    struct text members[TRACE_STATE_MEMBERS_MAX]; /* "key=value", borrowed, first is newest */
};

void trace_state_reader_init(struct trace_state_reader *reader);

/* Takes the members of one header line, which must stay alive until the list is written. Empty
 * members are ignored; of equal keys the first stays. */
void trace_state_reader_add_line(struct trace_state_reader *reader, struct text line);

/* Writes the list and a NUL; returns its length, 0 where it is empty or invalid. What is longer
 * than size - 1 loses members over 128 characters first, then members from the end. */
size_t trace_state_reader_write(const struct trace_state_reader *reader, char *out, size_t size);

#endif
