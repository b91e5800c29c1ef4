#include "services/collector/page.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "services/collector/answer.h"
#include "services/collector/catalogue.h"

enum { PAGE_BYTES_MAX = 4 * 1024 * 1024 };

static const char policy[] = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
                             "form-action 'none'; frame-ancestors 'none'";

static const char head[] =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Culprit collector</title>"
    "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
    "td,th{text-align:left;padding:.1em 1em .1em 0}code{background:#eee;padding:0 .2em}</style>"
    "<h1>Culprit collector</h1>";

static const char tail[] =
    "<h2>Asking</h2><ul>"
    "<li><code>GET /api/v3/services</code></li>"
    "<li><code>GET /api/v3/operations?service=NAME</code></li>"
    "<li><code>GET /api/v3/traces?query.service_name=NAME&amp;query.num_traces=20</code></li>"
    "<li><code>GET /api/v3/traces/TRACE_ID</code></li>"
    "<li><code>GET /api/v3/trace-summaries?query.service_name=NAME</code></li>"
    "<li><code>GET /api/dependencies</code>, <code>/api/services</code>, <code>/api/traces</code>: "
    "Jaeger's older shapes</li>"
    "<li><code>GET /api/culprit/status</code>, <code>/metrics</code></li></ul>"
    "<p>Traces come in at <code>POST /v1/traces</code> on the OTLP port.</p></html>\n";

/* Names are other people's: nothing of them may become markup. */
static void put_escaped(struct buffer *out, struct text value)
{
    for (size_t i = 0; i < value.length; i++) {
        const char byte = value.data[i];
        if (strchr("<>&\"'", byte) || (unsigned char)byte < 0x20)
            buffer_printf(out, "&#%d;", byte ? byte : 0xfffd);
        else
            buffer_append_byte(out, (uint8_t)byte);
    }
}

static void put_figures(struct buffer *out, const struct collector *collector)
{
    const struct open_traces_stats open = open_traces_stats(collector->open);
    const struct store_stats store = store_stats(collector->store);
    const struct {
        const char *label;
        uint64_t value;
    } rows[] = {
        {"spans received", counters_get(&collector->counters, COUNTER_RECEIVED)},
        {"spans refused", counters_get(&collector->counters, COUNTER_REFUSED)},
        {"spans stored", counters_get(&collector->counters, COUNTER_STORED)},
        {"spans dropped", counters_get(&collector->counters, COUNTER_DROPPED_STORE) +
                              counters_get(&collector->counters, COUNTER_DROPPED_MEMORY)},
        {"traces open", open.traces},
        {"traces stored", store.traces},
        {"bytes stored", store.bytes},
    };
    buffer_append_text(out, "<table>");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        buffer_printf(out, "<tr><th>%s<td>%" PRIu64, rows[i].label, rows[i].value);
    buffer_append_text(out, "</table>");
}

static void put_services(struct buffer *out, struct collector *collector)
{
    struct catalogue catalogue;
    size_t count;
    catalogue_init(&catalogue);
    catalogue_services(&catalogue, collector);
    const struct text *services = catalogue_service_items(&catalogue, &count);
    buffer_append_text(out, count ? "<h2>Services</h2><ul>" : "<p>No traces yet.</p><ul>");
    for (size_t i = 0; i < count; i++) {
        buffer_append_text(out, "<li>");
        put_escaped(out, services[i]);
    }
    buffer_append_text(out, "</ul>");
    catalogue_release(&catalogue);
}

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

void page_home(struct request *request, struct response *response)
{
    struct buffer out;
    buffer_init(&out, PAGE_BYTES_MAX);
    buffer_append_text(&out, head);
    put_figures(&out, request->context);
    put_services(&out, request->context);
    buffer_append_text(&out, tail);
    response_header(response, "Content-Security-Policy", policy);
    response_header(response, "X-Content-Type-Options", "nosniff");
    send_text(response, &out, "text/html; charset=utf-8");
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
