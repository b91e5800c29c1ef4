#include "loadgen/threshold/threshold_read.h"

#include <float.h>
#include <string.h>

#include "loadgen/threshold/threshold_kinds.h"

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

/* ---- sections: a row of the table each */

/* Its kind is set already. */
static enum status read_item(struct fields *fields, void *into)
{
    struct threshold *threshold = into;
    unsigned column;
    *threshold = (struct threshold){.kind = threshold->kind};
    json_reader_where(&fields->reader, &threshold->line, &column);
    enum status status = threshold_row(threshold->kind)->read(fields, threshold);
    if (status == STATUS_OK && threshold->limit_count != 1)
        return fields_fail(fields, "either \"at_most\" or \"at_least\"");
    return status;
}

static enum status read_section(struct fields *fields, struct thresholds *thresholds,
                                enum threshold_kind kind)
{
    for (size_t i = thresholds->count; i < THRESHOLDS_MAX; i++)
        thresholds->items[i].kind = kind;
    return fields_array(fields, read_item,
                        &(struct field_items){thresholds->items, sizeof(thresholds->items[0]),
                                              THRESHOLDS_MAX, &thresholds->count});
}

static enum threshold_kind find_kind(const char *section)
{
    enum threshold_kind kind = 0;
    while (kind < THRESHOLD_KINDS && strcmp(threshold_row(kind)->section, section) != 0)
        kind++;
    return kind;
}

enum status threshold_read(struct fields *fields, void *into)
{
    struct thresholds *thresholds = into;
    uint32_t seen = 0;
    thresholds->count = 0;
    if (fields->reader.token != JSON_OBJECT_BEGIN)
        return fields_fail(fields, "must be an object");
    while (json_reader_next(&fields->reader) == JSON_KEY) {
        fields_take_key(fields);
        enum threshold_kind kind = find_kind(fields->key);
        if (kind == THRESHOLD_KINDS)
            return fields_fail(fields, "nobody knows it");
        if (seen & 1u << kind)
            return fields_fail(fields, "written twice");
        seen |= 1u << kind;
        (void)json_reader_next(&fields->reader);
        enum status status = read_section(fields, thresholds, kind);
        if (status != STATUS_OK)
            return status;
    }
    return fields->reader.token == JSON_OBJECT_END ? STATUS_OK : fields_fail(fields, "bad JSON");
}
