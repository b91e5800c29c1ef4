/* One request from its first line to its end, as libmicrohttpd calls for it: on one thread. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/evidence.h"
#include "http/server_inner.h"
#include "trace/log_record.h"

/* A chunked body that is too large is read on to its end, so that the client hears why; to here. */
enum { DISCARD_FACTOR = 4, DISCARD_MORE_BYTES = 1024 * 1024 };

static const struct tracer tracer = {.name = "culprit.http", .version = "0.1.0"};

/* ---- first line */

static int find_fd(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}

void *server_exchange_begin(void *closure, const char *target, struct MHD_Connection *connection)
{
    struct server *server = closure;
    struct server_exchange *exchange = calloc(1, sizeof *exchange);
    if (exchange == NULL)
        return NULL;
    exchange->server = server;
    exchange->fd = find_fd(connection);
    exchange->target_verdict = guard_target(target);
    exchange->request.connection = connection;
    exchange->request.parameters = &exchange->parameters;
    exchange->request.context = server->config.context;
    exchange->response.status = 200;
    reaper_receiving(server->reaper, exchange->fd);
    return exchange;
}

/* ---- head */

/* false: refused. */
static bool pass_guard(struct server_exchange *exchange, const char *version)
{
    const struct server_config *config = &exchange->server->config;
    struct guard_hosts hosts = {config->service, config->allowed_hosts};
    struct guard_verdict verdict = exchange->target_verdict;
    if (verdict.status == 0)
        verdict = guard_request(exchange->request.connection, exchange->method, version, &hosts);
    if (verdict.status == 0 && config->bearer != NULL &&
        !request_has_bearer(&exchange->request, config->bearer))
        verdict = (struct guard_verdict){401, "unauthorized", "another token is wanted"};
    /* Probes come by address, and what they are told is no secret. */
    bool is_probe = strcmp(exchange->path, "/livez") == 0 || strcmp(exchange->path, "/readyz") == 0;
    if (verdict.status == 0 || (verdict.status == 421 && is_probe))
        return true;
    server_metrics_refuse(&exchange->server->metrics, verdict.status == 421
                                                          ? SERVER_REFUSED_UNKNOWN_HOST
                                                          : SERVER_REFUSED_BAD_REQUEST);
    response_error(&exchange->response, verdict.status, verdict.code, "%s", verdict.words);
    exchange->is_refused = true;
    exchange->must_close = true;
    exchange->is_quiet = true;
    return false;
}

static bool copy_parameters(struct server_parameters *parameters)
{
    for (size_t i = 0; i < parameters->path.count; i++) {
        struct text value = parameters->path.items[i].value;
        parameters->values[i] = strndup(value.data, value.length);
        if (parameters->values[i] == NULL)
            return false;
    }
    return true;
}

static void find_route(struct server_exchange *exchange)
{
    const struct server_config *config = &exchange->server->config;
    char allow[ROUTE_ALLOW_MAX];
    const struct server_route *route =
        route_find(config->routes, config->route_count, exchange->method, exchange->path,
                   &exchange->parameters.path, allow);
    exchange->request.route = route;
    exchange->is_counted = !route_is_inner(exchange->path);
    exchange->is_quiet = !exchange->is_counted || (route && route->untraced);
    exchange->body_limit =
        route && route->max_body_bytes ? route->max_body_bytes : config->max_body_bytes;
    if (route)
        return;
    exchange->is_refused = true;
    if (allow[0] == '\0') {
        response_error(&exchange->response, 404, "not_found", "no such path");
        return;
    }
    response_error(&exchange->response, 405, "method_not_allowed", "this path has %s", allow);
    response_header(&exchange->response, "Allow", allow);
}

static void refuse_too_large(struct server_exchange *exchange)
{
    server_metrics_refuse(&exchange->server->metrics, SERVER_REFUSED_TOO_LARGE);
    response_error(&exchange->response, 413, "too_large", "the body may have %zu bytes",
                   exchange->body_limit);
    exchange->is_refused = true;
    exchange->must_close = true;
}

