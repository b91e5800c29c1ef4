#include "http/lost_spans.h"

#include <string.h>

/* Rows whose name begins so; of the SDK's those that have an error type. */
static const struct {
    const char *name;
    bool by_error_type;
    size_t offset; /* of the sum in lost_spans, where the error type does not say */
} counters[] = {
    {"otel_sdk_processor_span_processed_total{", true, offsetof(struct lost_spans, dropped)},
    {"otel_sdk_exporter_span_exported_total{", true, offsetof(struct lost_spans, dropped)},
    {"otel_sdk_processor_log_processed_total{", true, offsetof(struct lost_spans, logs)},
    {"otel_sdk_exporter_log_exported_total{", true, offsetof(struct lost_spans, logs)},
    {"collector_spans_refused_total ", false, offsetof(struct lost_spans, refused)},
    {"collector_spans_dropped_", false, offsetof(struct lost_spans, mislaid)},
};

/* The error type; empty where there is none. */
static struct text error_type(struct text line)
{
    static const char label[] = "error_type=\"";
    const size_t length = sizeof label - 1;
    const char *at = memmem(line.data, line.length, label, length);
    if (at == NULL)
        return (struct text){NULL, 0};
    const char *value = at + length;
    struct text rest = {value, line.length - (size_t)(value - line.data)};
    return text_split(&rest, '"');
}

/* Where a line's value is added; NULL: nowhere. */
static uint64_t *find_sum(struct lost_spans *lost, struct text line)
{
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++) {
        if (!text_starts_with(line, counters[i].name))
            continue;
        struct text type = error_type(line);
        if (counters[i].by_error_type && type.length == 0)
            return NULL;
        uint64_t *sum = (uint64_t *)(void *)((char *)lost + counters[i].offset);
        if (text_is(type, "rejected"))
            return sum == &lost->logs ? NULL : &lost->rejected;
        return sum;
    }
    return NULL;
}

/* What stands behind the name and its labels. */
static struct text value_text(struct text line)
{
    const char *space = memrchr(line.data, ' ', line.length);
    if (space == NULL)
        return (struct text){NULL, 0};
    return (struct text){space + 1, line.length - (size_t)(space + 1 - line.data)};
}

struct lost_spans lost_spans_of_metrics(struct text metrics)
{
    static const double most = 9007199254740992; /* beyond it a double skips whole numbers */
    struct lost_spans lost = {0};
    while (metrics.data) {
        struct text line = text_split(&metrics, '\n');
        uint64_t *sum = line.length > 0 ? find_sum(&lost, line) : NULL;
        double value;
        if (sum && text_to_double(value_text(line), &value) == STATUS_OK && value > 0)
            *sum += (uint64_t)(value < most ? value : most);
    }
    return lost;
}
