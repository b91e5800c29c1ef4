#include "loadgen/load/schedule.h"

#include <math.h>

#include "base/clock.h"
#include "tests/unit/rows.h"

#define START 5000000000ull

enum { SEED = 7 };

static void expect_near(double value, double wanted, double most)
{
    if (!(fabs(value - wanted) <= most))
        fail_msg("%.9g is not within %g of %.9g", value, most, wanted);
}

/* Everything that a plan lets in, one after another. */
struct arrivals {
    uint64_t count, first_ns, last_ns;
    double gap_sum_s, gap_square_sum;
    uint64_t halves[2]; /* of its duration */
};

static struct arrivals all_of(const struct schedule_plan *plan, uint64_t seed)
{
    struct schedule schedule;
    struct arrivals all = {0};
    uint64_t number, due_ns, middle_ns = START + (uint64_t)(schedule_duration_s(plan) * 5e8);
    assert_int_equal(schedule_check(plan, NULL), STATUS_OK);
    schedule_start(&schedule, plan, seed, START);
    while (schedule_take(&schedule, SCHEDULE_NEVER - 1, &number, &due_ns)) {
        assert_int_equal(number, all.count);
        assert_true(due_ns >= START && due_ns >= all.last_ns);
        if (all.count > 0) {
            double gap_s = (double)(due_ns - all.last_ns) / 1e9;
            all.gap_sum_s += gap_s;
            all.gap_square_sum += gap_s * gap_s;
        } else {
            all.first_ns = due_ns;
        }
        all.halves[due_ns >= middle_ns]++;
        all.last_ns = due_ns;
        all.count++;
    }
    assert_true(schedule_next_ns(&schedule) == SCHEDULE_NEVER);
    return all;
}

struct row {
    const char *it;
    struct schedule_plan plan;
    uint64_t count, first_half;
    double last_s;
};

static const struct row rows[] = {
    {"it spaces a constant rate evenly", {{{10, 200, 200}}, 1, false}, 2000, 1000, 9.995},
    {"it takes a rate that is no whole number", {{{10, 33.3, 33.3}}, 1, false}, 333, 167, 9.96997},
    {"it ramps up", {{{10, 0, 100}}, 1, false}, 500, 125, 9.98999},
    {"it ramps down", {{{10, 100, 0}}, 1, false}, 500, 375, 9.5528},
    {"it keeps a spike where it was put",
     {{{4, 10, 10}, {2, 100, 100}, {4, 10, 10}}, 3, false},
     280,
     140,
     9.9},
    {"it pauses", {{{1, 10, 10}, {8, 0, 0}, {1, 10, 10}}, 3, false}, 20, 10, 9.9},
    {"it carries a part of an arrival over to the next stage",
     {{{1, 0.5, 0.5}, {1, 0.5, 0.5}}, 2, false},
     1,
     1,
     0},
};

static void check_row(void **state)
{
    const struct row *row = *state;
    struct arrivals all = all_of(&row->plan, SEED);
    assert_int_equal(all.count, row->count);
    assert_int_equal(all.halves[0], row->first_half);
    expect_near((double)(all.last_ns - START) / 1e9, row->last_s, 0.0002);
    expect_near(schedule_arrivals(&row->plan), (double)row->count, 0.51);
}

/* Exponential gaps: their standard deviation is their mean; evenly spaced ones have none. */
static void check_poisson(void **state)
{
    (void)state;
    const struct schedule_plan plan = {{{100, 1000, 1000}}, 1, true};
    struct arrivals all = all_of(&plan, SEED), again = all_of(&plan, SEED);
    struct arrivals other = all_of(&plan, SEED + 1);
    expect_near((double)all.count, 100000, 5 * sqrt(100000.0));
    double mean = all.gap_sum_s / (double)(all.count - 1);
    double variance = all.gap_square_sum / (double)(all.count - 1) - mean * mean;
    expect_near(mean, 0.001, 0.00002);
    expect_near(sqrt(variance) / mean, 1, 0.02);
    assert_int_equal(again.count, all.count);
    assert_true(again.last_ns == all.last_ns && again.first_ns == all.first_ns);
    assert_true(other.last_ns != all.last_ns);
}

