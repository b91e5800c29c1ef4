#include "http/service_control.h"

#include <string.h>

#include "base/buffer.h"
#include "http/faults.h"
#include "http/server_inner.h"
#include "http/service_metrics.h"

enum { METRICS_MAX = 1 << 20, FAULTS_BODY_MAX = 64 * 1024 };

/* ---- health */

static void livez(struct request *request, struct response *response)
{
    (void)request;
    response_json(response, 200, json_pack("{s:s}", "status", "alive"));
}

static void readyz(struct request *request, struct response *response)
{
    struct service_control *control = request->context;
    if (!atomic_load(&control->is_ready)) {
        response_error(response, 503, "not_ready", "starting or stopping");
        return;
    }
    response_json(response, 200, json_pack("{s:s}", "status", "ready"));
}

/* ---- metrics */

static void metrics(struct request *request, struct response *response)
{
    struct service_control *control = request->context;
    struct buffer text;
    buffer_init(&text, METRICS_MAX);
    service_metrics_write(control, &text);
    if (text.failed != STATUS_OK) {
        buffer_release(&text);
        response_error(response, 500, "too_large", "the metrics do not fit");
        return;
    }
    size_t length = 0;
    uint8_t *bytes = buffer_take(&text, &length);
    response_bytes(response, 200, "text/plain; version=0.0.4; charset=utf-8", bytes, length);
}

/* ---- faults */

/* Takes as long for a wrong token as for the right one. */
static bool same_secret(const char *given, const char *wanted)
{
    size_t given_length = strlen(given), wanted_length = strlen(wanted);
    unsigned difference = given_length != wanted_length;
    for (size_t i = 0; i < wanted_length; i++) {
        unsigned char byte = (unsigned char)(i < given_length ? given[i] : '\0');
        difference |= byte ^ (unsigned char)wanted[i];
    }
    return difference == 0;
}

static bool has_token(const struct request *request, const char *token)
{
    static const char scheme[] = "Bearer ";
    const char *value = request_header(request, "Authorization");
    size_t length = sizeof scheme - 1;
    return token && token[0] && value &&
           text_equal_ignore_case((struct text){value, strnlen(value, length)},
                                  TEXT_LITERAL("Bearer ")) &&
           same_secret(value + length, token);
}

/* A page of a foreign site sends its Origin; a tool sends none. */
static bool origin_is_ours(const struct request *request, const struct guard_hosts *hosts)
{
    const char *origin = request_header(request, "Origin");
    const char *site = request_header(request, "Sec-Fetch-Site");
    if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0) {
        return false;
    }
    if (!origin) {
        return true;
    }
    struct text text = text_of(origin);
    if (!text_starts_with(text, "http://")) {
        return false;
    }
    const size_t scheme = strlen("http://");
    return guard_host_is_ours((struct text){text.data + scheme, text.length - scheme}, hosts);
}

static bool may_control(const struct request *request, struct response *response)
{
    const struct service_control *control = request->context;
    if (!origin_is_ours(request, &control->hosts)) {
        response_error(response, 403, "foreign_origin", "other sites may not ask this");
        return false;
    }
    if (request_is_from_loopback(request) || has_token(request, control->token)) {
        return true;
    }
    if (request_header(request, "Authorization")) {
        response_error(response, 403, "forbidden", "this token may not");
        return false;
    }
    response_error(response, 401, "unauthorized", "from afar the control token is needed");
    response_header(response, "WWW-Authenticate", "Bearer");
    return false;
}

static void get_faults(struct request *request, struct response *response)
{
    struct service_control *control = request->context;
    if (may_control(request, response)) {
        response_json(response, 200, faults_describe(control->faults));
    }
}

static void put_faults(struct request *request, struct response *response)
{
    struct service_control *control = request->context;
    struct error error = {0};
    if (!may_control(request, response)) {
        return;
    }
    json_t *document = request_json(request);
    if (!document) {
        response_error(response, 400, "bad_request", "a JSON object is expected in the body");
        return;
    }
    if (faults_replace(control->faults, document, &error) != STATUS_OK) {
        response_error(response, 400, "invalid", "%s", error.text);
        return;
    }
    response_json(response, 200, faults_describe(control->faults));
}

const struct server_route service_control_routes[] = {
    {.method = "GET", .path = "/livez", .handle = livez, .untraced = true},
    {.method = "GET", .path = "/readyz", .handle = readyz, .untraced = true},
    {.method = "GET", .path = "/metrics", .handle = metrics, .untraced = true},
    {.method = "GET", .path = "/-/faults", .handle = get_faults, .untraced = true},
    {.method = "PUT",
     .path = "/-/faults",
     .handle = put_faults,
     .max_body_bytes = FAULTS_BODY_MAX,
     .untraced = true},
};

const size_t service_control_route_count =
    sizeof service_control_routes / sizeof *service_control_routes;
