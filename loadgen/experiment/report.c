#include "loadgen/experiment/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "loadgen/base/table.h"
#include "loadgen/experiment/fix.h"

static const enum terminal_colour verdict_colours[] = {
    [VERDICT_PASS] = TERMINAL_GOOD,
    [VERDICT_FAIL] = TERMINAL_BAD,
    [VERDICT_INCONCLUSIVE] = TERMINAL_UNSURE,
};

/* ---- findings */

static void print_evidence(const struct finding *finding, FILE *out)
{
    char line[512];
    fputc('\n', out);
    snprintf(line, sizeof line, "%s at %.*s %.*s:", finding_kind_word(finding->kind),
             TEXT_ARGS(finding->service), TEXT_ARGS(finding->operation));
    table_prose(out, 2, line);
    snprintf(line, sizeof line, "%.*s", TEXT_ARGS(finding->summary));
    table_prose(out, 4, line);
    for (size_t i = 0; i < finding->gate_count; i++)
        fprintf(out, "    %s: %.3g (at least %.3g)\n", finding->gates[i].name,
                finding->gates[i].value, finding->gates[i].threshold);
    for (size_t i = 0; i < finding->ruled_out_count; i++) {
        snprintf(line, sizeof line, "ruled out: %.*s", TEXT_ARGS(finding->ruled_out[i]));
        table_prose(out, 4, line);
    }
    for (size_t i = 0; i < finding->trace_count; i++) {
        char id[33] = "";
        hex_encode(finding->traces[i].trace_id, 16, id);
        fprintf(out, "    trace %s: %.1f ms, %.1f ms with the fix\n", id,
                finding->traces[i].before_ms, finding->traces[i].after_ms);
    }
}

static void add_ms(struct table *table, enum terminal_colour colour, double ms)
{
    table_cell(table, colour, ms < 10 ? "%.1f ms" : "%.0f ms", ms);
}

static void print_findings(const struct diagnosis *diagnosis, bool with_baseline, bool counted_only,
                           FILE *out)
{
    static const struct table_column columns[] = {
        {"finding", false, false}, {"where", false, true},   {"peer", false, true},
        {"state", false, false},   {"surety", false, false}, {"share", true, false},
        {"cost", true, false},     {"saving", true, false},
    };
    struct table *table = malloc(sizeof *table);
    if (!table)
        return;
    table_init(table, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < diagnosis->finding_count; i++) {
        const struct finding *finding = &diagnosis->findings[i];
        bool counts = finding_counts(finding, with_baseline);
        enum terminal_colour colour = counts ? TERMINAL_PLAIN : TERMINAL_FAINT;
        if (counted_only && !counts)
            continue;
        table_row(table);
        table_cell(table, colour, "%s", finding_kind_word(finding->kind));
        table_cell(table, colour, "%.*s %.*s", TEXT_ARGS(finding->service),
                   TEXT_ARGS(finding->operation));
        table_cell(table, colour, "%.*s", TEXT_ARGS(finding->peer));
        table_cell(table, colour, "%s", finding_state_word(finding->state));
        table_cell(table, colour, "%s", finding_confidence_word(finding->confidence));
        table_cell(table, colour, "%.0f %%", finding->prevalence * 100);
        add_ms(table, colour, finding->cost_ms);
        add_ms(table, colour, finding->saving_ms);
    }
    if (table->row_count > 0)
        table_print(table, out, 2);
    else
        fprintf(out, "  no finding\n");
    free(table);
}

void report_findings(const struct diagnosis *diagnosis, bool with_baseline, bool counted_only,
                     FILE *out)
{
    print_findings(diagnosis, with_baseline, counted_only, out);
    for (size_t i = 0; i < diagnosis->finding_count; i++)
        if (!counted_only || finding_counts(&diagnosis->findings[i], with_baseline))
            print_evidence(&diagnosis->findings[i], out);
}

/* ---- a run */

