#include "base/durations.h"

#include <stdlib.h>

#include "tests/unit/rows.h"

struct row {
    const char *it;
    uint64_t duration_ns;
    size_t bucket;
};

static const struct row rows[] = {
    {"it puts nothing into the first bucket", 0, 0},
    {"it counts a bound to its own bucket", 5000000, 0},
    {"it counts one more to the next", 5000001, 1},
    {"it finds a middle one", 300000000, 7},
    {"it counts the last bound to its own bucket", 10000000000, DURATIONS_BOUNDS - 1},
    {"it counts what is beyond to the last bucket", UINT64_MAX, DURATIONS_BOUNDS},
};

static void check_bucket(void **state)
{
    const struct row *row = *state;
    struct durations durations = {0};
    assert_int_equal(durations_bucket(row->duration_ns), row->bucket);
    durations_add(&durations, row->duration_ns);
    assert_int_equal(durations.count, 1);
    assert_true(durations.sum_ns == row->duration_ns);
    for (size_t i = 0; i <= DURATIONS_BOUNDS; i++)
        assert_int_equal(durations.buckets[i], i == row->bucket);
}

static void check_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < DURATIONS_BOUNDS; i++) {
        double most_ns = strtod(durations_bounds[i].words, NULL) * 1e9;
        assert_true((uint64_t)(most_ns + 0.5) == durations_bounds[i].most_ns);
        assert_true(i == 0 || durations_bounds[i].most_ns > durations_bounds[i - 1].most_ns);
    }
}

int main(void)
{
    static struct rows all;
    ROWS(&all, rows, check_bucket);
    rows_one(&all, "it says the same in words, in rising order", check_words);
    return rows_run("durations", &all);
}
