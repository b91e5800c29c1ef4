#include "services/collector/query_legacy.h"

#include "base/clock.h"
#include "otlp/jaeger_json.h"
#include "services/collector/answer.h"
#include "services/collector/catalogue.h"
#include "services/collector/params.h"
#include "services/collector/search.h"
#include "services/collector/search_params.h"
#include "services/collector/summary.h"

enum { LIMIT_TRACES = 100, FOUND_BYTES_MAX = 1024 * 1024, IDS_MAX = 64 };

void query_legacy_services(struct request *request, struct response *response)
{
    struct catalogue catalogue;
    struct answer answer;
    size_t count;
    catalogue_init(&catalogue);
    catalogue_services(&catalogue, request->context);
    const struct text *services = catalogue_service_items(&catalogue, &count);
    answer_begin_data(&answer, request);
    for (size_t i = 0; i < count; i++)
        json_text(&answer.writer, services[i]);
    answer_end_data(&answer, count);
    answer_send(&answer, response, 200);
    catalogue_release(&catalogue);
}

/* ["name"], each name once whatever its kinds. */
void query_legacy_service_operations(struct request *request, struct response *response)
{
    struct catalogue catalogue;
    struct answer answer;
    size_t count, written = 0;
    catalogue_init(&catalogue);
    catalogue_operations(&catalogue, request->context,
                         text_of(request_parameter(request, "service")), 0xff);
    const struct catalogue_operation *operations = catalogue_operation_items(&catalogue, &count);
    answer_begin_data(&answer, request);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && text_equal(operations[i].name, operations[i - 1].name))
            continue;
        json_text(&answer.writer, operations[i].name);
        written++;
    }
    answer_end_data(&answer, written);
    answer_send(&answer, response, 200);
    catalogue_release(&catalogue);
}

void query_legacy_operations(struct request *request, struct response *response)
{
    const char *service = request_query(request, "service");
    const char *kind_text = request_query(request, "spanKind");
    const uint8_t kind = kind_text && *kind_text ? params_kind(kind_text) : 0xff;
    struct catalogue catalogue;
    struct answer answer;
    size_t count;
    if (!service || !*service) {
        answer_error_legacy(response, 400, "parameter 'service' is required");
        return;
    }
    catalogue_init(&catalogue);
    catalogue_operations(&catalogue, request->context, text_of(service), kind);
    const struct catalogue_operation *operations = catalogue_operation_items(&catalogue, &count);
    answer_begin_data(&answer, request);
    for (size_t i = 0; i < count; i++) {
        json_begin_object(&answer.writer);
        json_field_text(&answer.writer, "name", operations[i].name);
        json_field_cstring(&answer.writer, "spanKind", params_kind_word(operations[i].kind));
        json_end_object(&answer.writer);
    }
    answer_end_data(&answer, count);
    answer_send(&answer, response, 200);
    catalogue_release(&catalogue);
}

/* Never 200 with empty data for a trace's id: clients take the first item unseen. */
void query_legacy_trace(struct request *request, struct response *response)
{
    const char *text = request_parameter(request, "trace_id");
    uint8_t id[16];
    struct spans spans;
    if (!text || !params_trace_id(text, id)) {
        answer_error_legacy(response, 400, "a trace id is up to 32 hex digits");
        return;
    }
    spans_init(&spans, TRACES_SPANS_MAX, TRACES_BYTES_MAX);
    const enum status status = traces_find(request->context, id, &spans);
    if (status == STATUS_OK && spans.count > 0) {
        struct answer answer;
        answer_begin_data(&answer, request);
        jaeger_json_write(&spans, 0, spans.count, &answer.writer);
        answer_end_data(&answer, 0);
        answer_send(&answer, response, 200);
    } else if (status == STATUS_OK || status == STATUS_NOT_FOUND) {
        answer_error_legacy(response, 404, "trace not found");
    } else {
        answer_error_legacy(response, answer_status(status), "%s", status_words(status));
    }
    spans_release(&spans);
}

/* One trace into the answer, or its id into those that are not there. */
static enum status add_trace(struct request *request, const uint8_t id[16], struct answer *answer,
                             struct buffer *absent)
{
    struct spans spans;
    spans_init(&spans, TRACES_SPANS_MAX, TRACES_BYTES_MAX);
    enum status status = traces_find(request->context, id, &spans);
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && spans.count == 0))
        status = buffer_append(absent, id, 16);
    else if (status == STATUS_OK)
        jaeger_json_write(&spans, 0, spans.count, &answer->writer);
    spans_release(&spans);
    return status;
}

static void write_absent(struct json_writer *writer, const struct buffer *absent)
{
    if (absent->length_bytes == 0) {
        json_nil(writer);
        return;
    }
    json_begin_array(writer);
    for (size_t at = 0; at < absent->length_bytes; at += 16) {
        json_begin_object(writer);
        json_field_cstring(writer, "msg", "trace not found");
        json_field_hex(writer, "traceID", absent->data + at, 16);
        json_end_object(writer);
    }
    json_end_array(writer);
}

