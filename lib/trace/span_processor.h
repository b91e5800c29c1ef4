/* Processors of the program's own: called by the thread that starts or ends a recording span, in
 * the order of their registration, before the span goes to the exporters. They must not block, may
 * be called from any thread at once, and see spans that are recorded but not sampled too. They may
 * call the library: a tracing_shutdown from one waits for all others. A span of more than 4 KiB for
 * which the system has no memory is shown to on_end without what was set on it. */
#ifndef CULPRIT_TRACE_SPAN_PROCESSOR_H
#define CULPRIT_TRACE_SPAN_PROCESSOR_H

#include "trace/span_view.h"

/* Each function may be NULL. Static storage: it is used until tracing_shutdown has returned. */
struct span_processor {
    void *self;
    /* `span` may be written to; `parent`: NULL of a root, borrowed. */
    void (*on_start)(void *self, struct span *span, const struct span_context *parent);
    /* The last moment at which `span` may be written to; its end time is fixed. */
    void (*on_ending)(void *self, struct span *span);
    void (*on_end)(void *self, const struct span_view *span);
    /* Under tracing_flush and tracing_shutdown, which flushes first. STATUS_TIMEOUT, STATUS_IO. */
    enum status (*flush)(void *self, uint64_t deadline_ns);
    void (*shutdown)(void *self, uint64_t deadline_ns);
};

#endif
