#include "loadgen/workers/worker_clock.h"

void worker_clock_add(struct worker_clock *clock, uint64_t asked_ns, uint64_t theirs_ns,
                      uint64_t answered_ns)
{
    uint64_t trip_ns = answered_ns > asked_ns ? answered_ns - asked_ns : 0;
    if (clock->is_set && trip_ns >= clock->trip_ns)
        return;
    *clock = (struct worker_clock){true, trip_ns, asked_ns + trip_ns / 2, theirs_ns};
}

uint64_t worker_clock_mono_ns(const struct worker_clock *clock, uint64_t theirs_ns)
{
    if (theirs_ns < clock->theirs_ns) {
        uint64_t before_ns = clock->theirs_ns - theirs_ns;
        return clock->mono_ns > before_ns ? clock->mono_ns - before_ns : 0;
    }
    uint64_t after_ns = theirs_ns - clock->theirs_ns;
    return after_ns < UINT64_MAX - clock->mono_ns ? clock->mono_ns + after_ns : UINT64_MAX;
}

uint64_t worker_clock_error_ns(const struct worker_clock *clock)
{
    return clock->trip_ns / 2;
}