/* What was asked for by name: those that are there, and an error for each that is not. */
static void answer_traces(struct request *request, uint8_t (*ids)[16], size_t count,
                          struct response *response)
{
    struct answer answer;
    struct buffer absent;
    enum status status = STATUS_OK;
    buffer_init(&absent, IDS_MAX * 16);
    answer_begin_data(&answer, request);
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = add_trace(request, ids[i], &answer, &absent);
    if (status == STATUS_OK) {
        answer_end_array(&answer, 0);
        write_absent(&answer.writer, &absent);
        answer_end_errors(&answer);
        answer_send(&answer, response, 200);
    } else {
        buffer_release(&answer.body);
        answer_error_legacy(response, answer_status(status), "%s", status_words(status));
    }
    buffer_release(&absent);
}

static void answer_by_ids(struct request *request, struct response *response)
{
    uint8_t ids[IDS_MAX][16];
    size_t count = 0;
    const char *text;
    while ((text = request_query_at(request, "traceID", count)) != NULL) {
        if (count == IDS_MAX || !params_trace_id(text, ids[count])) {
            answer_error_legacy(response, 400, "traceID is up to 32 hex digits, at most %d of them",
                                IDS_MAX);
            return;
        }
        count++;
    }
    answer_traces(request, ids, count, response);
}

static void send_found(struct request *request, const struct spans *spans,
                       const struct buffer *found, struct response *response)
{
    const struct search_found *traces = (const void *)found->data;
    const size_t count = found->length_bytes / sizeof(*traces);
    struct answer answer;
    answer_begin_data(&answer, request);
    for (size_t i = 0; i < count; i++)
        jaeger_json_write(spans, traces[i].first, traces[i].count, &answer.writer);
    answer_end_data(&answer, 0);
    answer_send(&answer, response, 200);
}

static void search_and_send(struct request *request, struct response *response,
                            const struct criteria *criteria)
{
    struct spans spans;
    struct buffer found;
    spans_init(&spans, TRACES_SPANS_MAX, TRACES_BYTES_MAX);
    buffer_init(&found, FOUND_BYTES_MAX);
    const enum status status = search_run(request->context, criteria, &spans, &found);
    if (status == STATUS_OK)
        send_found(request, &spans, &found, response);
    else
        answer_error_legacy(response, answer_status(status), "%s", status_words(status));
    buffer_release(&found);
    spans_release(&spans);
}

void query_legacy_traces(struct request *request, struct response *response)
{
    struct search_params params;
    struct error error = {{0}};
    if (request_query(request, "traceID")) {
        answer_by_ids(request, response);
        return;
    }
    search_params_init(&params, LIMIT_TRACES);
    const enum status status = search_params_legacy(&params, request, &error);
    if (status != STATUS_OK)
        answer_error_legacy(response, 400, "%s", error.text);
    else if (params.criteria.service.length == 0)
        answer_error_legacy(response, 400, "parameter 'service' is required");
    else
        search_and_send(request, response, &params.criteria);
    search_params_release(&params);
}

/* endTs and lookback in milliseconds; without them everything there is. */
static bool read_range(const struct request *request, uint64_t *start_ns, uint64_t *end_ns)
{
    const char *end = request_query(request, "endTs");
    const char *lookback = request_query(request, "lookback");
    const uint64_t ms_max = UINT64_MAX / NS_PER_MS;
    uint64_t end_ms = clock_wall_ns() / NS_PER_MS, lookback_ms = end_ms;
    if ((end && text_to_u64(text_of(end), &end_ms) != STATUS_OK) ||
        (lookback && text_to_u64(text_of(lookback), &lookback_ms) != STATUS_OK))
        return false;
    end_ms = end_ms < ms_max ? end_ms : ms_max;
    *end_ns = end_ms * NS_PER_MS;
    *start_ns = lookback_ms < end_ms ? (end_ms - lookback_ms) * NS_PER_MS : 0;
    return true;
}

void query_legacy_dependencies(struct request *request, struct response *response)
{
    uint64_t start_ns, end_ns;
    struct catalogue catalogue;
    if (!read_range(request, &start_ns, &end_ns)) {
        answer_error_legacy(response, 400, "endTs and lookback are milliseconds");
        return;
    }
    catalogue_init(&catalogue);
    const enum status status = catalogue_edges(&catalogue, request->context, start_ns, end_ns);
    if (status == STATUS_OK) {
        struct answer answer;
        answer_begin_data(&answer, request);
        summary_write_edges(&catalogue, text_of(request_query(request, "service")), json_u64,
                            &answer.writer);
        answer_end_data(&answer, 0);
        answer_send(&answer, response, 200);
    } else {
        answer_error_legacy(response, answer_status(status), "%s", status_words(status));
    }
    catalogue_release(&catalogue);
}
