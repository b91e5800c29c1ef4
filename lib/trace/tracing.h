/* What the span path asks of the provider. Inside the library only. */
#ifndef CULPRIT_TRACE_TRACING_H
#define CULPRIT_TRACE_TRACING_H

#include <stdbool.h>

#include "trace/sampler.h"
#include "trace/span_processor.h"
#include "trace/trace.h"

/* Spans are recorded: started, not shut down, not disabled, not the child of a fork. */
static inline bool tracing_is_on(void)
{
    /* acquire: what was started before it is there */
    return atomic_load_explicit(&tracing_gate, memory_order_acquire);
}

/* The child of a fork that has not started tracing itself. */
bool tracing_is_forked(void);

/* What was chosen at the start. Written while off; good while tracing_is_on. */
struct tracing_policy {
    struct sampler sampler;
    struct span_limits limits;
    const struct id_generator *ids;                                   /* NULL: random ones */
    const struct span_processor *processors[TRACING_PLUGINS_MAX + 1]; /* up to the first NULL */
    bool exports_at_end;
    uint64_t export_timeout_ns;
};
extern struct tracing_policy tracing_policy;

/* A whole batch waits. */
void tracing_wake(void);

/* A span was dropped. */
void tracing_press(void);

#endif
