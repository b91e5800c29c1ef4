#include "base/histogram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "tests/unit/rows.h"

enum { SAMPLES = 50000 };

static const uint64_t limit_ns = (uint64_t)1 << HISTOGRAM_MAX_BITS;

/* Buckets follow each other without gap or overlap, from 0 to the limit. */
static void check_borders(void **state)
{
    (void)state;
    uint64_t expected_ns = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        const uint64_t lowest = histogram_lowest_ns(i), highest = histogram_highest_ns(i);
        assert_true(lowest == expected_ns && highest >= lowest);
        assert_true(histogram_index(lowest) == i && histogram_index(highest) == i);
        assert_true(histogram_index(lowest + (highest - lowest) / 2) == i);
        assert_true((double)(highest - lowest) / 2 <= (double)lowest * 0.00196);
        expected_ns = highest + 1;
    }
    assert_true(expected_ns == limit_ns);
}

static void check_empty(void **state)
{
    (void)state;
    static struct histogram empty, other;
    assert_true(histogram_quantile_ns(&empty, 0.5) == 0);
    assert_true(histogram_mean_ns(&empty) == 0);
    histogram_merge(&empty, &other);
    assert_true(empty.count == 0 && empty.min_ns == 0);
}

static int by_value(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

struct shape_row {
    const char *it;
    double base_ns, spread; /* base * 2^(spread * u^3): a long tail; spread 0 is one value */
};

static const struct shape_row shape_rows[] = {
    {"it gives quantiles of microseconds", 1e3, 4},
    {"it gives quantiles of milliseconds with a tail of seconds", 1e6, 12},
    {"it gives quantiles of tens of nanoseconds", 20, 3},
    {"it gives quantiles of one value", 123456789, 0},
    {"it gives quantiles over its whole range", 1, 39.9},
};

static void check_quantiles(void **state)
{
    static const double wanted[] = {0, 0.001, 0.07, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999, 1};
    static uint64_t values[SAMPLES];
    static struct histogram histogram;
    const struct shape_row *row = *state;
    double sum = 0;
    struct rng rng;
    histogram_clear(&histogram);
    rng_seed(&rng, 9);
    for (size_t i = 0; i < SAMPLES; i++) {
        const double u = rng_double(&rng);
        values[i] = (uint64_t)(row->base_ns * exp2(row->spread * u * u * u));
        sum += (double)values[i];
        histogram_add(&histogram, values[i]);
    }
    qsort(values, SAMPLES, sizeof(values[0]), by_value);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        const double rank = ceil(wanted[i] * SAMPLES - 1e-6);
        const double exact = (double)values[rank < 1 ? 0 : (size_t)rank - 1];
        const double got = (double)histogram_quantile_ns(&histogram, wanted[i]);
        assert_true(fabs(got - exact) <= exact * 0.00196);
    }
    assert_true(histogram.min_ns == values[0] && histogram.max_ns == values[SAMPLES - 1]);
    assert_true(histogram.count == SAMPLES && histogram.saturated == 0);
    assert_true(fabs(histogram_mean_ns(&histogram) - sum / SAMPLES) <= sum / SAMPLES * 1e-9);
}

struct rank_row {
    const char *it;
    uint64_t count;
    double q;
    uint64_t rank;
};

/* Values 1 .. count are each alone in their bucket up to 511: the quantile is the rank itself. */
static const struct rank_row rank_rows[] = {
    {"it takes rank 1 for 0", 100, 0, 1},
    {"it takes the last rank for 1", 100, 1, 100},
    {"it takes rank 7 for 0.07 of 100", 100, 0.07, 7},
    {"it takes rank 29 for 0.29 of 100", 100, 0.29, 29},
    {"it takes rank 51 for a little over one half", 100, 0.5001, 51},
    {"it takes rank 99 for 0.99 of 100", 100, 0.99, 99},
    {"it takes rank 2 for one half of 3", 3, 0.5, 2},
    {"it takes rank 1 for one half of 1", 1, 0.5, 1},
    {"it takes the last rank over 1", 100, 1.5, 100},
    {"it takes rank 1 below 0", 100, -3, 1},
    {"it takes rank 1 for no number", 100, NAN, 1},
};

static void check_rank(void **state)
{
    static struct histogram histogram;
    const struct rank_row *row = *state;
    histogram_clear(&histogram);
    for (uint64_t value = 1; value <= row->count; value++)
        histogram_add(&histogram, value);
    assert_int_equal(histogram_quantile_ns(&histogram, row->q), row->rank);
}

static void check_merge(void **state)
{
    (void)state;
    static struct histogram one, parts[3], merged;
    struct rng rng;
    rng_seed(&rng, 4);
    for (size_t i = 0; i < SAMPLES; i++) {
        const uint64_t value = rng_next(&rng) >> (20 + rng_below(&rng, 30));
        histogram_add(&one, value);
        histogram_add(&parts[i % 2], value); /* the third part stays empty */
    }
    for (size_t i = 0; i < 3; i++)
        histogram_merge(&merged, &parts[(i + 2) % 3]);
    assert_memory_equal(&merged, &one, sizeof(one));
}

static void check_reset(void **state)
{
    (void)state;
    static struct histogram histogram, empty;
    static const uint64_t values[] = {1, 700, 5000000, UINT64_MAX};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        histogram_reset(&histogram); /* what one leaves is what the next finds */
        assert_memory_equal(&histogram, &empty, sizeof(empty));
        for (size_t n = i; n < sizeof(values) / sizeof(values[0]); n++)
            histogram_add(&histogram, values[n]);
    }
    histogram_reset(&histogram);
    assert_memory_equal(&histogram, &empty, sizeof(empty));
}

static void check_saturation(void **state)
{
    (void)state;
    static struct histogram histogram;
    histogram_clear(&histogram);
    histogram_add(&histogram, limit_ns - 1);
    assert_true(histogram.saturated == 0);
    histogram_add(&histogram, limit_ns);
    histogram_add(&histogram, UINT64_MAX);
    histogram_add(&histogram, UINT64_MAX);
    assert_true(histogram.saturated == 3 && histogram.count == 4);
    assert_true(histogram.sum_ns == UINT64_MAX); /* does not wrap */
    assert_true(histogram.max_ns == UINT64_MAX);
    assert_true(histogram.buckets[HISTOGRAM_BUCKETS - 1] == 4);
    assert_true(histogram_quantile_ns(&histogram, 1) >= limit_ns - 1);
}

int main(void)
{
    static struct rows all;
    rows_one(&all, "it has buckets that meet", check_borders);
    rows_one(&all, "it is good while empty", check_empty);
    ROWS(&all, shape_rows, check_quantiles);
    ROWS(&all, rank_rows, check_rank);
    rows_one(&all, "it merges to what one would have counted", check_merge);
    rows_one(&all, "it forgets all when it is reset", check_reset);
    rows_one(&all, "it counts what is over its range", check_saturation);
    return rows_run("histogram", &all);
}