static void add_window(struct table *table, const char *name, const struct measurement *measurement)
{
    if (!measurement->readback)
        return;
    const struct window_result *window = &measurement->window;
    struct coverage coverage = measurement_coverage(measurement);
    uint64_t failed = measurement_failed(measurement);
    static const double quantiles[] = {0.5, 0.9, 0.99, 1};
    table_row(table);
    table_cell(table, TERMINAL_PLAIN, "%s", name);
    table_cell(table, TERMINAL_PLAIN, "%" PRIu64, window->flows_done);
    table_cell(table, failed ? TERMINAL_BAD : TERMINAL_PLAIN, "%" PRIu64, failed);
    for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++)
        table_cell(table, TERMINAL_PLAIN, "%.1f",
                   (double)window_latency_ns(window, quantiles[i]) / 1e6);
    table_cell(table, TERMINAL_PLAIN, "%" PRIu64, coverage.requests);
    table_cell(table, coverage.arrived < 1 ? TERMINAL_UNSURE : TERMINAL_PLAIN, "%.2f %%",
               coverage.arrived * 100);
    table_cell(table, TERMINAL_PLAIN, "%.2f %%", coverage.connected * 100);
    table_cell(table, TERMINAL_PLAIN, "%.2f %%", coverage.as_expected * 100);
    table_cell(table, measurement->drops.spans ? TERMINAL_BAD : TERMINAL_PLAIN, "%" PRIu64,
               measurement->drops.spans);
}

void report_name_window(const struct experiment *experiment, size_t step, char *out, size_t size)
{
    const struct scenario_step *what = experiment->steps[step].step;
    if (experiment->scenario->has_steps)
        snprintf(out, size, "step %zu: %s", step + 1, what->title);
    else
        snprintf(out, size, "%s", what->faults.count ? "faulty" : "again");
}

static void print_windows(const struct experiment *experiment, FILE *out)
{
    static const struct table_column columns[] = {
        {"window", false, true},    {"flows", true, false},   {"failed", true, false},
        {"p50 ms", true, false},    {"p90", true, false},     {"p99", true, false},
        {"max", true, false},       {"traces", true, false},  {"complete", true, false},
        {"connected", true, false}, {"planned", true, false}, {"drops", true, false},
    };
    struct table *table = malloc(sizeof *table);
    if (!table)
        return;
    table_init(table, columns, sizeof columns / sizeof columns[0]);
    add_window(table, "healthy", &experiment->reference->measurement);
    for (size_t i = 0; i < experiment->step_count; i++) {
        char name[SCENARIO_TITLE_MAX + 16];
        report_name_window(experiment, i, name, sizeof name);
        add_window(table, name, &experiment->steps[i].measurement);
    }
    table_print(table, out, 2);
    free(table);
}

void report_list_faults(const struct scenario_step *step, char *out, size_t size)
{
    size_t used = 0;
    snprintf(out, size, "nothing");
    for (size_t i = 0; i < step->faults.count && used + 1 < size; i++) {
        char one[160];
        setting_write(&step->faults.items[i], one, sizeof one);
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", one);
    }
}

/* Who sent the load of a window, where that were several. */
static void print_workers(const char *name, const struct measurement *measurement, FILE *out)
{
    const struct load_workers *workers = &measurement->window.workers;
    if (workers->count > 0)
        fprintf(out, "\n  who sent the load of \"%s\":\n", name);
    load_workers_print(workers, out);
}

typedef void window_printer(const char *name, const struct measurement *measurement, FILE *out);

static void print_each(const struct experiment *experiment, window_printer *print, FILE *out)
{
    print("healthy", &experiment->reference->measurement, out);
    for (size_t i = 0; i < experiment->step_count; i++) {
        char name[SCENARIO_TITLE_MAX + 16];
        report_name_window(experiment, i, name, sizeof name);
        print(name, &experiment->steps[i].measurement, out);
    }
}

/* ---- steps */

static void add_fix(struct table *table, const struct experiment_step *step, const struct fix *fix)
{
    const struct finding *finding = fix->finding;
    table_row(table);
    table_cell(table, TERMINAL_PLAIN, "%s", step->step->title);
    table_cell(table, TERMINAL_PLAIN, "%.0f ms", fix->before_ms);
    if (finding) {
        table_cell(table, TERMINAL_PLAIN, "%s", finding_kind_word(finding->kind));
        table_cell(table, TERMINAL_PLAIN, "%.*s %.*s", TEXT_ARGS(finding->service),
                   TEXT_ARGS(finding->operation));
    } else {
        table_cell(table, TERMINAL_UNSURE, "nothing");
        table_cell(table, TERMINAL_PLAIN, "-");
    }
    add_ms(table, TERMINAL_PLAIN, fix->predicted_ms);
    add_ms(table, TERMINAL_PLAIN, fix->measured_ms);
}

