#include "loadgen/experiment/report.h"

#include <string.h>

#include "loadgen/experiment/fix.h"
#include "loadgen/experiment/links.h"
#include "loadgen/report/load_steps_json.h"

static void write_histogram(struct json_writer *writer, const char *key,
                            const struct histogram *histogram)
{
    json_key(writer, key);
    json_begin_object(writer);
    json_field_fixed(writer, "p50", (double)histogram_quantile_ns(histogram, 0.5) / 1e6, 3);
    json_field_fixed(writer, "p90", (double)histogram_quantile_ns(histogram, 0.9) / 1e6, 3);
    json_field_fixed(writer, "p99", (double)histogram_quantile_ns(histogram, 0.99) / 1e6, 3);
    json_field_fixed(writer, "max", (double)histogram->max_ns / 1e6, 3);
    json_end_object(writer);
}

/* Of checkouts; those of unknown latency lie above the rest. */
static void write_latency(struct json_writer *writer, const char *key,
                          const struct window_result *window)
{
    static const struct {
        const char *key;
        double q;
    } quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"max", 1}};
    json_key(writer, key);
    json_begin_object(writer);
    for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++)
        json_field_fixed(writer, quantiles[i].key,
                         (double)window_latency_ns(window, quantiles[i].q) / 1e6, 3);
    json_end_object(writer);
}

/* Sums over the windows of a run. */
struct sums {
    struct readback_totals totals;
    uint64_t flows, restored, requests_restored, dropped, failed, unsent;
    struct histogram polled;
};

static void add(struct sums *sums, const struct measurement *measurement)
{
    sums->flows += measurement->window.flows_due;
    if (!measurement->readback)
        return;
    const struct readback_totals *one = readback_totals(measurement->readback);
    struct readback_totals *all = &sums->totals;
    all->requests += one->requests;
    all->unread += one->unread;
    all->absent += one->absent;
    all->arrived += one->arrived;
    all->connected += one->connected;
    all->as_expected += one->as_expected;
    all->spans += one->spans;
    all->expected += one->expected;
    all->found += one->found;
    all->lost += one->lost;
    all->never_made += one->never_made;
    all->extra += one->extra;
    all->orphans += one->orphans;
    all->duplicates += one->duplicates;
    all->reads += one->reads;
    all->read_failures += one->read_failures;
    sums->restored += measurement->fragments.restored;
    sums->requests_restored += measurement->fragments.requests_restored;
    sums->dropped += measurement->drops.spans;
    sums->failed += measurement_failed(measurement);
    sums->unsent += measurement->window.dropped;
    histogram_merge(&sums->polled, readback_polled_latency(measurement->readback));
}

static double share(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : part >= whole ? 1 : (double)part / (double)whole;
}

static uint64_t without(uint64_t all, uint64_t some)
{
    return all > some ? all - some : 0;
}

static void write_spans(struct json_writer *writer, const struct sums *sums)
{
    const struct readback_totals *all = &sums->totals;
    json_key(writer, "spans");
    json_begin_object(writer);
    json_field_u64(writer, "expected", all->expected);
    json_field_u64(writer, "found", all->found + sums->restored);
    json_field_u64(writer, "dropped", sums->dropped);
    json_field_u64(writer, "lost", without(all->lost, sums->restored));
    json_field_u64(writer, "in_fragments", sums->restored);
    json_field_u64(writer, "never_made", all->never_made);
    json_field_u64(writer, "extra", all->extra);
    json_field_u64(writer, "orphans", all->orphans);
    json_field_u64(writer, "duplicates", all->duplicates);
    json_field_u64(writer, "all", all->spans);
    json_end_object(writer);
}

static void write_coverage(struct json_writer *writer, const struct sums *sums)
{
    const struct readback_totals *all = &sums->totals;
    json_field_u64(writer, "requests", sums->flows); /* checkouts; each leaves two traces */
    json_field_u64(writer, "traces", all->requests);
    json_field_u64(writer, "failed", sums->failed);
    json_field_u64(writer, "unsent", sums->unsent);
    json_field_u64(writer, "unread", all->unread);
    json_field_fixed(writer, "coverage",
                     share(all->arrived + sums->requests_restored, all->requests), 6);
    json_field_fixed(writer, "connected",
                     share(without(all->connected, sums->requests_restored), all->requests), 6);
    json_field_fixed(writer, "as_expected", share(all->as_expected, all->requests), 6);
    write_spans(writer, sums);
}

static void write_trace_latency(struct json_writer *writer, const struct experiment *experiment,
                                const struct sums *sums)
{
    const struct backend_latency *latency = &experiment->trace_latency;
    if (!latency->is_known) {
        write_histogram(writer, "trace_latency_ms", &sums->polled);
        json_field_cstring(writer, "trace_latency_source", "polled");
        return;
    }
    json_key(writer, "trace_latency_ms");
    json_begin_object(writer);
    json_field_fixed(writer, "p50", latency->p50_ms, 3);
    json_field_fixed(writer, "p90", latency->p90_ms, 3);
    json_field_fixed(writer, "p99", latency->p99_ms, 3);
    json_field_fixed(writer, "max", latency->max_ms, 3);
    json_end_object(writer);
    json_field_cstring(writer, "trace_latency_source", "collector");
    write_histogram(writer, "polled_latency_ms", &sums->polled);
}

