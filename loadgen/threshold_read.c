#include "loadgen/threshold_read.h"

#include <float.h>

#include "loadgen/threshold_kinds.h"

#define ROWS_OF(table) (table), sizeof(table) / sizeof((table)[0])

/* ---- what kinds share */

static enum status read_limit(struct fields *fields, void *into, bool is_lower)
{
    struct threshold *threshold = into;
    threshold->is_lower = is_lower;
    threshold->limit_count++;
    return fields_number(fields, 0, DBL_MAX, &threshold->limit);
}

enum status threshold_read_at_most(struct fields *fields, void *into)
{
    return read_limit(fields, into, false);
}

enum status threshold_read_at_least(struct fields *fields, void *into)
{
    return read_limit(fields, into, true);
}

enum status threshold_read_service(struct fields *fields, void *into)
{
    return fields_text(fields, ((struct span_pattern *)into)->service, SPAN_PATTERN_SERVICE_MAX);
}

enum status threshold_read_operation(struct fields *fields, void *into)
{
    return fields_text(fields, ((struct span_pattern *)into)->operation,
                       SPAN_PATTERN_OPERATION_MAX);
}

/* ---- sections */

static enum status read_item(struct fields *fields, void *into, enum threshold_kind kind)
{
    struct threshold *threshold = into;
    unsigned column;
    *threshold = (struct threshold){.kind = kind};
    json_reader_where(&fields->reader, &threshold->line, &column);
    enum status status = threshold_row(kind)->read(fields, threshold);
    if (status == STATUS_OK && threshold->limit_count != 1)
        return fields_fail(fields, "either \"at_most\" or \"at_least\"");
    return status;
}

/* A section of the object, and one of its items. */
#define SECTION(name, KIND)                                                                        \
    static enum status read_##name##_item(struct fields *fields, void *into)                       \
    {                                                                                              \
        return read_item(fields, into, KIND);                                                      \
    }                                                                                              \
    static enum status read_##name(struct fields *fields, void *into)                              \
    {                                                                                              \
        return read_section(fields, into, read_##name##_item);                                     \
    }

static enum status read_section(struct fields *fields, struct thresholds *thresholds,
                                field_reader *read)
{
    return fields_array(fields, read,
                        &(struct field_items){thresholds->items, sizeof(thresholds->items[0]),
                                              THRESHOLDS_MAX, &thresholds->count});
}

SECTION(load, THRESHOLD_LOAD)
SECTION(coverage, THRESHOLD_COVERAGE)
SECTION(findings, THRESHOLD_FINDINGS)
SECTION(spans, THRESHOLD_SPANS)
SECTION(durations, THRESHOLD_DURATIONS)
SECTION(edges, THRESHOLD_EDGES)

enum status threshold_read(struct fields *fields, void *into)
{
    static const struct field table[] = {
        {"load", read_load, 0, false},           {"coverage", read_coverage, 0, false},
        {"findings", read_findings, 0, false},   {"spans", read_spans, 0, false},
        {"durations", read_durations, 0, false}, {"edges", read_edges, 0, false},
    };
    struct thresholds *thresholds = into;
    thresholds->count = 0;
    return fields_object(fields, ROWS_OF(table), into, NULL);
}
