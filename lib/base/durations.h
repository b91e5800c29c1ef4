/* Durations sorted into the buckets that the semantic conventions want for requests: what a
 * Prometheus histogram is written from. A plain value; `{0}` is an empty one. One writer at a time.
 */
#ifndef CULPRIT_BASE_DURATIONS_H
#define CULPRIT_BASE_DURATIONS_H

#include <stddef.h>
#include <stdint.h>

enum { DURATIONS_BOUNDS = 14 };

/* A bucket has what took at most so long; "0.005" is the same in seconds. */
struct durations_bound {
    uint64_t most_ns;
    const char *words;
};
extern const struct durations_bound durations_bounds[DURATIONS_BOUNDS];

struct durations {
    uint64_t count, sum_ns;
    uint64_t buckets[DURATIONS_BOUNDS + 1]; /* not cumulative; the last is beyond all bounds */
};

/* Index of the bucket. */
size_t durations_bucket(uint64_t duration_ns);

void durations_add(struct durations *durations, uint64_t duration_ns);

#endif