/* The story: what was found, what fixing it was to save, and what it saved. */
static void print_fixes(const struct experiment *experiment, FILE *out)
{
    static const struct table_column columns[] = {
        {"step", false, true},  {"p50", true, false},       {"found, and fixed next", false, false},
        {"where", false, true}, {"predicted", true, false}, {"measured", true, false},
    };
    const struct window_result *healthy = &experiment->reference->measurement.window;
    const double after_ms = (double)window_latency_ns(healthy, 0.5) / 1e6;
    double before_ms = after_ms, predicted_ms = 0;
    struct table *table = malloc(sizeof *table);
    if (!table)
        return;
    table_init(table, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < experiment->step_count && experiment->steps[i].is_done; i++) {
        struct fix fix;
        fix_of_step(experiment, i, &fix);
        add_fix(table, &experiment->steps[i], &fix);
        before_ms = i == 0 ? fix.before_ms : before_ms;
        predicted_ms += fix.predicted_ms;
    }
    table_row(table);
    table_cell(table, TERMINAL_PLAIN, "all fixed");
    table_cell(table, TERMINAL_PLAIN, "%.0f ms", after_ms);
    table_cell(table, TERMINAL_FAINT, "all together");
    table_cell(table, TERMINAL_PLAIN, "%s", "");
    add_ms(table, TERMINAL_PLAIN, predicted_ms);
    add_ms(table, TERMINAL_PLAIN, before_ms - after_ms);
    fputc('\n', out);
    table_print(table, out, 2);
    free(table);
}

/* Of several steps each has the evidence of its fix alone: the others' come again. */
static void print_step_findings(const struct experiment *experiment, size_t index, FILE *out)
{
    struct fix fix;
    const struct diagnosis *diagnosis = &experiment->steps[index].with_baseline;
    if (!experiment->scenario->has_steps) {
        report_findings(diagnosis, true, true, out);
        return;
    }
    fix_of_step(experiment, index, &fix);
    print_findings(diagnosis, true, true, out);
    if (fix.finding)
        print_evidence(fix.finding, out);
}

void report_thresholds(const struct threshold_judgement *judgements, size_t count, FILE *out)
{
    static const enum terminal_colour colours[] = {[THRESHOLD_HOLDS] = TERMINAL_GOOD,
                                                   [THRESHOLD_BROKEN] = TERMINAL_BAD,
                                                   [THRESHOLD_UNSURE] = TERMINAL_UNSURE};
    if (count > 0)
        fputs("\n  thresholds:\n", out);
    for (size_t i = 0; i < count; i++) {
        char line[THRESHOLD_LINE_MAX];
        threshold_line(&judgements[i], line);
        size_t word = strcspn(line, ":");
        line[word] = '\0';
        fputs("    ", out);
        table_word(out, colours[judgements[i].outcome], line);
        fprintf(out, ":%s\n", line + word + 1);
    }
}

/* "  verdict: pass", and why it is not. */
static void print_verdict(const struct judge_result *result, const char *of, FILE *out)
{
    fprintf(out, "\n  verdict%s: ", of);
    table_word(out, verdict_colours[result->verdict], verdict_word(result->verdict));
    fputc('\n', out);
    for (size_t i = 0; i < result->reason_count; i++)
        fprintf(out, "    %s\n", result->reasons[i]);
}

static void print_step(const struct experiment *experiment, size_t index, FILE *out)
{
    const struct experiment_step *step = &experiment->steps[index];
    char planted[512];
    report_list_faults(step->step, planted, sizeof planted);
    if (experiment->scenario->has_steps)
        fprintf(out, "\n  %s\n", step->step->title);
    fprintf(out, "\n  planted: %s\n\n", planted);
    print_step_findings(experiment, index, out);
    if (step->is_judged_alone && step->without_baseline.finding_count > 0) {
        fprintf(out, "\n  without the healthy window to compare with:\n\n");
        report_findings(&step->without_baseline, false, true, out);
    }
    if (step->step->faults.count > 0)
        fprintf(out,
                "\n  saving: predicted %.1f ms, measured %.1f ms; %.1f ms of the growth has no"
                " explanation\n",
                step->predicted_saving_ms, step->measured_saving_ms,
                step->with_baseline.unexplained_ms);
    report_thresholds(step->judgements, step->step->thresholds.count, out);
    print_verdict(&step->result, "", out);
}