/* What can be said of the body before it is there. true: it must not be read at all. */
static bool check_body_head(struct server_exchange *exchange)
{
    const struct request *request = &exchange->request;
    const char *length = request_header(request, "Content-Length");
    bool is_chunked = request_header(request, "Transfer-Encoding") != NULL;
    uint64_t bytes = 0;
    /* Too many digits for a number are too many bytes. */
    if (length && text_to_u64(text_of(length), &bytes) != STATUS_OK)
        bytes = UINT64_MAX;
    if (bytes > exchange->body_limit) {
        refuse_too_large(exchange);
        return true;
    }
    if ((bytes > 0 || is_chunked) && !exchange->is_refused && !request->route->wants_raw_body &&
        !request_is_json_type(request)) {
        response_error(&exchange->response, 415, "unsupported_media_type",
                       "a body must be application/json");
        exchange->is_refused = true;
    }
    return false;
}

static void begin_work(struct server_exchange *exchange)
{
    const struct server_config *config = &exchange->server->config;
    const struct server_route *route = exchange->request.route;
    struct work *work = &exchange->request.work;
    work->parts = config->parts;
    work->deadline_ns = exchange->began_ns + config->work_timeout_ms * NS_PER_MS;
    if (config->faults)
        faults_snapshot(config->faults, &work->faults);
    if (!config->traced || exchange->is_quiet) {
        (void)evidence_cpu_resume_ns(NULL);
        return;
    }
    trace_mhd_begin(&exchange->trace, exchange->request.connection, exchange->method,
                    exchange->path, route ? route->path : NULL);
    exchange->is_traced = true;
    exchange->cpu_began_ns = evidence_cpu_resume_ns(exchange->trace.span);
}

static void count_in(struct server_exchange *exchange)
{
    struct server *server = exchange->server;
    exchange->counted = true;
    exchange->began_ns = clock_mono_ns();
    pthread_mutex_lock(&server->mutex);
    server->requests++;
    server->in_flight++;
    pthread_mutex_unlock(&server->mutex);
}

/* ---- answer */

static void write_log_line(const struct server_exchange *exchange, const struct span_context *ids,
                           uint64_t duration_ns)
{
    const struct server_route *route = exchange->request.route;
    struct log_ids log_ids = LOG_NO_IDS;
    if (exchange->is_traced)
        log_ids = (struct log_ids){ids->trace_id.bytes, ids->span_id.bytes, ids->flags};
    log_event(LOG_INFO, log_ids, "request", LOG_TEXT("method", exchange->method),
              LOG_TEXT("route", route ? route->path : ""),
              LOG_I64("status", exchange->response.status),
              LOG_I64("duration_us", (int64_t)(duration_ns / 1000)));
}

static void end_span(struct server_exchange *exchange, unsigned status, const char *error_type)
{
    if (exchange->is_traced) {
        evidence_cpu_end(exchange->trace.span, exchange->cpu_began_ns,
                         clock_mono_ns() - exchange->began_ns);
        trace_mhd_sizes(&exchange->trace, exchange->body_bytes,
                        status ? exchange->response.body_bytes : 0);
        trace_mhd_end(&exchange->trace, status, error_type);
    }
    exchange->is_traced = false;
}

static void count_answer(struct server_exchange *exchange, const struct span_context *ids,
                         uint64_t duration_ns)
{
    const struct server_route *route = exchange->request.route;
    server_metrics_add(&exchange->server->metrics,
                       &(struct server_answered){.method = exchange->method,
                                                 .route = route ? route->path : NULL,
                                                 .status = exchange->response.status,
                                                 .duration_ns = duration_ns,
                                                 .span = ids});
}

static enum MHD_Result answer(struct server_exchange *exchange)
{
    struct server *server = exchange->server;
    struct span_context ids = {0};
    bool close = exchange->must_close || atomic_load(&server->draining);
    unsigned status = exchange->response.status;
    reaper_working(server->reaper, exchange->fd);
    enum MHD_Result result =
        response_queue(&exchange->response, exchange->request.connection, close);
    exchange->is_answered = result == MHD_YES;
    uint64_t duration_ns = clock_mono_ns() - exchange->began_ns;
    if (exchange->is_quiet || !exchange->is_answered) {
        if (exchange->is_counted && exchange->is_answered)
            count_answer(exchange, NULL, duration_ns);
        return result;
    }
    if (exchange->is_traced)
        ids = span_context_of(exchange->trace.span);
    count_answer(exchange, &ids, duration_ns);
    write_log_line(exchange, &ids, duration_ns);
    end_span(exchange, status, NULL);
    return result;
}