/* Those that count, or those that do not. */
static void write_findings(struct json_writer *writer, const struct experiment_step *step,
                           bool counted)
{
    for (size_t i = 0; i < step->with_baseline.finding_count; i++)
        if (finding_counts(&step->with_baseline.findings[i], true) == counted)
            finding_write_json(&step->with_baseline.findings[i], writer);
    if (!counted)
        return;
    for (size_t i = 0; i < step->without_baseline.finding_count; i++)
        if (finding_counts(&step->without_baseline.findings[i], false))
            finding_write_json(&step->without_baseline.findings[i], writer);
}

static void write_all_findings(struct json_writer *writer, const struct experiment *experiment,
                               const char *key, bool counted)
{
    json_key(writer, key);
    json_begin_array(writer);
    for (size_t i = 0; i < experiment->step_count; i++)
        write_findings(writer, &experiment->steps[i], counted);
    json_end_array(writer);
}

static void write_faults(struct json_writer *writer, const struct scenario_step *step)
{
    json_key(writer, "faults");
    json_begin_array(writer);
    for (size_t i = 0; i < step->faults.count; i++) {
        char one[160];
        setting_write(&step->faults.items[i], one, sizeof one);
        json_cstring(writer, one);
    }
    json_end_array(writer);
}

static void write_reasons(struct json_writer *writer, const struct judge_result *result)
{
    json_key(writer, "reasons");
    json_begin_array(writer);
    for (size_t i = 0; i < result->reason_count; i++)
        json_cstring(writer, result->reasons[i]);
    json_end_array(writer);
}

/* Savings of a step are those of the fix that comes next, of what "fixes" names. */
static void write_step(struct json_writer *writer, const struct experiment *experiment,
                       size_t index)
{
    const struct experiment_step *step = &experiment->steps[index];
    struct fix fix;
    fix_of_step(experiment, index, &fix);
    json_begin_object(writer);
    json_field_cstring(writer, "title", step->step->title);
    write_faults(writer, step->step);
    json_field_cstring(writer, "verdict",
                       step->is_done ? verdict_word(step->result.verdict) : "inconclusive");
    write_latency(writer, "latency_ms", &step->measurement.window);
    json_key(writer, "findings");
    json_begin_array(writer);
    write_findings(writer, step, true);
    json_end_array(writer);
    json_field_cstring(writer, "fixes", fix.finding ? finding_kind_word(fix.finding->kind) : "");
    json_field_fixed(writer, "predicted_saving_ms", fix.predicted_ms, 3);
    json_field_fixed(writer, "measured_saving_ms", fix.measured_ms, 3);
    json_field_fixed(writer, "unexplained_ms", step->with_baseline.unexplained_ms, 3);
    threshold_write_json(&step->step->thresholds, step->is_done ? step->judgements : NULL, writer);
    write_reasons(writer, &step->result);
    json_end_object(writer);
}

/* What a run without steps says of its only one, beside the sums. */
static void write_only_step(struct json_writer *writer, const struct experiment *experiment)
{
    static const struct experiment_step none;
    const struct experiment_step *last =
        experiment->step_count ? &experiment->steps[experiment->step_count - 1] : &none;
    write_latency(writer, "latency_ms", &last->measurement.window);
    json_field_fixed(writer, "predicted_saving_ms", last->predicted_saving_ms, 3);
    json_field_fixed(writer, "measured_saving_ms", last->measured_saving_ms, 3);
    json_field_fixed(writer, "unexplained_ms", last->with_baseline.unexplained_ms, 3);
    if (last->step)
        threshold_write_json(&last->step->thresholds, last->is_done ? last->judgements : NULL,
                             writer);
    write_reasons(writer, &last->result);
}

/* ---- windows */

static void write_load(struct json_writer *writer, const struct experiment *experiment,
                       const struct window_result *window)
{
    const struct load_drive drive = {.is_known = true,
                                     .arrivals = experiment->scenario->environment.arrivals};
    const struct load_steps steps = {
        .names = {window_step_word(WINDOW_CART), window_step_word(WINDOW_CHECKOUT)},
        .figures = &window->figures,
        .timeline = &window->timeline,
        .drive = &drive,
        .elapsed_s = window->elapsed_s,
    };
    json_key(writer, "load");
    json_begin_object(writer);
    load_steps_json(writer, &steps);
    json_end_object(writer);
}

