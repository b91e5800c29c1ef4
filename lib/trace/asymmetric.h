/* A fence that costs one side nothing: the frequent side orders its accesses for the compiler
 * alone, the rare side makes every running thread of the process pass a full fence (membarrier(2),
 * Linux 4.14). Two flags that each side sets before it reads the other's then never miss each
 * other. Callable from any thread; never allocates. */
#ifndef CULPRIT_TRACE_ASYMMETRIC_H
#define CULPRIT_TRACE_ASYMMETRIC_H

#include <stdatomic.h>
#include <stdbool.h>

/* Must come before the first use; again in the child of a fork. false: this kernel or sandbox has
 * it not, and nothing may rely on it. */
bool asymmetric_start(void);

/* Whether the last start went well. */
extern atomic_bool asymmetric_works;
static inline bool asymmetric_is_there(void)
{
    return atomic_load_explicit(&asymmetric_works, memory_order_relaxed);
}

/* Between the frequent side's store and its load. */
static inline void asymmetric_light(void)
{
    atomic_signal_fence(memory_order_seq_cst);
}

/* Whether any start ever did: there may be something that relied on it. */
bool asymmetric_was_there(void);

/* Between the rare side's store and its load. Some microseconds. Where a sandbox that came after
 * the start refuses it, a millisecond, and from then on it is not there. */
void asymmetric_heavy(void);

#endif