static enum MHD_Result begin_request(struct server_exchange *exchange, const char *path,
                                     const char *method, const char *version)
{
    count_in(exchange);
    text_copy(text_of(method), exchange->method, sizeof exchange->method);
    exchange->path = strdup(path);
    if (exchange->path == NULL)
        return MHD_NO;
    exchange->request.path = exchange->path;
    exchange->request.method = exchange->method;
    if (!pass_guard(exchange, version))
        return answer(exchange);
    find_route(exchange);
    if (!copy_parameters(&exchange->parameters))
        return MHD_NO;
    buffer_init(&exchange->body, exchange->body_limit + 1);
    begin_work(exchange);
    return check_body_head(exchange) ? answer(exchange) : MHD_YES;
}

/* ---- body */

static enum MHD_Result take_body(struct server_exchange *exchange, const char *upload,
                                 size_t *upload_bytes)
{
    size_t most = exchange->body_limit * DISCARD_FACTOR + DISCARD_MORE_BYTES;
    exchange->body_bytes += *upload_bytes;
    if (exchange->body_bytes > most)
        return MHD_NO;
    if (exchange->body_bytes > exchange->body_limit) {
        buffer_release(&exchange->body);
    } else if (!exchange->is_refused &&
               buffer_append(&exchange->body, upload, *upload_bytes) != STATUS_OK) {
        return MHD_NO;
    }
    *upload_bytes = 0;
    return MHD_YES;
}

/* What the handler could not do, where its caller is told no more than that. */
static void record_failure(const struct server_exchange *exchange)
{
    const struct response *response = &exchange->response;
    char status[16];
    if (!exchange->is_traced || response->status < 500)
        return;
    (void)snprintf(status, sizeof status, "%u", response->status);
    log_record_exception(
        &tracer, exchange->trace.span,
        &(struct log_exception){
            .type = text_of(response->error.code[0] ? response->error.code : status),
            .message = text_of(response->error.message)});
}

static enum MHD_Result run(struct server_exchange *exchange)
{
    struct request *request = &exchange->request;
    struct response *response = &exchange->response;
    reaper_working(exchange->server->reaper, exchange->fd);
    if (exchange->body_bytes > exchange->body_limit)
        refuse_too_large(exchange);
    if (exchange->is_refused)
        return answer(exchange);
    request->body = (struct text){buffer_text(&exchange->body), exchange->body.length_bytes};
    if (request->route->wants_raw_body || request_parse_json(request, response))
        request->route->handle(request, response);
    record_failure(exchange);
    return answer(exchange);
}

/* The library's signature. NOLINTNEXTLINE(readability-function-size) */
enum MHD_Result server_exchange_step(void *closure, struct MHD_Connection *connection,
                                     const char *path, const char *method, const char *version,
                                     const char *upload, size_t *upload_bytes, void **context)
{
    struct server_exchange *exchange = *context;
    (void)closure, (void)connection;
    if (exchange == NULL)
        return MHD_NO; /* no memory at its first line */
    if (!exchange->counted)
        return begin_request(exchange, path, method, version);
    if (exchange->is_answered)
        return MHD_YES;
    if (*upload_bytes > 0)
        return take_body(exchange, upload, upload_bytes);
    return run(exchange);
}

/* ---- end */

static void count_out(struct server *server)
{
    pthread_mutex_lock(&server->mutex);
    assert(server->in_flight > 0);
    server->in_flight--;
    if (server->in_flight == 0)
        pthread_cond_broadcast(&server->settled);
    pthread_mutex_unlock(&server->mutex);
}

void server_exchange_end(void *closure, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode why)
{
    struct server *server = closure;
    struct server_exchange *exchange = *context;
    (void)connection;
    if (exchange == NULL)
        return;
    *context = NULL;
    bool is_late = why == MHD_REQUEST_TERMINATED_TIMEOUT_REACHED ||
                   reaper_was_late(server->reaper, exchange->fd);
    if (!exchange->is_answered && is_late)
        server_metrics_refuse(&server->metrics, SERVER_REFUSED_LATE);
    end_span(exchange, 0, is_late ? "timeout" : "connection_closed");
    reaper_idle(server->reaper, exchange->fd);
    request_release_parameters(&exchange->parameters);
    buffer_release(&exchange->body);
    free(exchange->response.body);
    free(exchange->path);
    if (exchange->counted)
        count_out(server);
    free(exchange);
}
