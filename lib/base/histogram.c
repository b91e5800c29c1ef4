#include "base/histogram.h"

#include <math.h>
#include <string.h>

static const uint64_t sub_count = (uint64_t)1 << HISTOGRAM_SUB_BITS;
static const uint64_t value_limit = (uint64_t)1 << HISTOGRAM_MAX_BITS;

static uint64_t add_saturating(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

void histogram_clear(struct histogram *histogram)
{
    memset(histogram, 0, sizeof(*histogram));
}

void histogram_reset(struct histogram *histogram)
{
    size_t first = histogram_index(histogram->min_ns), last = histogram_index(histogram->max_ns);
    memset(histogram->buckets + first, 0, (last - first + 1) * sizeof(histogram->buckets[0]));
    histogram->count = histogram->sum_ns = histogram->saturated = 0;
    histogram->min_ns = histogram->max_ns = 0;
}

/* The first two rows of buckets hold one value each; a bucket of row n + 1 holds 2^n values. */
size_t histogram_index(uint64_t value_ns)
{
    if (value_ns >= value_limit)
        return HISTOGRAM_BUCKETS - 1;
    const unsigned top_bit = 63 - (unsigned)__builtin_clzll(value_ns | sub_count);
    const unsigned shift = top_bit - HISTOGRAM_SUB_BITS;
    return (size_t)(shift * sub_count + (value_ns >> shift));
}

static unsigned shift_of(size_t index)
{
    return index < 2 * sub_count ? 0 : (unsigned)(index / sub_count) - 1;
}

uint64_t histogram_lowest_ns(size_t index)
{
    const unsigned shift = shift_of(index);
    return (index - shift * sub_count) << shift;
}

uint64_t histogram_highest_ns(size_t index)
{
    return histogram_lowest_ns(index) + ((uint64_t)1 << shift_of(index)) - 1;
}

void histogram_add(struct histogram *histogram, uint64_t value_ns)
{
    if (histogram->count == 0 || value_ns < histogram->min_ns)
        histogram->min_ns = value_ns;
    if (value_ns > histogram->max_ns)
        histogram->max_ns = value_ns;
    histogram->count++;
    histogram->sum_ns = add_saturating(histogram->sum_ns, value_ns);
    histogram->saturated += value_ns >= value_limit;
    histogram->buckets[histogram_index(value_ns)]++;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    if (from->count == 0)
        return;
    if (into->count == 0 || from->min_ns < into->min_ns)
        into->min_ns = from->min_ns;
    if (from->max_ns > into->max_ns)
        into->max_ns = from->max_ns;
    into->count += from->count;
    into->sum_ns = add_saturating(into->sum_ns, from->sum_ns);
    into->saturated += from->saturated;
    size_t last = histogram_index(from->max_ns);
    for (size_t i = histogram_index(from->min_ns); i <= last; i++)
        if (from->buckets[i] != 0) /* a page that nothing is added to stays unused */
            into->buckets[i] += from->buckets[i];
}

/* ceil(q * count) in [1, count]. A little less than the product, as 0.07 * 100 is a hair over 7 in
 * binary and must not become rank 8. */
static uint64_t rank_of(uint64_t count, double q)
{
    const double exact = q * (double)count;
    const double rank = ceil(exact - exact * 1e-14);
    if (!(rank > 1))
        return 1;
    return rank >= (double)count ? count : (uint64_t)rank;
}

uint64_t histogram_quantile_ns(const struct histogram *histogram, double q)
{
    if (histogram->count == 0)
        return 0;
    const uint64_t rank = rank_of(histogram->count, q);
    uint64_t seen = 0;
    size_t index = histogram_index(histogram->min_ns);
    while (index < HISTOGRAM_BUCKETS - 1 && (seen += histogram->buckets[index]) < rank)
        index++;
    const uint64_t lowest = histogram_lowest_ns(index);
    const uint64_t middle = lowest + (histogram_highest_ns(index) - lowest) / 2;
    if (middle < histogram->min_ns)
        return histogram->min_ns;
    return middle > histogram->max_ns ? histogram->max_ns : middle;
}

double histogram_mean_ns(const struct histogram *histogram)
{
    return histogram->count ? (double)histogram->sum_ns / (double)histogram->count : 0;
}
