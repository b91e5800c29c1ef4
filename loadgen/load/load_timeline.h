/* What a run's samples add up to, step by step and slot of time by slot: what a plot over time and
 * a comparison of two runs need. Slots are of equal width from the run's start, fixed before it
 * begins; a sample belongs to the slot in which its request was due. The last slot is that of what
 * was due behind the time of arrivals: later steps of flows. Mergeable by addition, so each loop
 * and each worker has its own. One writer at a time.
 *
 * Latencies are kept in buckets of 5 sub-bucket bits (at most 1.6 % off the middle), 4 KB a slot
 * and step; pages that nothing is counted in cost nothing, and there are fewer slots where there
 * are many steps, so that all of it stays below LOAD_TIMELINE_BYTES_MAX. */
#ifndef CULPRIT_LOADGEN_LOAD_LOAD_TIMELINE_H
#define CULPRIT_LOADGEN_LOAD_LOAD_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/histogram.h"
#include "loadgen/load/load_sample.h"

enum {
    LOAD_TIMELINE_SLOTS_MAX = 240,
    LOAD_TIMELINE_BYTES_MAX = 8 * 1024 * 1024,
    LOAD_TIMELINE_SUB_BITS = 5,
    LOAD_TIMELINE_BUCKETS =
        (HISTOGRAM_MAX_BITS - LOAD_TIMELINE_SUB_BITS + 1) * (1 << LOAD_TIMELINE_SUB_BITS),
};

struct load_slot {
    uint32_t due;                            /* that were due in it; each is in one of the rest: */
    uint32_t failed;                         /* not LOAD_OK, those of unknown latency among them */
    uint32_t censored;                       /* of unknown latency */
    uint32_t buckets[LOAD_TIMELINE_BUCKETS]; /* latency from due, of those that were answered */
};

struct load_timeline {
    uint64_t start_ns; /* monotonic: the run's first due time */
    uint64_t width_ns; /* 1, 2 or 5 times a power of ten, at least 100 ms */
    size_t slot_count, step_count;
    struct load_slot *slots; /* slot_count of the first step, of the second, ... */
};

/* Slots for arrivals over `duration_ns`. false: no memory. */
bool load_timeline_init(struct load_timeline *timeline, size_t step_count, uint64_t start_ns,
                        uint64_t duration_ns);
/* As many slots as `shape` says, as one that was written down had. false: no memory, or more than
 * there may be. */
bool load_timeline_init_as(struct load_timeline *timeline, const struct load_timeline *shape);
void load_timeline_release(struct load_timeline *timeline);

void load_timeline_add(struct load_timeline *timeline, const struct load_sample *sample);

/* Of equal steps, slots and width; `start_ns` may differ (another machine's clock). */
void load_timeline_merge(struct load_timeline *into, const struct load_timeline *from);

struct load_slot *load_timeline_slot(const struct load_timeline *timeline, size_t step,
                                     size_t slot);

/* How many requests of a step are in its slots. */
uint64_t load_timeline_due(const struct load_timeline *timeline, size_t step);

/* The middle of a bucket; an index below 64 is the nanoseconds themselves. */
uint64_t load_timeline_bucket_ns(size_t index);

/* Nearest rank over answered and censored requests; UINT64_MAX: falls among the censored ones. 0
 * while empty. */
uint64_t load_slot_quantile_ns(const struct load_slot *slot, double q);

#endif
