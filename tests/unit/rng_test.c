#include "base/rng.h"

#include <math.h>
#include <string.h>

#include "tests/unit/rows.h"

/* The first numbers that the authors' reference code gives for the state 1, 2, 3, 4. */
static void check_reference(void **state)
{
    (void)state;
    struct rng rng = {{1, 2, 3, 4}};
    assert_true(rng_next(&rng) == 11520);
    assert_true(rng_next(&rng) == 0);
    assert_true(rng_next(&rng) == 1509978240);
    assert_true(rng_next(&rng) == 1215971899390074240);
}

struct seed_row {
    const char *it;
    uint64_t seed;
    uint64_t first[2];
};

static const struct seed_row seed_rows[] = {
    {"it seeds from 0", 0, {0x99ec5f36cb75f2b4u, 0xbf6e1f784956452au}},
    {"it seeds from 42", 42, {0x15780b2e0c2ec716u, 0x6104d9866d113a7eu}},
};

static void check_seed(void **state)
{
    const struct seed_row *row = *state;
    struct rng rng;
    rng_seed(&rng, row->seed);
    assert_true(rng_next(&rng) == row->first[0]);
    assert_true(rng_next(&rng) == row->first[1]);
}

static void check_entropy(void **state)
{
    (void)state;
    struct rng a, b;
    rng_seed_entropy(&a);
    rng_seed_entropy(&b);
    assert_true(memcmp(&a, &b, sizeof(a)) != 0);
}

struct below_row {
    const char *it;
    uint64_t bound;
};

static const struct below_row below_rows[] = {
    {"it stays below 1", 1},
    {"it stays below 7", 7},
    {"it stays below a power of two", (uint64_t)1 << 33},
    {"it stays below what modulo would bend", 3 * ((uint64_t)1 << 62)},
    {"it stays below the largest bound", UINT64_MAX},
};

/* The mean of 100,000 uniform numbers is within six of its standard errors (seeded: no luck). */
static void check_below(void **state)
{
    const struct below_row *row = *state;
    const double bound = (double)row->bound;
    double sum = 0;
    struct rng rng;
    rng_seed(&rng, 1);
    for (int i = 0; i < 100000; i++) {
        const uint64_t value = rng_below(&rng, row->bound);
        assert_true(value < row->bound);
        sum += (double)value / bound;
    }
    const double expected = 0.5 - 0.5 / bound;
    assert_true(fabs(sum / 100000 - expected) < 6 * sqrt(1.0 / 12 / 100000));
}

static void check_below_zero(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 1);
    assert_true(rng_below(&rng, 0) == 0);
}

static void check_even(void **state)
{
    (void)state;
    unsigned counts[6] = {0};
    struct rng rng;
    rng_seed(&rng, 2);
    for (int i = 0; i < 60000; i++)
        counts[rng_below(&rng, 6)]++;
    for (int i = 0; i < 6; i++)
        assert_in_range(counts[i], 9400, 10600);
}

/* 2^64 numbers onto 3 * 2^62 places: without rejection every third place would be met twice as
 * often. */
static void check_no_bias(void **state)
{
    (void)state;
    unsigned counts[3] = {0};
    struct rng rng;
    rng_seed(&rng, 7);
    for (int i = 0; i < 30000; i++)
        counts[rng_below(&rng, 3 * ((uint64_t)1 << 62)) % 3]++;
    for (int i = 0; i < 3; i++)
        assert_in_range(counts[i], 9500, 10500);
}

static void check_double(void **state)
{
    (void)state;
    struct rng rng;
    double sum = 0;
    rng_seed(&rng, 3);
    for (int i = 0; i < 100000; i++) {
        const double value = rng_double(&rng);
        assert_true(value >= 0 && value < 1);
        sum += value;
    }
    assert_true(fabs(sum / 100000 - 0.5) < 0.006);
}

static void check_secret(void **state)
{
    (void)state;
    static uint8_t a[1024], b[1024];
    unsigned zeros = 0;
    assert_int_equal(rng_secret(a, 0), STATUS_OK);
    assert_int_equal(rng_secret(a, sizeof(a)), STATUS_OK);
    assert_int_equal(rng_secret(b, sizeof(b)), STATUS_OK);
    assert_true(memcmp(a, b, sizeof(a)) != 0);
    for (size_t i = 0; i < sizeof(a); i++)
        zeros += a[i] == 0;
    assert_true(zeros < 64);
}

int main(void)
{
    static struct rows all;
    rows_one(&all, "it gives the reference's numbers", check_reference);
    ROWS(&all, seed_rows, check_seed);
    rows_one(&all, "it seeds differently each time from entropy", check_entropy);
    ROWS(&all, below_rows, check_below);
    rows_one(&all, "it gives 0 below 0", check_below_zero);
    rows_one(&all, "it throws an even die", check_even);
    rows_one(&all, "it bends nothing towards some places", check_no_bias);
    rows_one(&all, "it gives doubles from 0 to below 1", check_double);
    rows_one(&all, "it fills secrets", check_secret);
    return rows_run("rng", &all);
}
