#include "http/lost_spans.h"

#include <string.h>

static const char *const counters[] = {
    "otel_sdk_processor_span_processed_total{",
    "otel_sdk_exporter_span_exported_total{",
};

static bool is_counter(struct text line)
{
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++)
        if (text_starts_with(line, counters[i]))
            return true;
    return false;
}

/* The error type; empty where there is none. */
static struct text error_type(struct text line)
{
    static const char label[] = "error_type=\"";
    const size_t length = sizeof label - 1;
    const char *at = is_counter(line) ? memmem(line.data, line.length, label, length) : NULL;
    if (at == NULL)
        return (struct text){NULL, 0};
    const char *value = at + length;
    struct text rest = {value, line.length - (size_t)(value - line.data)};
    return text_split(&rest, '"');
}

struct lost_spans lost_spans_of_metrics(struct text metrics)
{
    struct lost_spans lost = {0, 0};
    while (metrics.data) {
        struct text line = text_split(&metrics, '\n');
        struct text type = error_type(line);
        const char *end = type.length > 0 ? memrchr(line.data, '}', line.length) : NULL;
        double value;
        if (end == NULL)
            continue;
        struct text number =
            text_trim((struct text){end + 1, line.length - (size_t)(end + 1 - line.data)});
        if (text_to_double(number, &value) != STATUS_OK || !(value > 0))
            continue;
        uint64_t *sum = text_is(type, "rejected") ? &lost.rejected : &lost.dropped;
        *sum += (uint64_t)value;
    }
    return lost;
}
