#include "loadgen/load/load_figures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "loadgen/load/load_threshold.h"
#include "tests/unit/rows.h"

static struct load_sample sample_of(enum load_outcome outcome, uint64_t latency_ms)
{
    return (struct load_sample){.outcome = outcome,
                                .censored = load_outcome_is_censored(outcome),
                                .due_ns = NS_PER_S,
                                .seen_ns = NS_PER_S + 10000,
                                .sent_ns = NS_PER_S + NS_PER_MS / 2,
                                .first_byte_ns = NS_PER_S + NS_PER_MS * 3 / 4,
                                .done_ns = NS_PER_S + latency_ms * NS_PER_MS,
                                .sent_bytes = 10,
                                .received_bytes = 20};
}

static void add_many(struct load_figures *figures, enum load_outcome outcome, unsigned from_ms,
                     unsigned to_ms)
{
    for (unsigned i = from_ms; i <= to_ms; i++) {
        struct load_sample sample = sample_of(outcome, i);
        load_figures_add(figures, &sample);
    }
}

/* 1 .. 100 ms; quantiles to the histogram's 0.2 %. */
struct row {
    const char *it;
    unsigned ok, refused;
    enum load_metric metric;
    double value;
};

static const struct row rows[] = {
    {"it gives the median", 100, 0, LOAD_METRIC_P50_MS, 50},
    {"it gives the highest", 100, 0, LOAD_METRIC_MAX_MS, 100},
    {"it gives the mean", 100, 0, LOAD_METRIC_MEAN_MS, 50.5},
    {"it puts one without an answer above the rest", 99, 1, LOAD_METRIC_P99_MS, 99},
    {"it has no highest where one was not answered", 99, 1, LOAD_METRIC_MAX_MS, INFINITY},
    {"it has no median where half were not answered", 49, 51, LOAD_METRIC_P50_MS, INFINITY},
    {"it moves the median up by what was not answered", 80, 20, LOAD_METRIC_P50_MS, 50},
    {"it has no mean where one was not answered", 99, 1, LOAD_METRIC_MEAN_MS, INFINITY},
    {"it gives the share of errors", 75, 25, LOAD_METRIC_ERROR_SHARE, 0.25},
    {"it counts right answers a second", 80, 20, LOAD_METRIC_RATE, 8},
    {"it gives no error of nothing", 0, 0, LOAD_METRIC_ERROR_SHARE, 0},
};

static void check_row(void **state)
{
    const struct row *row = *state;
    struct load_figures figures;
    assert_true(load_figures_init(&figures, 1));
    add_many(&figures, LOAD_OK, 1, row->ok);
    add_many(&figures, LOAD_CONNECT, 1, row->refused);
    double value = load_threshold_value(row->metric, &figures.steps[0], 10);
    if (isinf(row->value))
        assert_true(isinf(value));
    else if (!(fabs(value - row->value) <= row->value * 0.002))
        fail_msg("%g is not %g", value, row->value);
    load_figures_release(&figures);
}

static void check_counts(void **state)
{
    (void)state;
    struct load_figures figures;
    assert_true(load_figures_init(&figures, 2));
    struct load_sample wrong = sample_of(LOAD_BODY, 5), dropped = sample_of(LOAD_DROPPED, 700);
    wrong.step = 1;
    wrong.failed_check = 3;
    wrong.connect_ns = 9000;
    dropped.step = 1;
    dropped.sent_ns = dropped.first_byte_ns = 0;
    load_figures_add(&figures, &wrong);
    load_figures_add(&figures, &dropped);
    const struct load_step_figures *step = &figures.steps[1];
    assert_int_equal(load_figures_count(&figures.steps[0]), 0);
    assert_int_equal(load_figures_count(step), 2);
    assert_int_equal(load_figures_failed(step), 2);
    assert_int_equal(step->failed_checks[3], 1);
    assert_int_equal(step->censored, 1);
    assert_int_equal(step->censored_max_ns, 700 * NS_PER_MS);
    assert_int_equal(step->latency.count, 1);
    assert_int_equal(step->connects, 1);
    assert_int_equal(step->lag.count, 2); /* it waited as long as it was not sent */
    assert_int_equal(step->lag.max_ns, 700 * NS_PER_MS);
    assert_int_equal(step->service.max_ns, 5 * NS_PER_MS - NS_PER_MS / 2);
    assert_int_equal(step->first_byte.max_ns, NS_PER_MS / 4);
    load_figures_release(&figures);
}

