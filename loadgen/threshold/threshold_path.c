#include <stdio.h>
#include <string.h>

#include "loadgen/threshold/threshold_kinds.h"

enum status threshold_path_read_place(struct fields *fields, void *into)
{
    static const struct field table[] = {
        {"service", threshold_read_service, 0, false},
        {"operation", threshold_read_operation, 0, false},
    };
    uint32_t seen = 0;
    enum status status = fields_object(fields, FIELDS_OF(table), into, &seen);
    if (status == STATUS_OK && seen == 0)
        return fields_fail(fields, "a \"service\", an \"operation\" or both");
    return status;
}

void threshold_path_describe(const struct span_path *path, char *out, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < path->count && used < size; i++) {
        char place[SPAN_PATTERN_SERVICE_MAX + SPAN_PATTERN_OPERATION_MAX];
        threshold_describe_place(&path->steps[i], place, sizeof(place));
        used += (size_t)snprintf(out + used, size - used, "%s%s", i > 0 ? " > " : "", place);
    }
}

/* STATUS_NOT_FOUND: no trace leads there. */
enum status threshold_path_measure(const struct threshold *threshold, struct threshold_facts *facts,
                                   struct span_path_readings *readings,
                                   struct threshold_judgement *out)
{
    enum status status = threshold_facts_forest(facts, out);
    if (status == STATUS_OK)
        status = span_path_read(&threshold->trace.path, &facts->forest, &facts->arena, readings);
    if (status == STATUS_OK && readings->count == 0) {
        snprintf(out->why, sizeof(out->why), "no trace leads there");
        return STATUS_NOT_FOUND;
    }
    return status;
}

int threshold_path_order(const struct span_path_reading *a, const struct span_path_reading *b)
{
    return memcmp(a->trace_id, b->trace_id, 16);
}
