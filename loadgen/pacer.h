/* When arrivals are due: an open model at a constant rate. Arrival i is due at
 * start + i / rate, computed anew from i in whole numbers, so that nothing adds up to a drift and
 * nothing depends on answers. Pure: time is passed in; never allocates, never blocks. */
#ifndef CULPRIT_LOADGEN_PACER_H
#define CULPRIT_LOADGEN_PACER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

#define PACER_RATE_MAX  1000000.0 /* a second */
#define PACER_COUNT_MAX 50000000ull
#define PACER_NEVER     UINT64_MAX

struct pacer {
    uint64_t start_ns;
    uint64_t rate_micro; /* arrivals in a million seconds */
    uint64_t count;      /* of the whole plan; pacer_stop cuts it to what was taken */
    uint64_t taken;
};

/* Arrivals in [start_ns, start_ns + duration_ns), the first one at start_ns. STATUS_INVALID: a rate
 * below 0.000001 or above PACER_RATE_MAX or no number, or no duration; STATUS_TOO_LARGE: over
 * PACER_COUNT_MAX arrivals, or a duration over ten years. The pacer is then empty. */
MUST_CHECK enum status pacer_init(struct pacer *pacer, double rate, uint64_t start_ns,
                                  uint64_t duration_ns);

/* When arrival `index` is due, rounded down to a nanosecond. */
uint64_t pacer_due_ns(const struct pacer *pacer, uint64_t index);

/* When the next arrival is due; PACER_NEVER behind the last one. */
uint64_t pacer_next_ns(const struct pacer *pacer);

/* Takes the next arrival when it is due at `now_ns`; false: none is. Late arrivals come out one by
 * one, each with the time at which it was due. */
bool pacer_take(struct pacer *pacer, uint64_t now_ns, uint64_t *index, uint64_t *due_ns);

/* No more arrivals. */
void pacer_stop(struct pacer *pacer);

#endif
