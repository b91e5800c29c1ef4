/* The thread's context with memory of its own, to go on from it elsewhere: in a pool's thread, in a
 * callback, after the span that was current has ended. One call where the work is handed over, one
 * where it is taken up:
 *     context_handover_take(&job->context);                           the thread that hands over
 *     struct context_handover_scope scope = context_handover_attach(&job->context);
 *     ...                                                             the one that does the work
 *     context_handover_detach(&scope);
 * Spans that start in between are children of the span that was current, in its trace. Works with
 * tracing off as well. Never allocates. About 9 KiB, of which only what is used is copied. */
#ifndef CULPRIT_TRACE_CONTEXT_HANDOVER_H
#define CULPRIT_TRACE_CONTEXT_HANDOVER_H

#include "trace/context.h"

/* A value, but not to be copied by `=`: it points into itself. `{0}` is a valid empty one. */
struct context_handover {
    struct span_context span;
    struct baggage baggage;
    char trace_state[TRACE_STATE_MAX];
};

struct context_handover_scope {
    struct span *span;
    struct context before;
};

/* Takes what is current on this thread. */
void context_handover_take(struct context_handover *out);

/* Makes it current on this thread, any number of times and on several threads at once. It must stay
 * as it is until each has detached. */
struct context_handover_scope context_handover_attach(const struct context_handover *handover);

/* Makes current what was before; may be called twice. */
void context_handover_detach(struct context_handover_scope *scope);

#endif
