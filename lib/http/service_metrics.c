#include "http/service_metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "http/db.h"
#include "http/queue.h"
#include "http/server_inner.h"
#include "trace/trace.h"

struct figure {
    const char *name;
    const char *type;   /* "counter" or "gauge" */
    const char *labels; /* "" or "{...}" */
    uint64_t value;
};

/* Rows of one name stand together. */
static void write_figures(struct buffer *out, const struct figure *figures, size_t count)
{
    const char *last = "";
    for (size_t i = 0; i < count; i++) {
        const struct figure *figure = &figures[i];
        if (strcmp(figure->name, last) != 0)
            buffer_printf(out, "# TYPE %s %s\n", figure->name, figure->type);
        last = figure->name;
        buffer_printf(out, "%s%s %" PRIu64 "\n", figure->name, figure->labels, figure->value);
    }
}

#define WRITE_FIGURES(out, figures)                                                                \
    write_figures((out), (figures), sizeof(figures) / sizeof((figures)[0]))

/* Names of OpenTelemetry's otel.sdk.* metrics. */
static void write_tracing(struct buffer *out)
{
    static const char exported[] = "otel_sdk_exporter_span_exported_total";
    static const char processed[] = "otel_sdk_processor_span_processed_total";
    struct tracing_stats stats = tracing_stats();
    uint64_t live = stats.started > stats.ended ? stats.started - stats.ended : 0;
    const struct figure figures[] = {
        {"otel_sdk_span_started_total", "counter", "", stats.started},
        {"otel_sdk_span_unsampled_total", "counter", "", stats.unsampled},
        {"otel_sdk_span_ended_total", "counter", "", stats.ended},
        {"otel_sdk_span_live", "gauge", "", live},
        {processed, "counter", "{error_type=\"queue_full\"}", stats.dropped_queue_full},
        {exported, "counter", "", stats.exported},
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
    if (!queue || !control->topic || queue_stats(queue, control->topic, &stats) != STATUS_OK)
        return;
    const struct figure figures[] = {
        {"culprit_queue_messages", "gauge", "{state=\"waiting\"}", stats.waiting},
        {"culprit_queue_messages", "gauge", "{state=\"in_hand\"}", stats.in_hand},
        {"culprit_queue_messages", "gauge", "{state=\"parked\"}", stats.parked},
        {"culprit_queue_done_total", "counter", "", stats.done},
    };
    WRITE_FIGURES(out, figures);
}

static void write_database(const struct service_control *control, struct buffer *out)
{
    if (!control->parts->db)
        return;
    struct db_stats stats = db_stats(control->parts->db);
    const struct figure figures[] = {
        {"culprit_database_statements_total", "counter", "", stats.statements},
        {"culprit_database_failed_statements_total", "counter", "", stats.failed_statements},
        {"culprit_database_commits_total", "counter", "", stats.commits},
        {"culprit_database_writer_timeouts_total", "counter", "", stats.writer_timeouts},
    };
    WRITE_FIGURES(out, figures);
}

/* The second word of statm is pages; 0 where the kernel does not say. */
static uint64_t resident_bytes(void)
{
    char line[128] = "";
    uint64_t pages = 0;
    long page_bytes = sysconf(_SC_PAGESIZE);
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return 0;
    struct text rest = text_of(fgets(line, sizeof line, file));
    fclose(file);
    text_split(&rest, ' ');
    if (rest.data == NULL || text_to_u64(text_split(&rest, ' '), &pages) != STATUS_OK)
        return 0;
    return page_bytes > 0 ? pages * (uint64_t)page_bytes : 0;
}

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static void write_process(const struct service_control *control, struct buffer *out)
{
    struct rusage usage = {0};
    struct rlimit files = {0};
    getrusage(RUSAGE_SELF, &usage);
    getrlimit(RLIMIT_NOFILE, &files);
    const struct figure figures[] = {
        {"process_resident_memory_bytes", "gauge", "", resident_bytes()},
        {"process_max_fds", "gauge", "", files.rlim_cur},
    };
    WRITE_FIGURES(out, figures);
    buffer_printf(out, "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total %.6f\n",
                  seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime));
    buffer_printf(out, "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds %.3f\n",
                  (double)control->start_wall_ns / 1e9);
}

void service_metrics_write(struct service_control *control, struct buffer *out)
{
    struct server *server = atomic_load(&control->server);
    if (server) {
        server_metrics_write(&server->metrics, out);
        const struct figure active = {"http_server_active_requests", "gauge", "",
                                      server_stats(server).in_flight};
        write_figures(out, &active, 1);
    }
    write_tracing(out);
    write_queue(control, out);
    write_database(control, out);
    write_process(control, out);
}
