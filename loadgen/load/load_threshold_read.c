#include "loadgen/load/load_threshold_read.h"

#include <float.h>
#include <string.h>

struct threshold_text {
    enum load_metric metric;
    char step[LOAD_TEXT_MAX];
    double at_most, at_least;
    bool aborts;
};

enum status load_threshold_read_metric(struct fields *fields, void *into)
{
    if (fields->reader.token != JSON_STRING || !load_threshold_metric(fields->reader.text, into))
        return fields_fail(fields, "must be p50_ms, p90_ms, p95_ms, p99_ms, p999_ms, max_ms, "
                                   "mean_ms, error_share or rate");
    return STATUS_OK;
}

static enum status read_step_name(struct fields *fields, void *into)
{
    return fields_text(fields, into, LOAD_TEXT_MAX);
}

static enum status read_limit(struct fields *fields, void *into)
{
    return fields_number(fields, 0, DBL_MAX, into);
}

static enum status read_threshold(struct fields *fields, void *into)
{
    enum { FIELD_AT_MOST = 2, FIELD_AT_LEAST };
    static const struct field table[] = {
        {"metric", load_threshold_read_metric, offsetof(struct threshold_text, metric), true},
        {"step", read_step_name, offsetof(struct threshold_text, step), false},
        [FIELD_AT_MOST] = {"at_most", read_limit, offsetof(struct threshold_text, at_most), false},
        [FIELD_AT_LEAST] = {"at_least", read_limit, offsetof(struct threshold_text, at_least),
                            false},
        {"abort", fields_read_bool, offsetof(struct threshold_text, aborts), false},
    };
    struct load_threshold *threshold = into;
    struct load_step_reader *reader = (struct load_step_reader *)fields;
    size_t at = (size_t)(threshold - reader->plan->thresholds.items);
    struct threshold_text text = {0};
    uint32_t seen = 0;
    unsigned column;
    json_reader_where(&fields->reader, &reader->thresholds[at].line, &column);
    enum status status =
        fields_object(fields, table, sizeof(table) / sizeof(table[0]), &text, &seen);
    if (status != STATUS_OK)
        return status;
    bool is_lower = seen & 1u << FIELD_AT_LEAST;
    if (is_lower == !!(seen & 1u << FIELD_AT_MOST))
        return fields_fail(fields, "either \"at_most\" or \"at_least\"");
    memcpy(reader->thresholds[at].step, text.step, sizeof(text.step));
    *threshold = (struct load_threshold){.metric = text.metric,
                                         .step = LOAD_ALL_STEPS,
                                         .limit = is_lower ? text.at_least : text.at_most,
                                         .is_lower = is_lower,
                                         .aborts = text.aborts};
    return STATUS_OK;
}

enum status load_threshold_read(struct fields *fields, void *into)
{
    struct load_plan *plan = into;
    return fields_array(fields, read_threshold,
                        &(struct field_items){plan->thresholds.items,
                                              sizeof(plan->thresholds.items[0]),
                                              LOAD_THRESHOLDS_MAX, &plan->thresholds.count});
}

enum status load_threshold_read_settle(struct load_step_reader *reader)
{
    const struct load_plan *plan = reader->plan;
    for (size_t i = 0; i < plan->thresholds.count; i++) {
        const char *name = reader->thresholds[i].step;
        size_t step = 0;
        if (name[0] == '\0')
            continue;
        while (step < plan->step_count && strcmp(plan->steps[step].name, name) != 0)
            step++;
        if (step == plan->step_count)
            return error_set(reader->fields.error, STATUS_INVALID,
                             "%s:%u: key \"thresholds\": no step is called \"%s\"",
                             reader->fields.file, reader->thresholds[i].line, name);
        reader->plan->thresholds.items[i].step = (uint16_t)step;
    }
    return STATUS_OK;
}
