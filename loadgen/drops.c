#include "loadgen/drops.h"

#include <string.h>

#include "base/clock.h"
#include "loadgen/fetch.h"
#include "trace/trace.h"

enum { CALL_MS = 1000, ANSWER_BYTES_MAX = 1024 * 1024 };

/* Counters of OpenTelemetry's SDK conventions: with an error type they count what was lost. */
static const char *const counters[] = {
    "otel_sdk_processor_span_processed_total{",
    "otel_sdk_exporter_span_exported_total{",
};

static bool counts_a_loss(struct text line)
{
    static const char label[] = "error_type=\"";
    const char *at = memmem(line.data, line.length, label, sizeof label - 1);
    if (!at || at[sizeof label - 1] == '"')
        return false;
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++)
        if (text_starts_with(line, counters[i]))
            return true;
    return false;
}

uint64_t drops_of_metrics(struct text metrics)
{
    uint64_t sum = 0;
    while (metrics.data) {
        struct text line = text_split(&metrics, '\n');
        const char *end = memrchr(line.data, '}', line.length);
        double value;
        if (!end || !counts_a_loss(line))
            continue;
        struct text number =
            text_trim((struct text){end + 1, line.length - (size_t)(end + 1 - line.data)});
        if (text_to_double(number, &value) == STATUS_OK && value > 0)
            sum += (uint64_t)value;
    }
    return sum;
}

static void add_service(struct drops *drops, const char *url)
{
    struct fetch fetch;
    struct fetch_answer answer = {0};
    enum status status = fetch_init(&fetch, url, ANSWER_BYTES_MAX, NULL);
    if (status == STATUS_OK)
        status = fetch_do(
            &fetch,
            &(struct fetch_request){.method = "GET", .path = "/metrics", .accept = "text/plain"},
            clock_mono_ns() + CALL_MS * NS_PER_MS, &answer, NULL);
    if (status != STATUS_OK || answer.status != 200)
        drops->silent++;
    else
        drops->spans += drops_of_metrics(answer.body);
    fetch_release(&fetch);
}

struct drops drops_read(const struct target *target)
{
    struct tracing_stats own = tracing_stats();
    struct drops drops = {.spans =
                              own.dropped_queue_full + own.dropped_export_failed + own.rejected};
    for (size_t i = 0; i < target->count; i++) {
        const struct target_endpoint *endpoint = &target->endpoints[i];
        if (strcmp(endpoint->name, "otlp") != 0 && strcmp(endpoint->name, "query") != 0)
            add_service(&drops, endpoint->url);
    }
    return drops;
}
