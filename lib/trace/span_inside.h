/* A recording span in the hands of one thread: the way in and out of its lock. Inside the library
 * only. */
#ifndef CULPRIT_TRACE_SPAN_INSIDE_H
#define CULPRIT_TRACE_SPAN_INSIDE_H

#include "trace/recording.h"
#include "trace/trace_thread.h"
#include "trace/tracing.h"

struct span_inside {
    struct recording *recording;
    bool entered;
};

/* Of a recording span: the start that it belongs to is in force. */
static inline bool span_inside_is_open(const struct span *span)
{
    return tracing_is_of_now(((const struct recording *)(const void *)span)->generation);
}

/* The caller has seen that it records and is open. */
static inline struct span_inside span_inside_enter(struct span *span)
{
    bool entered = span_lock_enter(&span->lock, &trace_thread_own);
    return (struct span_inside){(struct recording *)(void *)span, entered};
}

static inline void span_inside_leave(struct span_inside inside)
{
    span_lock_leave(&inside.recording->span.lock, inside.entered);
}

#endif
