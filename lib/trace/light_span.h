/* The common head of every span, and the spans that record nothing: unsampled ones, those of a
 * tracer that is off, and those for which the pool had no block. They carry a context on and live
 * in fixed slots beside the pool. Callable from any thread; never allocates. */
#ifndef CULPRIT_TRACE_LIGHT_SPAN_H
#define CULPRIT_TRACE_LIGHT_SPAN_H

#include <stdatomic.h>
#include <stdint.h>

#include "trace/context.h"
#include "trace/span_lock.h"

/* trace.h knows the first and the last (SPAN_FACE_...). */
enum span_type {
    SPAN_TYPE_NONE, /* the one span of the whole process that stands for nothing; one that ended */
    SPAN_TYPE_LIGHT,
    SPAN_TYPE_RECORDING,
};

struct span {
    uint8_t type;                /* first: trace.h's inline functions read it */
    struct span_lock lock;       /* of a recording span: guards all that changes after its start */
    struct span_context context; /* its trace_state lies in memory of the span */
};

/* One thread's last light span, kept for its next one, so that threads do not meet. `{0}` is a
 * valid empty one. */
struct light_spare {
    struct span *span;
};

/* A light span with a copy of `context` (of its tracestate too). `spare` may be NULL. When all
 * slots are taken: the span of type NONE, whose context is empty. */
struct span *light_span_get(struct light_spare *spare, enum span_type type,
                            const struct span_context *context);

/* Accepts the span of type NONE. `spare` may be NULL. */
void light_span_put(struct light_spare *spare, struct span *span);

/* Gives the kept one back; may be called twice. */
void light_span_release(struct light_spare *spare);

enum { LIGHT_SPANS = 2048 };

#endif
