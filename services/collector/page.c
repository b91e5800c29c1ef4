#include "services/collector/page.h"

#include <inttypes.h>

#include "base/clock.h"
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

static void put_gauge(struct buffer *out, const char *name, const char *help, uint64_t value)
{
    buffer_printf(out,
                  "# HELP collector_%s %s\n# TYPE collector_%s gauge\ncollector_%s %" PRIu64 "\n",
                  name, help, name, name, value);
}

void page_metrics(struct request *request, struct response *response)
{
    const struct collector *collector = request->context;
    const struct open_traces_stats open = open_traces_stats(collector->open);
    const struct store_stats store = store_stats(collector->store);
    struct buffer out;
    buffer_init(&out, PAGE_BYTES_MAX);
    counters_write_metrics(&collector->counters, &out);
    put_gauge(&out, "traces_open", "traces in memory", open.traces);
    put_gauge(&out, "spans_open", "spans in memory", open.spans);
    put_gauge(&out, "open_bytes", "memory of open traces", open.bytes);
    put_gauge(&out, "traces_stored", "traces in the store", store.traces);
    put_gauge(&out, "store_bytes", "bytes of the store in use", store.bytes);
    send_text(response, &out, "text/plain; version=0.0.4; charset=utf-8");
}

static void write_number(struct json_writer *writer, const char *key, uint64_t value)
{
    json_key(writer, key);
    json_u64(writer, value);
}

/* What happened since the start; readers take differences. */
void page_status(struct request *request, struct response *response)
{
    struct collector *collector = request->context;
    const struct open_traces_stats open = open_traces_stats(collector->open);
    const struct store_stats store = store_stats(collector->store);
    struct answer answer;
    answer_begin(&answer);
    json_begin_object(&answer.writer);
    counters_write(&collector->counters, &answer.writer);
    write_number(&answer.writer, "traces_open", open.traces);
    write_number(&answer.writer, "spans_open", open.spans);
    write_number(&answer.writer, "open_bytes", open.bytes);
    write_number(&answer.writer, "open_bytes_max", collector->max_memory_bytes);
    write_number(&answer.writer, "traces_stored", store.traces);
    write_number(&answer.writer, "store_bytes", store.bytes);
    write_number(&answer.writer, "started_unix_ms", collector->started_wall_ns / NS_PER_MS);
    json_key(&answer.writer, "trace_latency");
    counters_write_latency(&collector->counters, &answer.writer);
    json_end_object(&answer.writer);
    answer_send(&answer, response, 200);
}
