#include "loadgen/report/load_steps_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/histogram_json.h"
#include "loadgen/load/load_threshold.h"
#include "loadgen/report/load_drive_json.h"

enum { WORDS_MAX = 256 };

const struct load_steps_histogram load_steps_json_histograms[LOAD_STEPS_HISTOGRAMS] = {
    {"latency", "latency_ms", offsetof(struct load_step_figures, latency)},
    {"from_sending", "from_sending_ms", offsetof(struct load_step_figures, service)},
    {"lag", "lag_ms", offsetof(struct load_step_figures, lag)},
    {"late", "late_ms", offsetof(struct load_step_figures, late)},
    {"connecting", "connect_ms", offsetof(struct load_step_figures, connecting)},
    {"first_byte", "first_byte_ms", offsetof(struct load_step_figures, first_byte)},
};

static const struct histogram *histogram_at(const struct load_step_figures *step, size_t i)
{
    return (const void *)((const char *)step + load_steps_json_histograms[i].offset);
}

static void write_times(struct json_writer *writer, const char *key,
                        const struct histogram *histogram)
{
    static const struct {
        const char *key;
        double q;
    } quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}, {"p999", 0.999}};
    json_key(writer, key);
    json_begin_object(writer);
    json_field_u64(writer, "count", histogram->count);
    json_field_fixed(writer, "mean", histogram_mean_ns(histogram) / (double)NS_PER_MS, 6);
    for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++)
        json_field_fixed(writer, quantiles[i].key,
                         clock_ms(histogram_quantile_ns(histogram, quantiles[i].q)), 6);
    json_field_fixed(writer, "max", clock_ms(histogram->max_ns), 6);
    json_end_object(writer);
}

static void write_outcomes(struct json_writer *writer, const struct load_step_figures *step)
{
    json_key(writer, "outcomes");
    json_begin_object(writer);
    for (int i = 0; i < LOAD_OUTCOME_COUNT; i++)
        json_field_u64(writer, load_outcome_words((enum load_outcome)i), step->outcomes[i]);
    json_end_object(writer);
}

void load_steps_json_check_words(const struct load_step *step, size_t check, char *out, size_t size)
{
    if (step != NULL && check < step->checks.count)
        load_check_words(&step->checks.items[check], out, size);
    else
        (void)snprintf(out, size, "%s", step != NULL ? "a value was not in the answer" : "a check");
}

static void write_failed_checks(struct json_writer *writer, const struct load_step_figures *figures,
                                const struct load_step *step)
{
    json_key(writer, "failed_checks");
    json_begin_array(writer);
    for (size_t i = 0; i < LOAD_JUDGED_MAX; i++) {
        char words[WORDS_MAX];
        if (figures->failed_checks[i] == 0)
            continue;
        load_steps_json_check_words(step, i, words, sizeof(words));
        json_begin_object(writer);
        json_field_u64(writer, "check", i);
        json_field_cstring(writer, "words", words);
        json_field_u64(writer, "count", figures->failed_checks[i]);
        json_end_object(writer);
    }
    json_end_array(writer);
}

/* Quantiles over all requests, those of unknown latency above the rest; null where they fall among
 * those. */
static void write_judged(struct json_writer *writer, const struct load_step_figures *step)
{
    static const enum load_metric metrics[] = {LOAD_METRIC_P50_MS,  LOAD_METRIC_P90_MS,
                                               LOAD_METRIC_P95_MS,  LOAD_METRIC_P99_MS,
                                               LOAD_METRIC_P999_MS, LOAD_METRIC_MAX_MS};
    for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++) {
        double value = load_threshold_value(metrics[i], step, 0);
        json_key(writer, load_threshold_word(metrics[i]));
        if (isinf(value))
            json_nil(writer);
        else
            json_fixed(writer, value, 6);
    }
}

