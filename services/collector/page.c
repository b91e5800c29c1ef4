#include "services/collector/page.h"

#include "base/clock.h"
#include "http/tracing_metrics.h"
#include "services/collector/answer.h"
#include "services/collector/collector.h"

enum { PAGE_BYTES_MAX = 4 * 1024 * 1024 };

static void send_text(struct response *response, struct buffer *out, const char *content_type)
{
    size_t length_bytes;
    if (out->failed != STATUS_OK) {
        buffer_release(out);
        response_error(response, 500, "too_large", "the page is too large");
        return;
    }
    uint8_t *bytes = buffer_take(out, &length_bytes);
    response_bytes(response, 200, content_type, bytes, length_bytes);
}

static void write_store(const struct collector *collector, const struct metrics_text *text)
{
    const struct open_traces_stats open = open_traces_stats(collector->open);
    const struct store_stats store = store_stats(collector->store);
    const struct log_inbox_stats logs = log_inbox_stats(collector->inbox);
    const struct metrics_row rows[] = {
        {"collector_traces_open", METRICS_GAUGE, "", open.traces, "traces in memory"},
        {"collector_spans_open", METRICS_GAUGE, "", open.spans, "spans in memory"},
        {"collector_open_bytes", METRICS_GAUGE, "", open.bytes, "memory of open traces"},
        {"collector_traces_stored", METRICS_GAUGE, "", store.traces, "traces in the store"},
        {"collector_logs_open", METRICS_GAUGE, "", logs.records, "log records in memory"},
        {"collector_logs_kept", METRICS_GAUGE, "", store.logs, "log records in the store"},
        {"collector_store_bytes", METRICS_GAUGE, "", store.bytes, "bytes of the store in use"},
    };
    metrics_text_rows(text, rows, sizeof(rows) / sizeof(rows[0]));
}

void page_metrics(struct request *request, struct response *response)
{
    const struct collector *collector = request->context;
    struct buffer out;
    const struct metrics_text text = {&out,
                                      metrics_text_wants_open(request_header(request, "Accept"))};
    struct server *servers[COLLECTOR_SERVERS];
    size_t count = 0;
    for (size_t i = 0; i < COLLECTOR_SERVERS; i++)
        if ((servers[count] = atomic_load(&collector->servers[i])) != NULL)
            count++;
    buffer_init(&out, PAGE_BYTES_MAX);
    server_write_metrics(servers, count, &text);
    tracing_metrics_write(&text);
    counters_write_metrics(&collector->counters, &text);
    write_store(collector, &text);
    metrics_text_end(&text);
    send_text(response, &out, metrics_text_content_type(text.is_open));
}

/* What happened since the start; readers take differences. */
void page_status(struct request *request, struct response *response)
{
    struct collector *collector = request->context;
    const struct open_traces_stats open = open_traces_stats(collector->open);
    const struct store_stats store = store_stats(collector->store);
    const struct log_inbox_stats logs = log_inbox_stats(collector->inbox);
    struct answer answer;
    answer_begin(&answer);
    json_begin_object(&answer.writer);
    counters_write(&collector->counters, &answer.writer);
    json_field_u64(&answer.writer, "traces_open", open.traces);
    json_field_u64(&answer.writer, "spans_open", open.spans);
    json_field_u64(&answer.writer, "open_bytes", open.bytes);
    json_field_u64(&answer.writer, "open_bytes_max", collector->max_memory_bytes);
    json_field_u64(&answer.writer, "traces_stored", store.traces);
    json_field_u64(&answer.writer, "logs_open", logs.records);
    json_field_u64(&answer.writer, "logs_kept", store.logs);
    json_field_u64(&answer.writer, "store_bytes", store.bytes);
    json_field_u64(&answer.writer, "started_unix_ms", collector->started_wall_ns / NS_PER_MS);
    json_key(&answer.writer, "trace_latency");
    counters_write_latency(&collector->counters, &answer.writer);
    json_end_object(&answer.writer);
    answer_send(&answer, response, 200);
}
