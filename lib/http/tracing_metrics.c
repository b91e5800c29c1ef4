#include "http/tracing_metrics.h"

#include "trace/log_provider.h"

#define PROCESSOR                                                                                  \
    "otel_component_type=\"batching_span_processor\","                                             \
    "otel_component_name=\"batching_span_processor/0\""
#define EXPORTER                                                                                   \
    "otel_component_type=\"otlp_http_span_exporter\","                                             \
    "otel_component_name=\"otlp_http_span_exporter/0\""
#define FAILED(type)    ",error_type=\"" type "\""
#define SAMPLED(result) "otel_span_sampling_result=\"" result "\""

static uint64_t without(uint64_t all, uint64_t some)
{
    return all > some ? all - some : 0;
}

static void write_spans(const struct metrics_text *text, const struct tracing_stats *stats)
{
    static const char started[] = "otel_sdk_span_started_total";
    const struct metrics_row rows[] = {
        {started, METRICS_COUNTER, SAMPLED("RECORD_AND_SAMPLE"), stats->started,
         "Spans that were begun."},
        {started, METRICS_COUNTER, SAMPLED("DROP"), stats->unsampled, NULL},
        {"otel_sdk_span_ended_total", METRICS_COUNTER, SAMPLED("RECORD_AND_SAMPLE"), stats->ended,
         "Spans that were ended."},
        {"otel_sdk_span_live", METRICS_GAUGE, SAMPLED("RECORD_AND_SAMPLE"),
         without(stats->started, stats->ended), "Spans that were begun and not ended."},
    };
    metrics_text_rows(text, rows, sizeof rows / sizeof rows[0]);
}

/* A span is processed once it was given to the exporter. */
static void write_processor(const struct metrics_text *text, const struct tracing_stats *stats)
{
    static const char processed[] = "otel_sdk_processor_span_processed_total";
    uint64_t waiting = without(stats->queued, stats->inflight);
    const struct metrics_row rows[] = {
        {processed, METRICS_COUNTER, PROCESSOR,
         without(stats->ended, stats->dropped_queue_full + waiting),
         "Spans that left the queue, or found no room in it."},
        {processed, METRICS_COUNTER, PROCESSOR FAILED("queue_full"), stats->dropped_queue_full,
         NULL},
        {"otel_sdk_processor_span_queue_size", METRICS_GAUGE, PROCESSOR, waiting,
         "Spans that wait in the queue."},
        {"otel_sdk_processor_span_queue_capacity", METRICS_GAUGE, PROCESSOR, stats->queue_capacity,
         "Spans that the queue holds at most."},
    };
    metrics_text_rows(text, rows, sizeof rows / sizeof rows[0]);
}

static void write_exporter(const struct metrics_text *text, const struct tracing_stats *stats)
{
    static const char exported[] = "otel_sdk_exporter_span_exported_total";
    static const char duration[] = "otel_sdk_exporter_operation_duration_seconds";
    const struct metrics_row rows[] = {
        {exported, METRICS_COUNTER, EXPORTER, stats->exported,
         "Spans whose export ended, well or not."},
        {exported, METRICS_COUNTER, EXPORTER FAILED("failed"), stats->dropped_export_failed, NULL},
        {exported, METRICS_COUNTER, EXPORTER FAILED("rejected"), stats->rejected, NULL},
        {"otel_sdk_exporter_span_inflight", METRICS_GAUGE, EXPORTER, stats->inflight,
         "Spans in the batch that is being sent."},
        {"otel_sdk_exporter_requests_total", METRICS_COUNTER, EXPORTER, stats->export_requests,
         "Requests that carried a batch, with repetitions."},
        {"otel_sdk_exporter_retries_total", METRICS_COUNTER, EXPORTER, stats->export_retries,
         "Requests that were a repetition."},
    };
    metrics_text_rows(text, rows, sizeof rows / sizeof rows[0]);
    metrics_text_family(text, duration, METRICS_HISTOGRAM,
                        "Time that a batch took, with its repetitions.");
    metrics_text_durations(text, duration, EXPORTER, &stats->export_durations, NULL);
}

#define LOG_PROCESSOR                                                                              \
    "otel_component_type=\"batching_log_processor\","                                              \
    "otel_component_name=\"batching_log_processor/0\""
#define LOG_EXPORTER                                                                               \
    "otel_component_type=\"otlp_http_log_exporter\","                                              \
    "otel_component_name=\"otlp_http_log_exporter/0\""

static void write_logs(const struct metrics_text *text)
{
    static const char processed[] = "otel_sdk_processor_log_processed_total";
    static const char exported[] = "otel_sdk_exporter_log_exported_total";
    const struct log_provider_stats stats = log_provider_stats();
    const struct metrics_row rows[] = {
        {"otel_sdk_log_created_total", METRICS_COUNTER, "", stats.emitted,
         "Log records that were made."},
        {processed, METRICS_COUNTER, LOG_PROCESSOR,
         without(stats.emitted, stats.dropped_queue_full + stats.queued),
         "Log records that left the queue, or found no room in it."},
        {processed, METRICS_COUNTER, LOG_PROCESSOR FAILED("queue_full"), stats.dropped_queue_full,
         NULL},
        {"otel_sdk_processor_log_queue_size", METRICS_GAUGE, LOG_PROCESSOR, stats.queued,
         "Log records that wait in the queue."},
        {exported, METRICS_COUNTER, LOG_EXPORTER, stats.exported,
         "Log records whose export ended, well or not."},
        {exported, METRICS_COUNTER, LOG_EXPORTER FAILED("failed"), stats.dropped_export_failed,
         NULL},
        {exported, METRICS_COUNTER, LOG_EXPORTER FAILED("rejected"), stats.rejected, NULL},
    };
    metrics_text_rows(text, rows, sizeof rows / sizeof rows[0]);
}

void tracing_metrics_write(const struct metrics_text *text)
{
    struct tracing_stats stats = tracing_stats();
    write_spans(text, &stats);
    write_processor(text, &stats);
    write_exporter(text, &stats);
    write_logs(text);
}