static void write_figures(struct json_writer *writer, const char *name,
                          const struct load_step_figures *step, double elapsed_s)
{
    uint64_t count = load_figures_count(step);
    json_field_cstring(writer, "name", name);
    json_field_u64(writer, "requests", count);
    json_field_fixed(writer, "rate", elapsed_s > 0 ? (double)count / elapsed_s : 0, 3);
    json_field_bool(writer, "trustworthy", !load_figures_is_late(step));
    json_field_u64(writer, "censored", step->censored);
    json_field_u64_string(writer, "censored_max_ns", step->censored_max_ns);
    write_judged(writer, step);
    write_outcomes(writer, step);
    json_field_u64(writer, "sent_bytes", step->sent_bytes);
    json_field_u64(writer, "received_bytes", step->received_bytes);
    json_field_u64(writer, "connects", step->connects);
    for (size_t i = 0; i < LOAD_STEPS_HISTOGRAMS; i++)
        write_times(writer, load_steps_json_histograms[i].times_ms, histogram_at(step, i));
}

static void write_histograms(struct json_writer *writer, const struct load_step_figures *step)
{
    json_key(writer, "histograms");
    json_begin_object(writer);
    for (size_t i = 0; i < LOAD_STEPS_HISTOGRAMS; i++) {
        json_key(writer, load_steps_json_histograms[i].key);
        histogram_json_write(writer, histogram_at(step, i));
    }
    json_end_object(writer);
}

static void write_slot(struct json_writer *writer, const struct load_slot *slot)
{
    unsigned indent = writer->indent;
    json_begin_object(writer);
    writer->indent = 0; /* a line each is enough */
    json_field_u64(writer, "due", slot->due);
    json_field_u64(writer, "failed", slot->failed);
    json_field_u64(writer, "censored", slot->censored);
    json_key(writer, "buckets");
    json_begin_array(writer);
    for (size_t i = 0; i < LOAD_TIMELINE_BUCKETS; i++) {
        if (slot->buckets[i] == 0)
            continue;
        json_u64(writer, i);
        json_u64(writer, slot->buckets[i]);
    }
    json_end_array(writer);
    json_end_object(writer);
    writer->indent = indent;
}

/* `requests`: of the step. */
static void write_timeline(struct json_writer *writer, const struct load_timeline *timeline,
                           size_t step, uint64_t requests)
{
    const uint64_t due = load_timeline_due(timeline, step);
    json_key(writer, "timeline");
    json_begin_object(writer);
    json_field_double(writer, "width_s", (double)timeline->width_ns / (double)NS_PER_S);
    if (due < requests)
        json_field_u64(writer, "missing", requests - due);
    json_key(writer, "slots");
    json_begin_array(writer);
    for (size_t i = 0; i < timeline->slot_count; i++)
        write_slot(writer, load_timeline_slot(timeline, step, i));
    json_end_array(writer);
    json_end_object(writer);
}

static void write_step(struct json_writer *writer, const struct load_steps *steps, size_t i)
{
    const struct load_step_figures *step = &steps->figures->steps[i];
    json_begin_object(writer);
    write_figures(writer, steps->names[i], step, steps->elapsed_s);
    write_failed_checks(writer, step, steps->plan_steps != NULL ? &steps->plan_steps[i] : NULL);
    write_histograms(writer, step);
    if (steps->timeline != NULL && steps->timeline->slot_count > 0)
        write_timeline(writer, steps->timeline, i, load_figures_count(step));
    json_end_object(writer);
}

void load_steps_json(struct json_writer *writer, const struct load_steps *steps)
{
    struct load_step_figures *sum = calloc(1, sizeof(*sum));
    if (sum == NULL) {
        writer->out->failed = STATUS_NO_MEMORY;
        return;
    }
    load_figures_sum(steps->figures, sum);
    if (steps->drive != NULL)
        load_drive_json(steps->drive, writer);
    json_field_fixed(writer, "elapsed_s", steps->elapsed_s, 6);
    json_key(writer, "all");
    json_begin_object(writer);
    write_figures(writer, "all", sum, steps->elapsed_s);
    json_end_object(writer);
    free(sum);
    json_key(writer, "steps");
    json_begin_array(writer);
    for (size_t i = 0; i < steps->figures->step_count; i++)
        write_step(writer, steps, i);
    json_end_array(writer);
}
