#include "loadgen/report/load_report.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "loadgen/base/table.h"
#include "loadgen/report/load_steps_json.h"

/* "1.23", and "> 1.23" of a quantile among requests whose latency is not known. */
static void add_quantile(struct table *table, const struct load_step_figures *step, double q)
{
    bool is_open;
    uint64_t ns = load_figures_quantile_ns(step, q, &is_open);
    table_cell(table, is_open ? TERMINAL_BAD : TERMINAL_PLAIN, "%s%.2f", is_open ? "> " : "",
               clock_ms(ns));
}

static void add_row(struct table *table, const char *name, const struct load_step_figures *step,
                    double elapsed_s)
{
    uint64_t count = load_figures_count(step), failed = load_figures_failed(step);
    table_row(table);
    table_cell(table, TERMINAL_PLAIN, "%s", name);
    table_cell(table, TERMINAL_PLAIN, "%" PRIu64, count);
    table_cell(table, TERMINAL_PLAIN, "%.1f", elapsed_s > 0 ? (double)count / elapsed_s : 0);
    table_cell(table, failed > 0 ? TERMINAL_BAD : TERMINAL_PLAIN, "%" PRIu64, failed);
    add_quantile(table, step, 0.5);
    add_quantile(table, step, 0.9);
    add_quantile(table, step, 0.99);
    add_quantile(table, step, 0.999);
    add_quantile(table, step, 1);
    table_cell(table, TERMINAL_FAINT, "%.2f",
               clock_ms(histogram_quantile_ns(&step->service, 0.99)));
    table_cell(table, TERMINAL_FAINT, "%.3f", clock_ms(histogram_quantile_ns(&step->lag, 0.99)));
}

static void print_steps(const struct load_plan *plan, const struct load_result *result,
                        const struct load_step_figures *sum, FILE *out)
{
    static const struct table_column columns[] = {
        {"step", false, true},     {"requests", true, false},
        {"a second", true, false}, {"failed", true, false},
        {"p50 ms", true, false},   {"p90", true, false},
        {"p99", true, false},      {"p99.9", true, false},
        {"max", true, false},      {"p99 from sending", true, false},
        {"lag p99", true, false},
    };
    struct table *table = malloc(sizeof(*table));
    if (table == NULL)
        return;
    table_init(table, columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < plan->step_count; i++)
        add_row(table, plan->steps[i].name, &result->figures.steps[i], result->elapsed_s);
    if (plan->step_count > 1)
        add_row(table, "all", sum, result->elapsed_s);
    table_print(table, out, 0);
    free(table);
}

static void print_failed_checks(const struct load_step *step, const uint64_t *failed, FILE *out)
{
    for (size_t i = 0; i < step->checks.count + step->take_count; i++) {
        char words[TABLE_CELL_MAX];
        if (failed[i] == 0)
            continue;
        load_steps_json_check_words(step, i, words, sizeof(words));
        fprintf(out, "    %" PRIu64 " x not so: %s\n", failed[i], words);
    }
}

static void print_failures(const struct load_plan *plan, const struct load_result *result,
                           FILE *out)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        const struct load_step_figures *step = &result->figures.steps[i];
        for (int outcome = 0; outcome < LOAD_OUTCOME_COUNT; outcome++) {
            if (outcome == LOAD_OK || step->outcomes[outcome] == 0)
                continue;
            fprintf(out, "  %s: %" PRIu64 " x %s\n", plan->steps[i].name, step->outcomes[outcome],
                    load_outcome_words((enum load_outcome)outcome));
            if (outcome == LOAD_BODY)
                print_failed_checks(&plan->steps[i], step->failed_checks, out);
        }
    }
}

static void print_thresholds(const struct load_plan *plan, const struct load_result *result,
                             FILE *out)
{
    for (size_t i = 0; i < plan->thresholds.count; i++) {
        const struct load_threshold *threshold = &plan->thresholds.items[i];
        const struct load_judgement *judgement = &result->judgements[i];
        fprintf(out, "  %s ", judgement->holds ? "holds:" : "BROKEN:");
        if (threshold->step != LOAD_ALL_STEPS)
            fprintf(out, "%s of %s", load_threshold_word(threshold->metric),
                    plan->steps[threshold->step].name);
        else
            fputs(load_threshold_word(threshold->metric), out);
        fprintf(out, " %s %g, it is ", threshold->is_lower ? "at least" : "at most",
                threshold->limit);
        if (isinf(judgement->value))
            fputs("not known to be below any limit: requests were not answered\n", out);
        else
            fprintf(out, "%.6g\n", judgement->value);
    }
}

static void print_notes(const struct load_plan *plan, const struct load_result *result,
                        const struct load_step_figures *sum, FILE *out)
{
    uint64_t late_ns = histogram_quantile_ns(&sum->late, 0.99);
    if (result->is_interrupted)
        fputs("\nInterrupted: this is what was measured until then.\n", out);
    if (result->is_aborted)
        fputs("\nEnded early: a threshold that aborts was broken.\n", out);
    if (result->is_late)
        fprintf(out,
                "\nDo not trust these latencies: the generator itself was late, by %.2f ms at the "
                "99th percentile.\nGive it a processor of its own, more threads, or less to do.\n",
                clock_ms(late_ns));
    if (sum->censored > 0)
        fprintf(out,
                "\n%" PRIu64 " requests have no known latency (never sent, or not answered): they "
                "count as slower than all others.\n",
                sum->censored);
    if (!plan->is_closed && sum->outcomes[LOAD_DROPPED] > 0)
        fputs("Requests were due and found no free connection in time: more --connections, or the "
              "target is too slow.\n",
              out);
}

void load_report_print(const struct load_plan *plan, const struct load_result *result, FILE *out)
{
    struct load_step_figures *sum = calloc(1, sizeof(*sum));
    if (sum == NULL)
        return;
    load_figures_sum(&result->figures, sum);
    uint64_t count = load_figures_count(sum);
    print_steps(plan, result, sum, out);
    fprintf(out,
            "\n%" PRIu64 " flows, %" PRIu64 " of them right, in %.1f s; %.1f MB sent, %.1f MB "
            "received; %" PRIu64 " connections\n",
            result->flows.due, result->flows.ok, result->elapsed_s, (double)sum->sent_bytes / 1e6,
            (double)sum->received_bytes / 1e6, sum->connects);
    fprintf(out,
            "generator: %.1f us of CPU a request, %.1f MB of memory at most, lag p50 %.3f ms\n",
            count > 0 ? (double)result->cpu_ns / 1e3 / (double)count : 0,
            (double)result->peak_rss_kib / 1024, clock_ms(histogram_quantile_ns(&sum->lag, 0.5)));
    if (load_figures_failed(sum) > 0) {
        fputs("\nnot right:\n", out);
        print_failures(plan, result, out);
    }
    if (plan->thresholds.count > 0) {
        fputs("\nthresholds:\n", out);
        print_thresholds(plan, result, out);
    }
    print_notes(plan, result, sum, out);
    load_workers_print(&result->workers, out);
    free(sum);
}
