/* OpenTelemetry's own entry of a tracestate, "ot=th:c;rv:0f3cba9876543e": what consistent
 * probability sampling leaves for those downstream. Samplers write it; instrumentation must not.
 * Sub-keys that have no meaning here are kept, at most 256 characters in all. Never allocates;
 * callable from any thread. */
#ifndef CULPRIT_TRACE_TRACE_STATE_OT_H
#define CULPRIT_TRACE_TRACE_STATE_OT_H

#include "trace/trace_state.h"

/* `{0}`: neither is there. */
struct trace_state_ot {
    bool has_threshold;
    bool has_randomness;
    uint64_t threshold;  /* th, 56 bits: a randomness below it is rejected; 0 rejects none */
    uint64_t randomness; /* rv, 56 bits: stands for the last 56 bits of the trace id */
};

enum { TRACE_STATE_OT_MAX = 256 };
#define TRACE_STATE_OT_LIMIT (UINT64_C(1) << 56) /* both are below it */

/* Reads the entry of a list; a sub-key that is missing, malformed or there twice is as if absent.
 * Returns whether there is any of the two. */
bool trace_state_ot_read(struct text list, struct trace_state_ot *out);

/* The list with th and rv as `entry` says, the entry's other sub-keys kept, the entry first; where
 * nothing is left of it the list without it. `list` may be that of *out. STATUS_INVALID: a value
 * is not below the limit, or the list is not valid; STATUS_TOO_LARGE: the entry would be over
 * TRACE_STATE_OT_MAX; *out is then what it was. */
MUST_CHECK enum status trace_state_ot_write(struct text list, const struct trace_state_ot *entry,
                                            struct trace_state *out);

#endif
