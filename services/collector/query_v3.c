#include "services/collector/query_v3.h"

#include <string.h>

#include "base/clock.h"
#include "otlp/otlp_json.h"
#include "services/collector/answer.h"
#include "services/collector/catalogue.h"
#include "services/collector/params.h"
#include "services/collector/search.h"
#include "services/collector/search_params.h"
#include "services/collector/summary.h"

enum { LIMIT_TRACES = 20, LIMIT_SUMMARIES = 100, FOUND_BYTES_MAX = 1024 * 1024 };

static const char *const kind_names[] = {"spanKind", "span_kind", NULL};

void query_v3_services(struct request *request, struct response *response)
{
    struct catalogue catalogue;
    struct answer answer;
    size_t count;
    catalogue_init(&catalogue);
    catalogue_services(&catalogue, request->context);
    const struct text *services = catalogue_service_items(&catalogue, &count);
    answer_begin(&answer);
    json_begin_object(&answer.writer);
    json_key(&answer.writer, "services");
    json_begin_array(&answer.writer);
    for (size_t i = 0; i < count; i++)
        json_text(&answer.writer, services[i]);
    json_end_array(&answer.writer);
    json_end_object(&answer.writer);
    answer_send(&answer, response, 200);
    catalogue_release(&catalogue);
}

static void write_operations(const struct catalogue *catalogue, struct json_writer *writer)
{
    size_t count;
    const struct catalogue_operation *operations = catalogue_operation_items(catalogue, &count);
    json_begin_object(writer);
    json_key(writer, "operations");
    json_begin_array(writer);
    for (size_t i = 0; i < count; i++) {
        json_begin_object(writer);
        json_field_text(writer, "name", operations[i].name);
        json_field_cstring(writer, "spanKind", params_kind_word(operations[i].kind));
        json_end_object(writer);
    }
    json_end_array(writer);
    json_end_object(writer);
}

void query_v3_operations(struct request *request, struct response *response)
{
    const char *service = request_query(request, "service");
    const char *kind_text = params_query(request, kind_names);
    const uint8_t kind = kind_text && *kind_text ? params_kind(kind_text) : 0xff;
    struct catalogue catalogue;
    struct answer answer;
    if (!service || !*service) {
        answer_error_v3(response, 400, "service must be given");
        return;
    }
    if (kind_text && *kind_text && kind == 0xff) {
        answer_error_v3(response, 400,
                        "span_kind must be one of internal, server, client, "
                        "producer, consumer");
        return;
    }
    catalogue_init(&catalogue);
    catalogue_operations(&catalogue, request->context, text_of(service), kind);
    answer_begin(&answer);
    write_operations(&catalogue, &answer.writer);
    answer_send(&answer, response, 200);
    catalogue_release(&catalogue);
}

static void send_spans(const struct spans *spans, struct response *response)
{
    struct answer answer;
    answer_begin(&answer);
    json_begin_object(&answer.writer);
    json_key(&answer.writer, "result");
    json_begin_object(&answer.writer);
    json_key(&answer.writer, "resourceSpans");
    otlp_json_write(spans, 0, spans->count, &answer.writer);
    json_end_object(&answer.writer);
    json_end_object(&answer.writer);
    answer_send(&answer, response, 200);
}

void query_v3_trace(struct request *request, struct response *response)
{
    const char *text = request_parameter(request, "trace_id");
    uint8_t id[16];
    struct spans spans;
    if (!text || !params_trace_id(text, id)) {
        answer_error_v3(response, 400, "a trace id is 32 hex digits, or base64 of 16 bytes");
        return;
    }
    spans_init(&spans, TRACES_SPANS_MAX, TRACES_BYTES_MAX);
    const enum status status = traces_find(request->context, id, &spans);
    if (status == STATUS_OK)
        send_spans(&spans, response);
    else if (status == STATUS_NOT_FOUND)
        answer_error_v3(response, 404, "no trace found");
    else
        answer_error_v3(response, answer_status(status), "%s", status_words(status));
    spans_release(&spans);
}

/* Runs the request's search. false: answered already. */
static bool run_search(struct request *request, struct response *response, size_t limit,
                       struct spans *spans, struct buffer *found)
{
    struct search_params params;
    struct error error = {{0}};
    search_params_init(&params, limit);
    enum status status = search_params_v3(&params, request, &error);
    if (status != STATUS_OK) {
        answer_error_v3(response, 400, "%s", error.text);
    } else {
        status = search_run(request->context, &params.criteria, spans, found);
        if (status != STATUS_OK)
            answer_error_v3(response, answer_status(status), "%s", status_words(status));
    }
    search_params_release(&params);
    return status == STATUS_OK;
}

void query_v3_traces(struct request *request, struct response *response)
{
    struct spans spans;
    struct buffer found;
    spans_init(&spans, TRACES_SPANS_MAX, TRACES_BYTES_MAX);
    buffer_init(&found, FOUND_BYTES_MAX);
    if (run_search(request, response, LIMIT_TRACES, &spans, &found)) {
        if (spans.count == 0)
            answer_error_v3(response, 404, "no traces found");
        else
            send_spans(&spans, response);
    }
    buffer_release(&found);
    spans_release(&spans);
}

void query_v3_summaries(struct request *request, struct response *response)
{
    struct spans spans;
    struct buffer found;
    spans_init(&spans, TRACES_SPANS_MAX, TRACES_BYTES_MAX);
    buffer_init(&found, FOUND_BYTES_MAX);
    if (run_search(request, response, LIMIT_SUMMARIES, &spans, &found)) {
        const struct search_found *traces = (const void *)found.data;
        const size_t count = found.length_bytes / sizeof(*traces);
        struct answer answer;
        answer_begin(&answer);
        json_begin_object(&answer.writer);
        json_key(&answer.writer, "summaries");
        json_begin_array(&answer.writer);
        for (size_t i = 0; i < count; i++)
            summary_write(&spans, traces[i].first, traces[i].count, &answer.writer);
        json_end_array(&answer.writer);
        json_end_object(&answer.writer);
        answer_send(&answer, response, 200);
    }
    buffer_release(&found);
    spans_release(&spans);
}

void query_v3_dependencies(struct request *request, struct response *response)
{
    static const char *const start_names[] = {"startTime", "start_time", NULL};
    static const char *const end_names[] = {"endTime", "end_time", NULL};
    const char *start = params_query(request, start_names), *end = params_query(request, end_names);
    uint64_t start_ns = 0, end_ns = clock_wall_ns();
    struct catalogue catalogue;
    if ((start && !params_time(start, &start_ns)) || (end && !params_time(end, &end_ns))) {
        answer_error_v3(response, 400, "times are RFC 3339: 2026-01-31T12:00:00.5Z");
        return;
    }
    if (start_ns >= end_ns) {
        answer_error_v3(response, 400, "endTime must be after startTime");
        return;
    }
    catalogue_init(&catalogue);
    const enum status status = catalogue_edges(&catalogue, request->context, start_ns, end_ns);
    if (status == STATUS_OK) {
        struct answer answer;
        answer_begin(&answer);
        json_begin_object(&answer.writer);
        json_key(&answer.writer, "dependencies");
        json_begin_array(&answer.writer);
        summary_write_edges(&catalogue, text_of(""), json_u64_string, &answer.writer);
        json_end_array(&answer.writer);
        json_end_object(&answer.writer);
        answer_send(&answer, response, 200);
    } else {
        answer_error_v3(response, answer_status(status), "%s", status_words(status));
    }
    catalogue_release(&catalogue);
}
