#include "http/tracing_metrics.h"

#include <stdio.h>
#include <string.h>

#include "trace/log_provider.h"

enum { EXPORTERS_SHOWN_MAX = 8 };

#define PROCESSOR                                                                                  \
    "otel_component_type=\"batching_span_processor\","                                             \
    "otel_component_name=\"batching_span_processor/0\""
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
        {"otel_sdk_span_uncarried_total", METRICS_COUNTER, "", stats->uncarried,
         "Contexts of spans that record nothing, which could not be carried on."},
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
         without(stats->ended, stats->dropped_queue_full + stats->dropped_shutdown + waiting),
         "Spans that left the queue, or found no room in it."},
        {processed, METRICS_COUNTER, PROCESSOR FAILED("queue_full"), stats->dropped_queue_full,
         NULL},
        {processed, METRICS_COUNTER, PROCESSOR FAILED("already_shutdown"), stats->dropped_shutdown,
         NULL},
        {"otel_sdk_processor_span_queue_size", METRICS_GAUGE, PROCESSOR, waiting,
         "Spans that wait in the queue."},
        {"otel_sdk_processor_span_queue_capacity", METRICS_GAUGE, PROCESSOR, stats->queue_capacity,
         "Spans that the queue holds at most."},
    };
    metrics_text_rows(text, rows, sizeof rows / sizeof rows[0]);
}

/* One exporter's counters with its labels: the type, and which one of that type. */
struct exporter_figures {
    const char *name;
    char labels[200];
    struct span_exporter_stats stats;
};

static void label(struct exporter_figures *all, size_t at)
{
    size_t before = 0;
    for (size_t i = 0; i < at; i++)
        before += strcmp(all[i].name, all[at].name) == 0;
    snprintf(all[at].labels, sizeof all[at].labels,
             "otel_component_type=\"%s\",otel_component_name=\"%s/%zu\"", all[at].name,
             all[at].name, before);
}

/* At least one: where nothing is exported the usual one has counted nothing. */
static size_t read_exporters(struct exporter_figures *all)
{
    size_t count = 0;
    while (count < EXPORTERS_SHOWN_MAX &&
           (all[count].name = tracing_exporter_stats(count, &all[count].stats)) != NULL)
        label(all, count++);
    if (count == 0) {
        all[0] = (struct exporter_figures){.name = "otlp_http_span_exporter"};
        label(all, count++);
    }
    return count;
}

static void write_outcome(const struct metrics_text *text, const char *name,
                          const struct exporter_figures *one, const char *error_type,
                          uint64_t value)
{
    char labels[256];
    snprintf(labels, sizeof labels, "%s%s%s%s", one->labels, error_type ? ",error_type=\"" : "",
             error_type ? error_type : "", error_type ? "\"" : "");
    metrics_text_u64(text, name, labels, value);
}

static void write_exported(const struct metrics_text *text, const struct exporter_figures *all,
                           size_t count)
{
    static const char name[] = "otel_sdk_exporter_span_exported_total";
    metrics_text_family(text, name, METRICS_COUNTER, "Spans whose export ended, well or not.");
    for (size_t i = 0; i < count; i++) {
        write_outcome(text, name, &all[i], NULL, all[i].stats.exported);
        write_outcome(text, name, &all[i], "failed", all[i].stats.failed);
        write_outcome(text, name, &all[i], "rejected", all[i].stats.rejected);
    }
}

static void write_requests(const struct metrics_text *text, const struct exporter_figures *all,
                           size_t count)
{
    static const char requests[] = "otel_sdk_exporter_requests_total";
    static const char retries[] = "otel_sdk_exporter_retries_total";
    metrics_text_family(text, requests, METRICS_COUNTER,
                        "Requests that carried a batch, with repetitions.");
    for (size_t i = 0; i < count; i++)
        metrics_text_u64(text, requests, all[i].labels, all[i].stats.requests);
    metrics_text_family(text, retries, METRICS_COUNTER, "Requests that were a repetition.");
    for (size_t i = 0; i < count; i++)
        metrics_text_u64(text, retries, all[i].labels, all[i].stats.retries);
}

static void write_exporters(const struct metrics_text *text, const struct tracing_stats *stats)
{
    static const char duration[] = "otel_sdk_exporter_operation_duration_seconds";
    static const char inflight[] = "otel_sdk_exporter_span_inflight";
    struct exporter_figures all[EXPORTERS_SHOWN_MAX + 1];
    size_t count = read_exporters(all);
    write_exported(text, all, count);
    metrics_text_family(text, inflight, METRICS_GAUGE, "Spans in the batch that is being sent.");
    metrics_text_u64(text, inflight, all[0].labels, stats->inflight);
    write_requests(text, all, count);
    metrics_text_family(text, duration, METRICS_HISTOGRAM,
                        "Time that a batch took, with its repetitions.");
    for (size_t i = 0; i < count; i++)
        metrics_text_durations(text, duration, all[i].labels, &all[i].stats.durations, NULL);
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
    write_exporters(text, &stats);
    write_logs(text);
}