static void check_merge(void **state)
{
    (void)state;
    struct load_figures whole, parts[3];
    assert_true(load_figures_init(&whole, 2));
    for (unsigned i = 0; i < 3; i++)
        assert_true(load_figures_init(&parts[i], 2));
    for (unsigned i = 0; i < 900; i++) {
        struct load_sample sample =
            sample_of((enum load_outcome)(i % LOAD_OUTCOME_COUNT), 1 + i * i % 777);
        sample.step = i % 2;
        load_figures_add(&whole, &sample);
        load_figures_add(&parts[i % 3], &sample);
    }
    load_figures_merge(&parts[0], &parts[1]);
    load_figures_merge(&parts[0], &parts[2]);
    assert_memory_equal(parts[0].steps, whole.steps, 2 * sizeof(*whole.steps));
    load_figures_release(&whole);
    for (unsigned i = 0; i < 3; i++)
        load_figures_release(&parts[i]);
}

static void check_late(void **state)
{
    (void)state;
    struct load_figures figures;
    assert_true(load_figures_init(&figures, 1));
    add_many(&figures, LOAD_OK, 1, 100);
    assert_false(load_figures_is_late(&figures.steps[0]));
    for (unsigned i = 0; i < 5; i++) { /* 5 % were seen 20 ms late, of some 99 ms */
        struct load_sample sample = sample_of(LOAD_OK, 50);
        sample.seen_ns = sample.due_ns + 20 * NS_PER_MS;
        load_figures_add(&figures, &sample);
    }
    assert_true(load_figures_is_late(&figures.steps[0]));
    load_figures_release(&figures);
}

static void check_clear(void **state)
{
    (void)state;
    struct load_figures figures, empty;
    assert_true(load_figures_init(&figures, 2) && load_figures_init(&empty, 2));
    struct load_sample sample = sample_of(LOAD_BODY, 50);
    sample.connect_ns = 3;
    sample.first_byte_ns = sample.sent_ns + 4;
    sample.failed_check = 1;
    load_figures_add(&figures, &sample);
    sample = sample_of(LOAD_TIMEOUT, 70);
    sample.step = 1;
    sample.censored = true;
    load_figures_add(&figures, &sample);
    assert_memory_not_equal(figures.steps, empty.steps, 2 * sizeof(*empty.steps));
    load_figures_clear(&figures);
    assert_memory_equal(figures.steps, empty.steps, 2 * sizeof(*empty.steps));
    load_figures_release(&figures);
    load_figures_release(&empty);
}

static void check_limits(void **state)
{
    (void)state;
    const struct load_threshold most = {.limit = 5}, least = {.limit = 5, .is_lower = true};
    assert_true(load_threshold_holds(&most, 5) && !load_threshold_holds(&most, 5.01));
    assert_false(load_threshold_holds(&most, INFINITY));
    assert_true(load_threshold_holds(&least, 5) && !load_threshold_holds(&least, 4.99));
    for (unsigned i = 0; i < LOAD_METRIC_COUNT; i++) {
        enum load_metric metric = LOAD_METRIC_COUNT;
        assert_true(
            load_threshold_metric(text_of(load_threshold_word((enum load_metric)i)), &metric));
        assert_int_equal(metric, i);
    }
    enum load_metric none;
    assert_false(load_threshold_metric(text_of("p98_ms"), &none));
}

static void check_any_late(void **state)
{
    (void)state;
    struct load_figures figures;
    assert_true(load_figures_init(&figures, 3));
    struct load_sample sample = sample_of(LOAD_OK, 10);
    load_figures_add(&figures, &sample);
    sample.step = 2;
    load_figures_add(&figures, &sample);
    assert_false(load_figures_any_is_late(&figures));
    sample.step = 1;
    sample.seen_ns = NS_PER_S + 5 * NS_PER_MS;
    load_figures_add(&figures, &sample);
    assert_true(load_figures_any_is_late(&figures));
    load_figures_release(&figures);
    assert_false(load_figures_any_is_late(&figures));
}

int main(void)
{
    static struct rows all;
    ROWS(&all, rows, check_row);
    rows_one(&all, "it counts by outcome, and what was never sent with its wait", check_counts);
    rows_one(&all, "it merges parts into what one would have counted", check_merge);
    rows_one(&all, "it forgets all when it is cleared", check_clear);
    rows_one(&all, "it says when the generator itself was late", check_late);
    rows_one(&all, "it holds limits and knows its metrics by name", check_limits);
    rows_one(&all, "it tells that the generator was late at any step", check_any_late);
    return rows_run("load_figures", &all);
}