static void check_poisson_ramp(void **state)
{
    (void)state;
    const struct schedule_plan plan = {{{100, 0, 1000}}, 1, true};
    struct arrivals all = all_of(&plan, SEED);
    expect_near((double)all.count, 50000, 5 * sqrt(50000.0));
    expect_near((double)all.halves[0], 12500, 5 * sqrt(12500.0));
}

/* Three loops together send what one alone sends, each at the same time. */
static void check_shared(void **state)
{
    const bool *is_poisson = *state;
    const struct schedule_plan plan = {{{1, 100, 500}, {1, 0, 0}, {1, 50, 50}}, 3, *is_poisson};
    struct schedule whole, parts[3];
    uint64_t number, due_ns, part_number, part_due_ns, count = 0;
    schedule_start(&whole, &plan, SEED, START);
    for (unsigned i = 0; i < 3; i++) {
        schedule_start(&parts[i], &plan, SEED, START);
        schedule_share(&parts[i], i, 3);
    }
    for (; schedule_take(&whole, SCHEDULE_NEVER - 1, &number, &due_ns); count++) {
        assert_true(schedule_take(&parts[number % 3], due_ns, &part_number, &part_due_ns));
        assert_int_equal(part_number, number);
        assert_true(part_due_ns == due_ns);
    }
    assert_true(count > 300);
    for (unsigned i = 0; i < 3; i++)
        assert_true(schedule_next_ns(&parts[i]) == SCHEDULE_NEVER);
}

static const struct share_row {
    const char *it;
    bool is_poisson;
} share_rows[] = {
    {"it shares even arrivals out among loops", false},
    {"it shares Poisson arrivals out among loops", true},
};

static void check_share_row(void **state)
{
    const struct share_row *row = *state;
    bool is_poisson = row->is_poisson;
    void *inner = &is_poisson;
    check_shared(&inner);
}

static void check_take(void **state)
{
    (void)state;
    const struct schedule_plan plan = {{{1, 1000, 1000}}, 1, false};
    struct schedule schedule;
    uint64_t number = 99, due_ns = 99;
    schedule_start(&schedule, &plan, SEED, START);
    assert_false(schedule_take(&schedule, START - 1, &number, &due_ns));
    assert_int_equal(number, 99);
    assert_true(schedule_take(&schedule, START, &number, &due_ns));
    assert_false(schedule_take(&schedule, START + NS_PER_MS - 1, &number, &due_ns));
    assert_true(schedule_take(&schedule, START + 3600 * NS_PER_S, &number, &due_ns));
    assert_int_equal(number, 1);
    assert_true(due_ns == START + NS_PER_MS);
    schedule_stop(&schedule);
    assert_false(schedule_take(&schedule, START + 3600 * NS_PER_S, &number, &due_ns));
}

/* What is told ahead is what comes, and telling it changes nothing. */
static void check_after(void **state)
{
    (void)state;
    const struct schedule_plan plan = {{{1, 50, 50}, {1, 0, 0}, {1, 0, 100}}, 3, true};
    struct schedule asked, plain;
    uint64_t number, due_ns, plain_number, plain_due_ns;
    schedule_start(&asked, &plan, SEED, START);
    schedule_start(&plain, &plan, SEED, START);
    schedule_share(&asked, 1, 3);
    schedule_share(&plain, 1, 3);
    uint64_t after_ns = schedule_after_ns(&asked);
    for (unsigned i = 0; schedule_take(&plain, SCHEDULE_NEVER - 1, &plain_number, &plain_due_ns);
         i++) {
        assert_true(schedule_take(&asked, SCHEDULE_NEVER - 1, &number, &due_ns));
        assert_int_equal(number, plain_number);
        assert_int_equal(due_ns, plain_due_ns);
        assert_int_equal(schedule_next_ns(&asked), after_ns);
        assert_int_equal(schedule_next_ns(&plain), after_ns);
        if (i % 3 != 0)
            assert_true(schedule_after_ns(&asked) >= after_ns);
        after_ns = schedule_after_ns(&asked);
    }
    assert_int_equal(after_ns, SCHEDULE_NEVER);
    schedule_start(&asked, &plan, SEED, START);
    assert_true(schedule_after_ns(&asked) != SCHEDULE_NEVER);
    schedule_stop(&asked);
    assert_int_equal(schedule_after_ns(&asked), SCHEDULE_NEVER);
    assert_false(schedule_take(&asked, SCHEDULE_NEVER - 1, &number, &due_ns));
}

