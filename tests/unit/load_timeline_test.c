#include "loadgen/load/load_timeline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/unit/rows.h"

#define START_NS (77 * NS_PER_S)

static struct load_sample sample_of(uint64_t due_ms, enum load_outcome outcome, uint64_t latency_ns)
{
    uint64_t due_ns = START_NS + due_ms * NS_PER_MS;
    return (struct load_sample){.outcome = outcome,
                                .censored = load_outcome_is_censored(outcome),
                                .due_ns = due_ns,
                                .done_ns = due_ns + latency_ns};
}

struct width_row {
    const char *it;
    uint64_t duration_ms;
    size_t steps;
    uint64_t width_ms;
    size_t slots; /* the one behind the end among them */
};

static const struct width_row width_rows[] = {
    {"it never has slots below 100 ms", 300, 1, 100, 4},
    {"it has a slot for a duration of nothing", 0, 1, 100, 1},
    {"it covers the part of a slot", 301, 1, 100, 5},
    {"it takes all the slots there are", 23900, 1, 100, 240},
    {"it doubles the width", 23901, 1, 200, 121},
    {"it covers a minute in half seconds", 60000, 1, 500, 121},
    {"it covers a day", 86400000, 1, 500000, 174},
    {"it has fewer slots for many steps", 10000, 64, 500, 21},
};

static void check_width(void **state)
{
    const struct width_row *row = *state;
    struct load_timeline timeline;
    assert_true(load_timeline_init(&timeline, row->steps, START_NS, row->duration_ms * NS_PER_MS));
    assert_int_equal(timeline.width_ns, row->width_ms * NS_PER_MS);
    assert_int_equal(timeline.slot_count, row->slots);
    assert_true(row->steps * row->slots * sizeof(struct load_slot) <= LOAD_TIMELINE_BYTES_MAX);
    load_timeline_release(&timeline);
}

struct slot_row {
    const char *it;
    uint64_t due_ms;
    size_t slot;
};

static const struct slot_row slot_rows[] = {
    {"it counts the first in the first slot", 0, 0},
    {"it counts by when a request was due, not by its answer", 99, 0},
    {"it begins a slot at its border", 100, 1},
    {"it counts the end in the slot behind it", 1000, 10},
    {"it counts what is due long after in the last slot", 99999999, 10},
};

static void check_slot(void **state)
{
    const struct slot_row *row = *state;
    struct load_timeline timeline;
    assert_true(load_timeline_init(&timeline, 3, START_NS, NS_PER_S));
    struct load_sample sample = sample_of(row->due_ms, LOAD_STATUS, 5 * NS_PER_S);
    sample.step = 2;
    load_timeline_add(&timeline, &sample);
    for (size_t step = 0; step < 3; step++)
        for (size_t i = 0; i < timeline.slot_count; i++)
            assert_int_equal(load_timeline_slot(&timeline, step, i)->due,
                             step == 2 && i == row->slot);
    const struct load_slot *slot = load_timeline_slot(&timeline, 2, row->slot);
    assert_int_equal(slot->failed, 1);
    assert_int_equal(slot->censored, 0);
    assert_true(fabs((double)load_slot_quantile_ns(slot, 1) / 5e9 - 1) < 0.0161);
    load_timeline_release(&timeline);
}

/* 1 .. ok ms, and others without an answer. */
struct quantile_row {
    const char *it;
    unsigned ok, refused;
    double q, value_ms; /* INFINITY: among those of unknown latency */
};

static const struct quantile_row quantile_rows[] = {
    {"it gives the median", 100, 0, 0.5, 50},
    {"it gives the highest", 100, 0, 1, 100},
    {"it gives the lowest", 100, 0, 0, 1},
    {"it puts those of unknown latency above the rest", 80, 20, 0.5, 50},
    {"it says where the rank falls among them", 80, 20, 0.81, INFINITY},
    {"it gives the last that is known", 80, 20, 0.8, 80},
    {"it says so where none is known", 0, 3, 0.01, INFINITY},
    {"it gives 0 of nothing", 0, 0, 0.5, 0},
};