void report_drops(const struct measurement *measurement, FILE *out)
{
    const struct drops_lost *drops = &measurement->drops;
    if (drops->spans > 0) {
        char words[DROPS_WHERE_MAX + 200];
        (void)snprintf(words, sizeof words,
                       "%" PRIu64
                       " spans were lost on their way (%s): what the traces show is not all "
                       "that happened, and a finding or its absence may be an accident of that",
                       drops->spans, drops->where);
        fputs("  ", out);
        table_word(out, TERMINAL_BAD, "warning:");
        fputc('\n', out);
        table_prose(out, 4, words);
    }
    if (drops->silent > 0)
        fprintf(out, "  %zu services did not say whether they lost spans\n", drops->silent);
}

static void print_lateness(const char *name, const struct load_figures *figures, FILE *out)
{
    for (size_t step = 0; step < figures->step_count; step++)
        if (load_figures_is_late(&figures->steps[step]))
            fprintf(out,
                    "  %s: the generator itself was late for \"%s\", by %.2f ms at the 99th "
                    "percentile: its latencies are not to be trusted\n",
                    name, window_step_word((enum window_step)step),
                    (double)histogram_quantile_ns(&figures->steps[step].late, 0.99) / 1e6);
}

/* Those of several who were late themselves, whatever the sum of all says. */
static void print_late_workers(const char *name, const struct load_workers *workers, FILE *out)
{
    for (size_t i = 0; i < workers->count; i++)
        if (workers->items[i].is_late)
            fprintf(out,
                    "  %s: worker %zu (%s) was late itself: its latencies are not to be trusted\n",
                    name, i, workers->items[i].name.host);
}

static void print_trouble(const char *name, const struct measurement *measurement, FILE *out)
{
    if (!measurement->readback)
        return;
    const struct readback_totals *totals = readback_totals(measurement->readback);
    const char *trouble = readback_trouble(measurement->readback);
    if (trouble[0])
        fprintf(out, "  back end: %" PRIu64 " of %" PRIu64 " reads failed, first: %s\n",
                totals->read_failures, totals->reads, trouble);
    if (totals->unread)
        fprintf(out, "  traces: %" PRIu64 " were not read back\n", totals->unread);
    if (totals->lost || totals->never_made || totals->extra || totals->duplicates)
        fprintf(out,
                "  spans: %" PRIu64 " missing (%" PRIu64 " found as fragments), %" PRIu64
                " of calls never made, %" PRIu64 " of calls too many, %" PRIu64 " twice\n",
                totals->lost, measurement->fragments.restored, totals->never_made, totals->extra,
                totals->duplicates);
    print_lateness(name, &measurement->window.figures, out);
    print_late_workers(name, &measurement->window.workers, out);
    report_drops(measurement, out);
}

static void print_arrivals(const struct schedule_plan *arrivals, FILE *out)
{
    const struct schedule_stage *first = &arrivals->stages[0];
    if (arrivals->stage_count == 1 && first->from == first->to)
        fprintf(out, "%g checkouts/s", first->from);
    else
        fprintf(out, "up to %g checkouts/s in %zu stages", schedule_peak(arrivals),
                arrivals->stage_count);
    fprintf(out, "%s for %g s", arrivals->is_poisson ? ", by chance," : "",
            schedule_duration_s(arrivals));
}

void report_experiment(const struct experiment *experiment, FILE *out)
{
    const struct scenario *scenario = experiment->scenario;
    const struct scenario_environment *environment = &scenario->environment;
    const struct backend_latency *latency = &experiment->trace_latency;
    fprintf(out, "%s: %s\n", scenario->name, scenario->title);
    print_arrivals(&environment->arrivals, out);
    fprintf(out, ", seed %" PRIu64 "\n\n", experiment->seed);
    print_windows(experiment, out);
    print_each(experiment, print_workers, out);
    print_each(experiment, print_trouble, out);
    if (latency->is_known)
        fprintf(out,
                "  span end to queryable: p50 %.0f ms, p90 %.0f ms, p99 %.0f ms, max %.0f ms\n",
                latency->p50_ms, latency->p90_ms, latency->p99_ms, latency->max_ms);
    if (experiment->is_healthy_judged) {
        report_thresholds(experiment->healthy, scenario->healthy.count, out);
        print_verdict(&experiment->healthy_result, " on the healthy window", out);
    }
    if (scenario->has_steps)
        print_fixes(experiment, out);
    for (size_t i = 0; i < experiment->step_count; i++)
        if (experiment->steps[i].is_done)
            print_step(experiment, i, out);
    if (experiment->cut_short.text[0])
        fprintf(out, "\n  cut short: %s\n", experiment->cut_short.text);
}
