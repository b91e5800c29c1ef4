#include <stdio.h>
#include <stdlib.h>

#include "loadgen/threshold/threshold_kinds.h"

/* {"service": "inventory", "operation": "SELECT *", "at_most": 3,
 *  "within": {"service": "frontend", "operation": "POST /checkout"}} */

enum status threshold_spans_read(struct fields *fields, void *into)
{
    static const struct field table[] = {
        {"service", threshold_read_service, offsetof(struct threshold, trace.path.steps[1]), false},
        {"operation", threshold_read_operation, offsetof(struct threshold, trace.path.steps[1]),
         false},
        [2] = {"within", threshold_path_read_place, offsetof(struct threshold, trace.path.steps[0]),
               false},
        {"at_most", threshold_read_at_most, 0, false},
        {"at_least", threshold_read_at_least, 0, false},
    };
    struct span_path *path = &((struct threshold *)into)->trace.path;
    uint32_t seen = 0;
    enum status status = fields_object(fields, FIELDS_OF(table), into, &seen);
    if (status == STATUS_OK && (seen & 3u) == 0)
        return fields_fail(fields, "a \"service\", an \"operation\" or both");
    path->count = seen & 4u ? 2 : 1;
    if (path->count == 1)
        path->steps[0] = path->steps[1];
    return status;
}

static int most_first(const void *left, const void *right)
{
    const struct span_path_reading *a = left, *b = right;
    int order = (a->count < b->count) - (a->count > b->count);
    return order != 0 ? order : threshold_path_order(a, b);
}

/* Of a trace that lost spans nobody knows what it would have had: it cannot have too few. */
static size_t keep_whole(struct span_path_readings *readings)
{
    size_t kept = 0;
    for (size_t i = 0; i < readings->count; i++)
        if (readings->items[i].is_whole)
            readings->items[kept++] = readings->items[i];
    return kept;
}

/* Whether every single trace keeps the limit: the worst one is judged. */
enum status threshold_spans_judge(const struct threshold *threshold, struct threshold_facts *facts,
                                  struct threshold_judgement *out)
{
    struct span_path_readings readings;
    enum status status = threshold_path_measure(threshold, facts, &readings, out);
    if (status != STATUS_OK)
        return status;
    if (threshold->is_lower)
        readings.count = keep_whole(&readings);
    if (readings.count == 0) {
        snprintf(out->why, sizeof(out->why), "no trace is whole");
        return STATUS_NOT_FOUND;
    }
    qsort(readings.items, readings.count, sizeof(readings.items[0]), most_first);
    for (size_t i = 0; i < readings.count && i < THRESHOLD_TRACES_MAX; i++) {
        const struct span_path_reading *worst =
            &readings.items[threshold->is_lower ? readings.count - 1 - i : i];
        double value = (double)worst->count;
        if (i == 0)
            out->value = value;
        if (threshold->is_lower ? value < threshold->limit : value > threshold->limit)
            threshold_note_trace(out, worst->trace_id);
    }
    return STATUS_OK;
}

void threshold_spans_describe(const struct threshold *threshold, char *out, size_t size)
{
    threshold_path_describe(&threshold->trace.path, out, size);
}
