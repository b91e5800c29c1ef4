#include "http/service_metrics.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/queue.h"
#include "http/server_inner.h"
#include "trace/trace.h"

struct figure {
    const char *name;
    const char *type;   /* "counter" or "gauge" */
    const char *labels; /* "" or "{...}" */
    uint64_t value;
};

static void write_figures(struct buffer *out, const struct figure *figures, size_t count)
{
    const char *last = "";
    for (size_t i = 0; i < count; i++) {
        const struct figure *figure = &figures[i];
        if (figure->name != last) {
            buffer_printf(out, "# TYPE %s %s\n", figure->name, figure->type);
            last = figure->name;
        }
        buffer_printf(out, "%s%s %" PRIu64 "\n", figure->name, figure->labels, figure->value);
    }
}

#define WRITE_FIGURES(out, figures)                                                                \
    write_figures((out), (figures), sizeof(figures) / sizeof *(figures))

/* Names of OpenTelemetry's otel.sdk.* metrics. */
static void write_tracing(struct buffer *out)
{
    static const char exported[] = "otel_sdk_exporter_span_exported_total";
    static const char processed[] = "otel_sdk_processor_span_processed_total";
    struct tracing_stats stats = tracing_stats();
    const struct figure figures[] = {
        {"otel_sdk_span_started_total", "counter", "", stats.started},
        {"otel_sdk_span_unsampled_total", "counter", "", stats.unsampled},
        {"otel_sdk_span_ended_total", "counter", "", stats.ended},
        {"otel_sdk_span_live", "gauge", "", stats.started - stats.ended},
        {processed, "counter", "{error_type=\"queue_full\"}", stats.dropped_queue_full},
        {exported, "counter", "{error_type=\"\"}", stats.exported},
        {exported, "counter", "{error_type=\"failed\"}", stats.dropped_export_failed},
        {exported, "counter", "{error_type=\"rejected\"}", stats.rejected},
        {"otel_sdk_processor_span_queue_size", "gauge", "", stats.queued},
        {"otel_sdk_exporter_requests_total", "counter", "", stats.export_requests},
        {"otel_sdk_exporter_retries_total", "counter", "", stats.export_retries},
    };
    WRITE_FIGURES(out, figures);
}

static void write_queue(const struct service_control *control, struct buffer *out)
{
    struct queue_stats stats;
    struct queue *queue = control->parts->queue;
    if (!queue || !control->topic || queue_stats(queue, control->topic, &stats) != STATUS_OK) {
        return;
    }
    const struct figure figures[] = {
        {"culprit_queue_messages", "gauge", "{state=\"waiting\"}", stats.waiting},
        {"culprit_queue_messages", "gauge", "{state=\"in_hand\"}", stats.in_hand},
        {"culprit_queue_messages", "gauge", "{state=\"parked\"}", stats.parked},
        {"culprit_queue_done_total", "counter", "", stats.done},
    };
    WRITE_FIGURES(out, figures);
}

/* ---- process */

static uint64_t resident_bytes(void)
{
    unsigned long size = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file) {
        return 0;
    }
    if (fscanf(file, "%lu %lu", &size, &resident) != 2) { /* NOLINT(cert-err34-c) */
        resident = 0;
    }
    fclose(file);
    return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t open_descriptors(void)
{
    uint64_t count = 0;
    DIR *directory = opendir("/proc/self/fd");
    if (!directory) {
        return 0;
    }
    while (readdir(directory)) {
        count++;
    }
    closedir(directory);
    return count > 3 ? count - 3 : 0; /* ".", ".." and the directory itself */
}

static void write_process(struct buffer *out)
{
    struct rusage usage = {0};
    struct rlimit limit = {0};
    getrusage(RUSAGE_SELF, &usage);
    getrlimit(RLIMIT_NOFILE, &limit);
    double seconds = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                     (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    buffer_printf(out, "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total %.6f\n",
                  seconds);
    const struct figure figures[] = {
        {"process_resident_memory_bytes", "gauge", "", resident_bytes()},
        {"process_open_fds", "gauge", "", open_descriptors()},
        {"process_max_fds", "gauge", "", limit.rlim_cur},
    };
    WRITE_FIGURES(out, figures);
}

void service_metrics_write(struct service_control *control, struct buffer *out)
{
    struct server *server = atomic_load(&control->server);
    if (server) {
        server_metrics_write(&server->metrics, out);
    }
    write_tracing(out);
    write_queue(control, out);
    write_process(out);
}