static void check_quantile(void **state)
{
    const struct quantile_row *row = *state;
    struct load_timeline timeline;
    assert_true(load_timeline_init(&timeline, 1, START_NS, NS_PER_S));
    for (unsigned i = 1; i <= row->ok + row->refused; i++) {
        struct load_sample sample =
            sample_of(0, i <= row->ok ? LOAD_OK : LOAD_TIMEOUT, i * NS_PER_MS);
        load_timeline_add(&timeline, &sample);
    }
    const struct load_slot *slot = load_timeline_slot(&timeline, 0, 0);
    assert_int_equal(slot->censored, row->refused);
    uint64_t ns = load_slot_quantile_ns(slot, row->q);
    if (isinf(row->value_ms))
        assert_true(ns == UINT64_MAX);
    else if (fabs((double)ns / 1e6 - row->value_ms) > row->value_ms * 0.0161)
        fail_msg("%g ms is not %g", (double)ns / 1e6, row->value_ms);
    load_timeline_release(&timeline);
}

/* Over the whole range, a value lies at most 1.6 % off the middle of the bucket that it is in. */
static void check_buckets(void **state)
{
    (void)state;
    struct load_timeline timeline;
    for (double ns = 1; ns < 1099511627776.; ns *= 1.37) {
        assert_true(load_timeline_init(&timeline, 1, START_NS, NS_PER_S));
        struct load_sample sample = sample_of(0, LOAD_OK, (uint64_t)ns);
        load_timeline_add(&timeline, &sample);
        double got = (double)load_slot_quantile_ns(load_timeline_slot(&timeline, 0, 0), 1);
        assert_true(fabs(got - floor(ns)) <= ns * 0.0161);
        load_timeline_release(&timeline);
    }
    assert_true(load_timeline_init(&timeline, 1, START_NS, NS_PER_S));
    struct load_sample sample = sample_of(0, LOAD_OK, UINT64_MAX / 2);
    load_timeline_add(&timeline, &sample);
    assert_int_equal(load_timeline_slot(&timeline, 0, 0)->buckets[LOAD_TIMELINE_BUCKETS - 1], 1);
    load_timeline_release(&timeline);
}

static void check_merge(void **state)
{
    (void)state;
    struct load_timeline whole, parts[3];
    assert_true(load_timeline_init(&whole, 2, START_NS, 2 * NS_PER_S));
    for (unsigned i = 0; i < 3; i++)
        assert_true(load_timeline_init(&parts[i], 2, START_NS, 2 * NS_PER_S));
    for (unsigned i = 0; i < 900; i++) {
        struct load_sample sample = sample_of(i * 3, (enum load_outcome)(i % LOAD_OUTCOME_COUNT),
                                              (1 + i * i % 777) * NS_PER_MS);
        sample.step = i % 2;
        load_timeline_add(&whole, &sample);
        load_timeline_add(&parts[i % 3], &sample);
    }
    parts[1].start_ns = 5; /* another machine's */
    load_timeline_merge(&parts[0], &parts[1]);
    load_timeline_merge(&parts[0], &parts[2]);
    assert_memory_equal(parts[0].slots, whole.slots,
                        whole.step_count * whole.slot_count * sizeof(*whole.slots));
    load_timeline_release(&whole);
    for (unsigned i = 0; i < 3; i++)
        load_timeline_release(&parts[i]);
}

static void check_shape(void **state)
{
    (void)state;
    struct load_timeline timeline;
    const struct load_timeline none = {.slot_count = 1};
    const struct load_timeline many = {.slot_count = LOAD_TIMELINE_SLOTS_MAX + 1, .step_count = 1};
    const struct load_timeline large = {.slot_count = LOAD_TIMELINE_SLOTS_MAX, .step_count = 64};
    assert_false(load_timeline_init_as(&timeline, &none));
    assert_false(load_timeline_init_as(&timeline, &many));
    assert_false(load_timeline_init_as(&timeline, &large));
    load_timeline_release(&timeline);
    load_timeline_release(&timeline);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, width_rows, check_width);
    ROWS(&all, slot_rows, check_slot);
    ROWS(&all, quantile_rows, check_quantile);
    rows_one(&all, "it keeps latencies to 1.6 % over their whole range", check_buckets);
    rows_one(&all, "it merges parts into what one would have counted", check_merge);
    rows_one(&all, "it refuses a shape that is too large", check_shape);
    return rows_run("load_timeline", &all);
}
