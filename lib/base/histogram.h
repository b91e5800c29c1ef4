/* Log-linear histogram of nanoseconds with 8 sub-bucket bits: error at most 0.2 %, 68 KB, range
 * 0 .. about 1,100 s (2^40 ns), above that counted in `saturated` and in the highest bucket.
 * Exact count, sum, minimum and maximum beside it; buckets outside of these two are empty, and
 * nobody looks at them. Mergeable by addition. Plain value, no
 * allocation, one writer at a time. After HdrHistogram's idea; layout is our own. */
#ifndef CULPRIT_BASE_HISTOGRAM_H
#define CULPRIT_BASE_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

enum {
    HISTOGRAM_SUB_BITS = 8,
    HISTOGRAM_MAX_BITS = 40,
    HISTOGRAM_BUCKETS = (HISTOGRAM_MAX_BITS - HISTOGRAM_SUB_BITS + 1) * (1 << HISTOGRAM_SUB_BITS),
};

struct histogram {
    uint64_t count;
    uint64_t sum_ns;
    uint64_t min_ns; /* 0 while empty */
    uint64_t max_ns;
    uint64_t saturated;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* The first makes it empty whatever it holds; the second is for one that is valid already, and
 * costs as much as lies between its minimum and its maximum. */
void histogram_clear(struct histogram *histogram);
void histogram_reset(struct histogram *histogram);
void histogram_add(struct histogram *histogram, uint64_t value_ns);
void histogram_merge(struct histogram *into, const struct histogram *from);

/* Bucket of a value, and the smallest and largest value of a bucket. */
size_t histogram_index(uint64_t value_ns);
uint64_t histogram_lowest_ns(size_t index);
uint64_t histogram_highest_ns(size_t index);

/* Nearest-rank quantile, q in [0, 1]: the middle of the bucket that holds rank ceil(q * count),
 * held within [min, max]; 0 when empty. */
uint64_t histogram_quantile_ns(const struct histogram *histogram, double q);

double histogram_mean_ns(const struct histogram *histogram);

#endif
