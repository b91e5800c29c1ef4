#include <stdlib.h>

#include "base/clock.h"
#include "loadgen/load/load_plan.h"
#include "loadgen/load/load_run.h"
#include "tests/unit/rows.h"

enum { QUICK, SLOW, STEPS }; /* answered after 2 and after 250 ms */

struct row {
    const char *it;
    uint16_t step; /* that the limit is of */
    enum load_metric metric;
    double limit;
    unsigned late_us; /* the generator, at every request */
    bool was_late;    /* a worker of it, whatever the sum says */
    enum verdict verdict;
};

static const struct row rows[] = {
    {"it passes what holds", QUICK, LOAD_METRIC_P99_MS, 5, 0, false, VERDICT_PASS},
    {"it fails a latency", QUICK, LOAD_METRIC_P99_MS, 1, 0, false, VERDICT_FAIL},
    {"it does not judge a quick step of a late generator", QUICK, LOAD_METRIC_P99_MS, 1, 900, false,
     VERDICT_INCONCLUSIVE},
    {"it judges a step that is slow beside the lateness", SLOW, LOAD_METRIC_P99_MS, 100, 900, false,
     VERDICT_FAIL},
    {"it does not judge all steps where one is quick", LOAD_ALL_STEPS, LOAD_METRIC_P99_MS, 100, 900,
     false, VERDICT_INCONCLUSIVE},
    {"it passes what holds of a late generator", QUICK, LOAD_METRIC_P99_MS, 5, 900, false,
     VERDICT_PASS},
    {"it judges errors of a late generator", QUICK, LOAD_METRIC_ERROR_SHARE, -1, 900, false,
     VERDICT_FAIL},
    {"it does not judge latencies where one worker was late", SLOW, LOAD_METRIC_P99_MS, 100, 0,
     true, VERDICT_INCONCLUSIVE},
};

static void count(struct load_figures *figures, unsigned late_us)
{
    for (uint16_t step = 0; step < STEPS; step++)
        for (unsigned i = 0; i < 100; i++) {
            const struct load_sample sample = {
                .step = step,
                .outcome = LOAD_OK,
                .due_ns = NS_PER_S,
                .seen_ns = NS_PER_S + (uint64_t)late_us * 1000,
                .sent_ns = NS_PER_S + (uint64_t)late_us * 1000,
                .first_byte_ns = NS_PER_S + NS_PER_MS,
                .done_ns = NS_PER_S + (step == QUICK ? 2 : 250) * NS_PER_MS,
            };
            load_figures_add(figures, &sample);
        }
}

static void check(void **state)
{
    const struct row *row = *state;
    struct load_plan *plan = calloc(1, sizeof(*plan));
    struct load_result *result = calloc(1, sizeof(*result));
    assert_true(plan != NULL && result != NULL);
    plan->thresholds.items[plan->thresholds.count++] =
        (struct load_threshold){.metric = row->metric, .step = row->step, .limit = row->limit};
    assert_true(load_figures_init(&result->figures, STEPS));
    count(&result->figures, row->late_us);
    result->elapsed_s = 1;
    result->is_late = row->was_late;
    load_run_judge(plan, result);
    assert_int_equal(result->verdict, row->verdict);
    assert_int_equal(result->is_late, row->late_us > 0 || row->was_late);
    load_figures_release(&result->figures);
    free(result);
    free(plan);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, rows, check);
    return rows_run("load_judge", &all);
}
