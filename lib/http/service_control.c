#include "http/service_control.h"

#include <string.h>

#include "base/buffer.h"
#include "http/faults.h"
#include "http/server_inner.h"
#include "http/service_metrics.h"

enum { METRICS_MAX_BYTES = 4 << 20, FAULTS_BODY_MAX_BYTES = 64 * 1024 };

/* ---- health */

static void livez(struct request *request, struct response *response)
{
    (void)request;
    response_json(response, 200, json_pack("{s:s}", "status", "alive"));
}

static void readyz(struct request *request, struct response *response)
{
    struct service_control *control = request->context;
    if (atomic_load(&control->is_ready))
        response_json(response, 200, json_pack("{s:s}", "status", "ready"));
    else
        response_error(response, 503, "not_ready", "starting or stopping");
}

/* ---- metrics */

static void metrics(struct request *request, struct response *response)
{
    struct buffer out;
    size_t length = 0;
    struct metrics_text text = {&out, metrics_text_wants_open(request_header(request, "Accept"))};
    buffer_init(&out, METRICS_MAX_BYTES);
    service_metrics_write(request->context, &text);
    if (out.failed != STATUS_OK) {
        buffer_release(&out);
        response_error(response, 500, "internal", "no memory for the figures");
        return;
    }
    uint8_t *bytes = buffer_take(&out, &length);
    response_bytes(response, 200, metrics_text_content_type(text.is_open), bytes, length);
}

/* ---- faults */

/* A page of a foreign site, which sends its Origin, can make a browser on this machine ask from
 * loopback; a tool sends none. */
static bool has_own_origin(const struct request *request)
{
    static const char scheme[] = "http://";
    const char *origin = request_header(request, "Origin");
    const char *site = request_header(request, "Sec-Fetch-Site");
    const char *host = request_header(request, "Host");
    if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
        return false;
    if (origin == NULL)
        return true;
    return host && strncmp(origin, scheme, strlen(scheme)) == 0 &&
           text_equal_ignore_case(text_of(origin + strlen(scheme)), text_of(host));
}

/* false: answered. */
static bool may_control(const struct request *request, struct response *response)
{
    const struct service_control *control = request->context;
    if (!has_own_origin(request)) {
        response_error(response, 403, "foreign_origin", "pages of other sites may not ask this");
        return false;
    }
    if (request_is_from_loopback(request) || request_has_bearer(request, control->token))
        return true;
    response_error(response, 403, "forbidden", "from afar the control token is needed");
    return false;
}

static void get_faults(struct request *request, struct response *response)
{
    const struct service_control *control = request->context;
    if (may_control(request, response))
        response_json(response, 200, faults_describe(control->parts->faults));
}

static void put_faults(struct request *request, struct response *response)
{
    const struct service_control *control = request->context;
    struct error error = {""};
    if (!may_control(request, response))
        return;
    if (request_json(request) == NULL)
        response_error(response, 400, "malformed_json", "an object is needed");
    else if (faults_replace(control->parts->faults, request_json(request), &error) != STATUS_OK)
        response_error(response, 422, "invalid", "%s", error.text);
    else
        response_json(response, 200, faults_describe(control->parts->faults));
}

const struct server_route service_control_routes[] = {
    {.method = "GET", .path = "/livez", .handle = livez, .untraced = true},
    {.method = "GET", .path = "/readyz", .handle = readyz, .untraced = true},
    {.method = "GET", .path = "/metrics", .handle = metrics, .untraced = true},
    {.method = "GET", .path = "/-/faults", .handle = get_faults, .untraced = true},
    {.method = "PUT",
     .path = "/-/faults",
     .handle = put_faults,
     .max_body_bytes = FAULTS_BODY_MAX_BYTES,
     .untraced = true},
};

const size_t service_control_route_count =
    sizeof service_control_routes / sizeof service_control_routes[0];