static void check_rate(void **state)
{
    (void)state;
    const struct schedule_plan plan = {{{10, 0, 100}, {5, 20, 20}}, 2, false};
    expect_near(schedule_rate(&plan, -1), 0, 0);
    expect_near(schedule_rate(&plan, 5), 50, 1e-9);
    expect_near(schedule_rate(&plan, 12), 20, 1e-9);
    expect_near(schedule_rate(&plan, 15), 0, 0);
}

static const struct schedule_plan spike = {{{10, 0, 100}, {5, 40, 40}}, 2, false};

static void check_scale(void **state)
{
    (void)state;
    struct schedule_plan plan = spike;
    expect_near(schedule_peak(&plan), 100, 0);
    schedule_scale_rate(&plan, 50);
    expect_near(plan.stages[0].to, 50, 1e-9);
    expect_near(plan.stages[1].from, 20, 1e-9);
    assert_false(schedule_same(&plan, &spike));
    schedule_scale_rate(&plan, 100);
    assert_true(schedule_same(&plan, &spike));
    schedule_scale_duration(&plan, 30);
    expect_near(plan.stages[0].duration_s, 20, 1e-9);
    expect_near(schedule_arrivals(&plan), 2 * schedule_arrivals(&spike), 1e-9);
    plan = spike;
    plan.is_poisson = true;
    assert_false(schedule_same(&plan, &spike));
    plan = spike;
    plan.stage_count = 1;
    assert_false(schedule_same(&plan, &spike));
    schedule_set_constant(&plan, 7, 2);
    expect_near(schedule_arrivals(&plan), 14, 0);
}

static void check_count_max(void **state)
{
    (void)state;
    struct schedule_plan plan = spike;
    assert_int_equal(schedule_count_max(&plan), all_of(&plan, SEED).count);
    plan.is_poisson = true;
    for (uint64_t seed = 0; seed < 200; seed++)
        assert_true(all_of(&plan, seed).count < schedule_count_max(&plan));
    assert_true(schedule_count_max(&plan) < 1100);
}

struct bad_row {
    const char *it;
    struct schedule_plan plan;
};

static const struct bad_row bad_rows[] = {
    {"it refuses no stage", {{{0, 0, 0}}, 0, false}},
    {"it refuses a negative rate", {{{1, -1, 1}}, 1, false}},
    {"it refuses a rate that is no number", {{{1, 1, NAN}}, 1, false}},
    {"it refuses a rate over the highest", {{{1, 1, 1e7}}, 1, false}},
    {"it refuses a stage of no length", {{{0, 1, 1}}, 1, false}},
    {"it refuses a stage without an end", {{{INFINITY, 1, 1}}, 1, false}},
    {"it refuses two years in stages", {{{3e7, 1, 1}, {3e7, 1, 1}}, 2, false}},
    {"it refuses nothing but pauses", {{{1, 0, 0}}, 1, false}},
    {"it refuses too many arrivals", {{{3600, 1e6, 1e6}}, 1, false}},
};

static void check_bad(void **state)
{
    const struct bad_row *row = *state;
    struct error error = {0};
    assert_int_equal(schedule_check(&row->plan, &error), STATUS_INVALID);
    assert_true(error.text[0] != '\0');
}

int main(void)
{
    static struct rows all;
    ROWS(&all, rows, check_row);
    ROWS(&all, share_rows, check_share_row);
    ROWS(&all, bad_rows, check_bad);
    rows_one(&all, "it spaces Poisson arrivals by exponential gaps, by seed", check_poisson);
    rows_one(&all, "it ramps Poisson arrivals", check_poisson_ramp);
    rows_one(&all, "it gives an arrival when it is due, late ones with their own time", check_take);
    rows_one(&all, "it tells ahead what comes after the next one", check_after);
    rows_one(&all, "it tells the rate that is wanted", check_rate);
    rows_one(&all, "it scales rates and times and keeps the shape", check_scale);
    rows_one(&all, "it never has more arrivals than it said", check_count_max);
    return rows_run("schedule", &all);
}
