/* Another machine's clock as seen from here: the offset from this machine's monotonic clock, from
 * exchanges of which the quickest tells most (Cristian 1989). Steps of the wall clock here do not
 * matter. Pure: times are passed in. */
#ifndef CULPRIT_LOADGEN_WORKERS_WORKER_CLOCK_H
#define CULPRIT_LOADGEN_WORKERS_WORKER_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct worker_clock {
    bool is_set;
    uint64_t trip_ns;   /* of the quickest exchange: the offset is right to half of it */
    uint64_t mono_ns;   /* a point on our monotonic clock ... */
    uint64_t theirs_ns; /* ... and what their clock showed then */
};

/* They answered `theirs_ns` to what was asked at `asked_ns` and answered at `answered_ns`, both
 * monotonic. */
void worker_clock_add(struct worker_clock *clock, uint64_t asked_ns, uint64_t theirs_ns,
                      uint64_t answered_ns);

/* The monotonic time here when their clock shows `theirs_ns`; never before 0, never over the top.
 */
uint64_t worker_clock_mono_ns(const struct worker_clock *clock, uint64_t theirs_ns);

/* Half of the quickest trip. */
uint64_t worker_clock_error_ns(const struct worker_clock *clock);

#endif
