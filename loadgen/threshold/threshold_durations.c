#include <stdio.h>
#include <stdlib.h>

#include "diagnose/figures.h"
#include "loadgen/load/load_threshold_read.h"
#include "loadgen/threshold/threshold_kinds.h"

/* {"path": [{"service": "frontend"}, {"service": "inventory"}],
 *  "metric": "p95_ms", "at_most": 40} */

static enum status read_steps(struct fields *fields, void *into)
{
    struct span_path *path = into;
    path->count = 0;
    enum status status = fields_array(
        fields, threshold_path_read_place,
        &(struct field_items){path->steps, sizeof(path->steps[0]), SPAN_PATH_MAX, &path->count});
    if (status == STATUS_OK && path->count == 0)
        return fields_fail(fields, "must not be empty");
    return status;
}

static enum status read_time(struct fields *fields, void *into)
{
    enum status status = load_threshold_read_metric(fields, into);
    if (status == STATUS_OK && !load_threshold_is_latency(*(enum load_metric *)into))
        return fields_fail(fields, "must be p50_ms, p90_ms, p95_ms, p99_ms, p999_ms, max_ms or "
                                   "mean_ms");
    return status;
}

enum status threshold_durations_read(struct fields *fields, void *into)
{
    static const struct field table[] = {
        {"path", read_steps, offsetof(struct threshold, trace.path), true},
        {"metric", read_time, offsetof(struct threshold, trace.metric), true},
        {"at_most", threshold_read_at_most, 0, false},
        {"at_least", threshold_read_at_least, 0, false},
    };
    return fields_object(fields, FIELDS_OF(table), into, NULL);
}

static int longest_first(const void *left, const void *right)
{
    const struct span_path_reading *a = left, *b = right;
    int order = (a->covered_ms < b->covered_ms) - (a->covered_ms > b->covered_ms);
    return order != 0 ? order : threshold_path_order(a, b);
}

/* Of readings, the longest first. */
static double metric_ms(enum load_metric metric, const struct span_path_reading *readings,
                        size_t count)
{
    double quantile = load_threshold_quantile(metric), sum_ms = 0;
    for (size_t i = 0; i < count; i++)
        sum_ms += readings[i].covered_ms;
    if (quantile < 0)
        return sum_ms / (double)count;
    return readings[count - 1 - figures_rank(count, quantile)].covered_ms;
}

/* Of the traces that have a span there. */
enum status threshold_durations_judge(const struct threshold *threshold,
                                      struct threshold_facts *facts,
                                      struct threshold_judgement *out)
{
    struct span_path_readings readings;
    enum status status = threshold_path_measure(threshold, facts, &readings, out);
    if (status != STATUS_OK)
        return status;
    size_t kept = 0;
    for (size_t i = 0; i < readings.count; i++)
        if (readings.items[i].count > 0)
            readings.items[kept++] = readings.items[i];
    if (kept == 0) {
        snprintf(out->why, sizeof(out->why), "no trace has such a span");
        return STATUS_NOT_FOUND;
    }
    qsort(readings.items, kept, sizeof(readings.items[0]), longest_first);
    out->value = metric_ms(threshold->trace.metric, readings.items, kept);
    for (size_t i = 0; i < kept && i < THRESHOLD_TRACES_MAX; i++)
        threshold_note_trace(out, readings.items[threshold->is_lower ? kept - 1 - i : i].trace_id);
    return STATUS_OK;
}

void threshold_durations_describe(const struct threshold *threshold, char *out, size_t size)
{
    int used = snprintf(out, size, "%s of ", load_threshold_word(threshold->trace.metric));
    threshold_path_describe(&threshold->trace.path, out + used, size - (size_t)used);
}
