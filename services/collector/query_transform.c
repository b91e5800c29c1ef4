#include "services/collector/query_transform.h"

#include <stdlib.h>
#include <string.h>

#include "otlp/jaeger_json.h"
#include "otlp/otlp_json.h"
#include "services/collector/answer.h"

enum { SPANS_MAX = 256 * 1024, MODEL_BYTES_MAX = 4 * QUERY_TRANSFORM_BODY_MAX };

static int compare(const void *left, const void *right)
{
    const struct otlp_span *a = left, *b = right;
    const int by_trace = memcmp(a->trace_id, b->trace_id, sizeof(a->trace_id));
    if (by_trace != 0)
        return by_trace;
    if (a->start_ns != b->start_ns)
        return a->start_ns < b->start_ns ? -1 : 1;
    return memcmp(a->span_id, b->span_id, sizeof(a->span_id));
}

static size_t end_of_trace(const struct spans *spans, size_t first)
{
    size_t end = first + 1;
    while (end < spans->count && memcmp(spans->items[end].trace_id, spans->items[first].trace_id,
                                        sizeof(spans->items[first].trace_id)) == 0)
        end++;
    return end;
}

static void send_traces(struct request *request, struct spans *spans, struct response *response)
{
    struct answer answer;
    answer_begin_data(&answer, request);
    if (spans->count > 0)
        qsort(spans->items, spans->count, sizeof(*spans->items), compare);
    for (size_t first = 0, end; first < spans->count; first = end) {
        end = end_of_trace(spans, first);
        jaeger_json_write(spans, first, end - first, &answer.writer);
    }
    answer_end_data(&answer, 0);
    answer_send(&answer, response, 200);
}

void query_transform(struct request *request, struct response *response)
{
    struct spans spans;
    struct error error = {{0}};
    uint64_t refused = 0;
    spans_init(&spans, SPANS_MAX, MODEL_BYTES_MAX);
    const enum status status =
        otlp_json_read(&spans, request->body.data, request->body.length, &refused, &error);
    if (status == STATUS_OK && refused == 0)
        send_traces(request, &spans, response);
    else if (status == STATUS_OK)
        answer_error_legacy(response, 400, "spans without ids: %llu", (unsigned long long)refused);
    else
        answer_error_legacy(response, status == STATUS_TOO_LARGE ? 413 : 400, "%s", error.text);
    spans_release(&spans);
}
