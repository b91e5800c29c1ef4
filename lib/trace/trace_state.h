/* W3C tracestate (Trace Context level 2): members from one or several header lines, validated, and
 * written as one list. Never allocates; a value on one thread's stack. */
#ifndef CULPRIT_TRACE_TRACE_STATE_H
#define CULPRIT_TRACE_TRACE_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

enum { TRACE_STATE_MEMBERS_MAX = 32 };

struct trace_state {
    struct text members[TRACE_STATE_MEMBERS_MAX]; /* "key=value", borrowed, first is newest */
    size_t count;
    bool invalid; /* some member broke the grammar, or there were too many: all of it is void */
};

/* Takes the members of one header line, which must stay alive until the list is written. Empty
 * members are ignored; of equal keys the first stays. */
void trace_state_add_line(struct trace_state *state, struct text line);

/* Writes the list and a NUL; returns its length, 0 where it is empty or invalid. What is longer
 * than size - 1 loses members over 128 characters first, then members from the end. */
size_t trace_state_write(const struct trace_state *state, char *out, size_t size);

#endif
