/* Unix time for spans: one clock that never goes backwards within a span, however the wall clock
 * is set meanwhile. It is CLOCK_MONOTONIC plus an offset, or the processor's time-stamp counter
 * where that is invariant and the kernel keeps time by it too: a third of the cost. The exporter
 * thread compares both at every round; a counter that strays is not used again.
 *
 * A span takes a copy of the ruler at its start and reads all its times off that one. Callable
 * from any thread; never allocates. */
#ifndef CULPRIT_TRACE_TIMELINE_H
#define CULPRIT_TRACE_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

/* `{0}` reads CLOCK_MONOTONIC itself. */
struct timeline {
    uint64_t base_ticks;
    uint64_t base_wall_ns;
    uint64_t ns_a_tick; /* in 2^-32; 0: no counter, base_wall_ns is the offset */
};

/* Before the first span, and with `use_counter` false where clock_gettime is wanted. */
void timeline_start(bool use_counter);

/* The ruler of now. */
void timeline_copy(struct timeline *out);
static inline struct timeline timeline_take(void)
{
    struct timeline now;
    timeline_copy(&now);
    return now;
}

/* By one thread at a time: looks at the clocks and makes the ruler of now. */
void timeline_refresh(void);

/* When timeline_refresh should come next at the latest, on the monotonic clock; UINT64_MAX: it need
 * not. */
uint64_t timeline_due_ns(void);

/* The ruler of now reads the counter. */
bool timeline_counts(void);

static inline uint64_t timeline_now_ns(const struct timeline *timeline)
{
#if defined(__x86_64__)
    if (timeline->ns_a_tick != 0) {
        __extension__ typedef unsigned __int128 wide;
        uint64_t ticks = __builtin_ia32_rdtsc() - timeline->base_ticks;
        /* A processor may be some ticks behind the one that made the ruler. */
        if ((int64_t)ticks < 0)
            ticks = 0;
        return timeline->base_wall_ns + (uint64_t)((wide)ticks * timeline->ns_a_tick >> 32);
    }
#endif
    return clock_mono_ns() + timeline->base_wall_ns;
}

#endif
