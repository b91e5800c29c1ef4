#include "trace/timeline.h"

#include <stdatomic.h>

#include "base/clock.h"

enum { TRIES = 3 };

static _Atomic uint64_t offset_ns;

uint64_t timeline_offset_ns(void)
{
    return atomic_load_explicit(&offset_ns, memory_order_relaxed);
}

/* Of several tries the one with the least time between the readings is the most exact. */
void timeline_refresh(void)
{
    uint64_t best_gap_ns = UINT64_MAX, best_ns = 0;
    for (int i = 0; i < TRIES; i++) {
        uint64_t before_ns = clock_mono_ns();
        uint64_t wall_ns = clock_wall_ns();
        uint64_t gap_ns = clock_mono_ns() - before_ns;
        if (gap_ns < best_gap_ns) {
            best_gap_ns = gap_ns;
            best_ns = wall_ns - (before_ns + gap_ns / 2);
        }
    }
    atomic_store_explicit(&offset_ns, best_ns, memory_order_relaxed);
}
