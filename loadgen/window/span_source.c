#include "loadgen/window/span_source.h"

#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "loadgen/base/fetch.h"
#include "loadgen/base/id_set.h"
#include "loadgen/window/trace_search.h"
#include "otlp/span_file.h"

enum {
    SPANS_MAX = 4 * 1000 * 1000,
    TRACES_MAX = 1500, /* what Jaeger gives at most */
    CALL_MS = 30000,
    SEEN_MAX = 1000 * 1000,
};

static const size_t spans_bytes_max = (size_t)1536 * 1024 * 1024;
static const size_t answer_bytes_max = (size_t)512 * 1024 * 1024;

typedef enum status searcher(struct fetch *fetch, const struct trace_search *search,
                             uint64_t deadline_ns, struct spans *spans, struct error *error);

/* The two query APIs. */
static const struct api {
    const char *services_path, *services_key;
    searcher *search;
} apis[] = {
    {"/api/v3/services", "services", trace_search_v3},
    {"/api/services", "data", trace_search_legacy},
};

struct query {
    struct fetch fetch;
    const struct api *api;
    const struct span_source *source;
    struct spans *spans;
    struct id_set seen;
};

static uint64_t deadline(void)
{
    return clock_mono_ns() + CALL_MS * NS_PER_MS;
}

/* The answer of one API; NULL where the server does not have it. */
static json_t *ask_services(struct query *query, const struct api *api, enum status *status,
                            struct error *error)
{
    struct fetch_answer answer;
    *status = fetch_do(&query->fetch,
                       &(struct fetch_request){.method = "GET", .path = api->services_path},
                       deadline(), &answer, error);
    if (*status != STATUS_OK || answer.status != 200)
        return NULL;
    json_t *reply = json_loadb(answer.body.data, answer.body.length, 0, NULL);
    json_t *list = json_incref(json_object_get(reply, api->services_key));
    json_decref(reply);
    if (json_is_array(list))
        return list;
    json_decref(list);
    return NULL;
}

static enum status find_api(struct query *query, json_t **services, struct error *error)
{
    for (size_t i = 0; i < sizeof apis / sizeof apis[0]; i++) {
        enum status status;
        *services = ask_services(query, &apis[i], &status, error);
        if (status != STATUS_OK)
            return status;
        query->api = &apis[i];
        if (*services)
            return STATUS_OK;
    }
    return error_set(error, STATUS_UNSUPPORTED, "%s: answers, but not as a Jaeger query API",
                     query->source->where);
}

/* Spans of traces that another service's search has not brought already. */
static enum status take_new(struct query *query, const struct spans *found)
{
    struct id_set here;
    enum status status = STATUS_OK;
    id_set_init(&here, SEEN_MAX);
    for (size_t i = 0; i < found->count && status == STATUS_OK; i++) {
        const struct otlp_span *span = &found->items[i];
        if (id_set_has(&query->seen, span->trace_id))
            continue;
        id_set_add(&here, span->trace_id);
        status = spans_copy(query->spans, span);
    }
    for (size_t i = 0; i < found->count; i++)
        if (id_set_has(&here, found->items[i].trace_id))
            id_set_add(&query->seen, found->items[i].trace_id);
    id_set_release(&here);
    return status;
}

static enum status search_service(struct query *query, const char *service, struct error *error)
{
    uint64_t now_ns = clock_wall_ns();
    struct spans found;
    spans_init(&found, SPANS_MAX, spans_bytes_max);
    enum status status = query->api->search(
        &query->fetch,
        &(struct trace_search){.service = service,
                               .start_wall_ns = now_ns - query->source->last_ms * NS_PER_MS,
                               .end_wall_ns = now_ns,
                               .trace_limit = TRACES_MAX},
        deadline(), &found, error);
    if (status == STATUS_OK && (status = take_new(query, &found)) != STATUS_OK)
        error_set(error, status, "%s: more spans than fit", query->source->where);
    spans_release(&found);
    return status;
}

static enum status search_all(struct query *query, struct error *error)
{
    json_t *services = NULL, *service;
    size_t index;
    enum status status = find_api(query, &services, error);
    if (status == STATUS_OK && query->source->service)
        status = search_service(query, query->source->service, error);
    else if (status == STATUS_OK)
        json_array_foreach(services, index, service)
        {
            if (status == STATUS_OK && json_is_string(service))
                status = search_service(query, json_string_value(service), error);
        }
    json_decref(services);
    return status;
}

static enum status read_api(const struct span_source *source, struct spans *spans,
                            struct error *error)
{
    struct query query = {.source = source, .spans = spans};
    enum status status = fetch_init(&query.fetch, source->where, answer_bytes_max, error);
    if (status != STATUS_OK)
        return status;
    id_set_init(&query.seen, SEEN_MAX);
    status = search_all(&query, error);
    id_set_release(&query.seen);
    fetch_release(&query.fetch);
    if (status == STATUS_OK && spans->count == 0)
        return error_set(error, STATUS_NOT_FOUND, "%s: no trace%s%s in that time", source->where,
                         source->service ? " of " : "", source->service ? source->service : "");
    return status;
}

enum status span_source_read(const struct span_source *source, struct spans *spans,
                             struct error *error)
{
    spans_init(spans, SPANS_MAX, spans_bytes_max);
    if (text_starts_with(text_of(source->where), "http://"))
        return read_api(source, spans, error);
    return span_file_read(spans, source->where, error);
}
