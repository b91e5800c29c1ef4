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

/* Which start is in force: a number of its own, 0 while off. A span belongs to the start that it
 * began in: once that is over it is a no-op. */
extern _Atomic uint32_t tracing_generation;

static inline bool tracing_is_of_now(uint32_t generation)
{
    /* acquire: what was started before it is there */
    return atomic_load_explicit(&tracing_generation, memory_order_acquire) == generation;
}

/* That start was a fork's parent's: the span is, too, and its lock may be held by a thread that is
 * not here. */
bool tracing_is_inherited(uint32_t generation);

/* What was chosen at a start. Does not change while anybody could still look at it; starts that
 * choose the same share one. */
struct tracing_policy {
    struct sampler sampler;
    const struct id_generator *ids;                                   /* NULL: random ones */
    const struct span_processor *processors[TRACING_PLUGINS_MAX + 1]; /* up to the first NULL */
    uint64_t export_timeout_ns;
    struct span_limits limits;
    bool has_hooks; /* of the program's own on the span path: see hooks.h */
    bool exports_at_end;
};
extern const struct tracing_policy *_Atomic tracing_policy_last;

/* Of the start in force, or of the last one. Never NULL. */
static inline const struct tracing_policy *tracing_policy(void)
{
    /* acquire: its parts were written before */
    return atomic_load_explicit(&tracing_policy_last, memory_order_acquire);
}

/* A whole batch waits. */
void tracing_wake(void);

/* A span was dropped. */
void tracing_press(void);

/* Exports what has ended, and waits for that. */
void tracing_export_now(const struct tracing_policy *policy);

#endif