/* The object stays open. `before`: what it is compared with on the page; NULL: with nothing. */
static void begin_window(struct json_writer *writer, const struct experiment *experiment,
                         const struct measurement *measurement, const struct measurement *before)
{
    const struct window_result *window = &measurement->window;
    const struct coverage coverage = measurement_coverage(measurement);
    json_field_u64_string(writer, "start_unix_ns", window->start_wall_ns);
    json_field_u64_string(writer, "end_unix_ns", window->end_wall_ns);
    if (experiment->page) {
        char link[LINKS_MAX];
        links_findings(link, experiment->page, window, before ? &before->window : NULL);
        json_field_cstring(writer, "page", link);
    }
    json_key(writer, "coverage");
    json_begin_object(writer);
    json_field_fixed(writer, "arrived", coverage.arrived, 6);
    json_field_fixed(writer, "connected", coverage.connected, 6);
    json_field_fixed(writer, "as_expected", coverage.as_expected, 6);
    json_field_u64(writer, "spans_dropped", measurement->drops.spans);
    json_end_object(writer);
    json_field_bool(writer, "trustworthy", !window_result_is_late(window));
    load_workers_json(&window->workers, writer);
    write_load(writer, experiment, window);
}

static void write_reference_window(struct json_writer *writer, const struct experiment *experiment)
{
    const bool is_judged = experiment->is_healthy_judged;
    const struct thresholds *thresholds = &experiment->scenario->healthy;
    json_begin_object(writer);
    json_field_cstring(writer, "name", "healthy");
    begin_window(writer, experiment, &experiment->reference->measurement, NULL);
    json_field_cstring(writer, "verdict",
                       verdict_word(is_judged || thresholds->count == 0
                                        ? experiment->healthy_result.verdict
                                        : VERDICT_INCONCLUSIVE));
    json_key(writer, "findings");
    json_begin_array(writer);
    json_end_array(writer);
    threshold_write_json(thresholds, is_judged ? experiment->healthy : NULL, writer);
    write_reasons(writer, &experiment->healthy_result);
    json_end_object(writer);
}

static void write_step_window(struct json_writer *writer, const struct experiment *experiment,
                              size_t index)
{
    const struct experiment_step *step = &experiment->steps[index];
    char name[SCENARIO_TITLE_MAX + 16];
    report_name_window(experiment, index, name, sizeof name);
    json_begin_object(writer);
    json_field_cstring(writer, "name", name);
    begin_window(writer, experiment, &step->measurement, &experiment->reference->measurement);
    json_field_cstring(writer, "verdict",
                       verdict_word(step->is_done ? step->result.verdict : VERDICT_INCONCLUSIVE));
    json_key(writer, "findings");
    json_begin_array(writer);
    write_findings(writer, step, true);
    json_end_array(writer);
    threshold_write_json(&step->step->thresholds, step->is_done ? step->judgements : NULL, writer);
    write_reasons(writer, &step->result);
    json_end_object(writer);
}

/* Those that were measured, in their order: what reports and comparisons of loads read. */
static void write_windows(struct json_writer *writer, const struct experiment *experiment)
{
    json_key(writer, "windows");
    json_begin_array(writer);
    if (experiment->reference->measurement.window.figures.step_count > 0)
        write_reference_window(writer, experiment);
    for (size_t i = 0; i < experiment->step_count; i++)
        if (experiment->steps[i].measurement.window.figures.step_count > 0)
            write_step_window(writer, experiment, i);
    json_end_array(writer);
}

static void write_steps(struct json_writer *writer, const struct experiment *experiment)
{
    json_key(writer, "steps");
    json_begin_array(writer);
    for (size_t i = 0; i < experiment->step_count; i++)
        write_step(writer, experiment, i);
    json_end_array(writer);
}

void report_write_json(const struct experiment *experiment, struct json_writer *writer)
{
    const struct scenario *scenario = experiment->scenario;
    const struct schedule_plan *arrivals = &scenario->environment.arrivals;
    const double duration_s = schedule_duration_s(arrivals);
    static struct sums sums; /* two histograms: too large for a stack */
    memset(&sums, 0, sizeof sums);
    add(&sums, &experiment->reference->measurement);
    for (size_t i = 0; i < experiment->step_count; i++)
        add(&sums, &experiment->steps[i].measurement);
    json_begin_object(writer);
    json_field_cstring(writer, "schema", "culprit.run/1");
    json_field_cstring(writer, "scenario", scenario->name);
    json_field_cstring(writer, "title", scenario->title);
    json_field_cstring(writer, "verdict", verdict_word(experiment->verdict));
    json_field_cstring(writer, "cut_short", experiment->cut_short.text);
    json_field_fixed(writer, "rate", schedule_arrivals(arrivals) / duration_s, 3);
    json_field_fixed(writer, "duration_s", duration_s, 3);
    json_field_u64(writer, "seed", experiment->seed);
    write_coverage(writer, &sums);
    write_latency(writer, "healthy_latency_ms", &experiment->reference->measurement.window);
    write_only_step(writer, experiment);
    write_trace_latency(writer, experiment, &sums);
    write_all_findings(writer, experiment, "findings", true);
    write_all_findings(writer, experiment, "other_findings", false);
    json_field_cstring(writer, "page", experiment->page ? experiment->page : "");
    write_windows(writer, experiment);
    if (scenario->has_steps)
        write_steps(writer, experiment);
    json_end_object(writer);
}
