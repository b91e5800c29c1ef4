#include "loadgen/pacer.h"

#include <math.h>

#include "base/clock.h"
#include "tests/unit/rows.h"

#define START 5000000000ull

struct count_row {
    const char *it;
    double rate;
    uint64_t duration_ns;
    enum status status;
    uint64_t count;
};

static const struct count_row count_rows[] = {
    {"it plans rate times duration arrivals", 200, 60 * NS_PER_S, STATUS_OK, 12000},
    {"it plans one arrival for a single nanosecond", 200, 1, STATUS_OK, 1},
    {"it leaves out an arrival due at the very end", 10, NS_PER_S, STATUS_OK, 10},
    {"it takes one in that is due a nanosecond before the end", 10, NS_PER_S + 1, STATUS_OK, 11},
    {"it plans less than one arrival a second", 0.5, 10 * NS_PER_S, STATUS_OK, 5},
    {"it plans a rate that is no whole number", 33.3, 10 * NS_PER_S, STATUS_OK, 333},
    {"it plans the highest rate", PACER_RATE_MAX, NS_PER_S, STATUS_OK, 1000000},
    {"it refuses rate 0", 0, NS_PER_S, STATUS_INVALID, 0},
    {"it refuses a negative rate", -1, NS_PER_S, STATUS_INVALID, 0},
    {"it refuses a rate that is no number", NAN, NS_PER_S, STATUS_INVALID, 0},
    {"it refuses an infinite rate", INFINITY, NS_PER_S, STATUS_INVALID, 0},
    {"it refuses a rate over the highest", PACER_RATE_MAX * 1.1, NS_PER_S, STATUS_INVALID, 0},
    {"it refuses a window of no length", 10, 0, STATUS_INVALID, 0},
    {"it refuses more arrivals than the limit", 1e6, 51 * NS_PER_S, STATUS_TOO_LARGE, 0},
    {"it refuses a window of a thousand years", 1e-6, UINT64_MAX - START, STATUS_TOO_LARGE, 0},
};

static void check_count(void **state)
{
    const struct count_row *row = *state;
    struct pacer pacer;
    assert_int_equal(pacer_init(&pacer, row->rate, START, row->duration_ns), row->status);
    assert_int_equal(pacer.count, row->count);
    if (row->status != STATUS_OK) {
        assert_true(pacer_next_ns(&pacer) == PACER_NEVER);
        return;
    }
    assert_true(pacer_due_ns(&pacer, 0) == START);
    assert_true(pacer_due_ns(&pacer, row->count - 1) < START + row->duration_ns);
    assert_true(pacer_due_ns(&pacer, row->count) >= START + row->duration_ns);
}

struct due_row {
    const char *it;
    double rate;
    uint64_t index;
    uint64_t offset_ns;
};

static const struct due_row due_rows[] = {
    {"it spaces 200 a second by 5 ms", 200, 3, 15000000},
    {"it rounds a third of a second down", 3, 1, 333333333},
    {"it does not add roundings up", 3, 3, NS_PER_S},
    {"it is exact after a day at 7 a second", 7, 7ull * 86400, 86400 * NS_PER_S},
    {"it is exact after a million seconds at 0.7 a second", 0.7, 700000, 1000000 * NS_PER_S},
    {"it is exact at the last arrival of all", 1e6, 50000000, 50 * NS_PER_S},
};

static void check_due(void **state)
{
    const struct due_row *row = *state;
    struct pacer pacer;
    assert_int_equal(pacer_init(&pacer, row->rate, START, NS_PER_S), STATUS_OK);
    assert_int_equal(pacer_due_ns(&pacer, row->index) - START, row->offset_ns);
}

static void check_take(void **state)
{
    (void)state;
    struct pacer pacer;
    uint64_t index = 99, due_ns = 99;
    assert_int_equal(pacer_init(&pacer, 1000, START, 10 * NS_PER_MS), STATUS_OK);
    assert_false(pacer_take(&pacer, START - 1, &index, &due_ns));
    assert_int_equal(index, 99);
    assert_true(pacer_take(&pacer, START, &index, &due_ns));
    assert_int_equal(index, 0);
    assert_false(pacer_take(&pacer, START + NS_PER_MS - 1, &index, &due_ns));
    assert_true(pacer_next_ns(&pacer) == START + NS_PER_MS);
}

static void check_late(void **state)
{
    (void)state;
    struct pacer pacer;
    uint64_t index, due_ns;
    assert_int_equal(pacer_init(&pacer, 1000, START, 10 * NS_PER_MS), STATUS_OK);
    for (uint64_t i = 0; i < 10; i++) {
        assert_true(pacer_take(&pacer, START + 3600 * NS_PER_S, &index, &due_ns));
        assert_int_equal(index, i);
        assert_true(due_ns == START + i * NS_PER_MS);
    }
    assert_false(pacer_take(&pacer, START + 3600 * NS_PER_S, &index, &due_ns));
    assert_true(pacer_next_ns(&pacer) == PACER_NEVER);
}

static void check_stop(void **state)
{
    (void)state;
    struct pacer pacer;
    uint64_t index, due_ns;
    assert_int_equal(pacer_init(&pacer, 1000, START, 10 * NS_PER_MS), STATUS_OK);
    assert_true(pacer_take(&pacer, START + NS_PER_S, &index, &due_ns));
    assert_true(pacer_take(&pacer, START + NS_PER_S, &index, &due_ns));
    pacer_stop(&pacer);
    assert_false(pacer_take(&pacer, START + NS_PER_S, &index, &due_ns));
    assert_int_equal(pacer.count, 2);
    assert_true(pacer_next_ns(&pacer) == PACER_NEVER);
}

static void check_clock_steps_back(void **state)
{
    (void)state;
    struct pacer pacer;
    uint64_t index, due_ns;
    assert_int_equal(pacer_init(&pacer, 1000, START, 10 * NS_PER_MS), STATUS_OK);
    assert_true(pacer_take(&pacer, START, &index, &due_ns));
    assert_false(pacer_take(&pacer, 0, &index, &due_ns));
    assert_true(pacer_take(&pacer, START + NS_PER_MS, &index, &due_ns));
    assert_int_equal(index, 1);
}

int main(void)
{
    struct rows all = {0};
    ROWS(&all, count_rows, check_count);
    ROWS(&all, due_rows, check_due);
    rows_one(&all, "it gives an arrival when it is due and not before", check_take);
    rows_one(&all, "it gives late arrivals one by one with their own due times", check_late);
    rows_one(&all, "it gives nothing more after a stop", check_stop);
    rows_one(&all, "it waits when time steps back", check_clock_steps_back);
    return rows_run("pacer", &all);
}
