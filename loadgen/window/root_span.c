#include "loadgen/window/root_span.h"

#include <stdio.h>

#include "base/clock.h"

static const struct tracer tracer = {.name = "culprit.loadgen"};

/* error.type of a request without a right answer. An answer with an error status has the status
 * itself; that the caller called it off is no error. */
static const char *const error_types[LOAD_OUTCOME_COUNT] = {
    [LOAD_BODY] = "invalid_response",     [LOAD_CONNECT] = "connection_refused",
    [LOAD_CLOSED] = "connection_closed",  [LOAD_TIMEOUT] = "timeout",
    [LOAD_PROTOCOL] = "invalid_response",
};

enum { QUEUE_SPANS = 32768, DELAY_MS = 200 };

enum status root_span_tracing(const char *otlp, struct error *error)
{
    struct tracing_config config;
    tracing_config_from_environment(&config, "loadgen");
    text_copy(text_of("loadgen"), config.service_name, sizeof(config.service_name));
    (void)snprintf(config.otlp.endpoint, sizeof(config.otlp.endpoint), "%s/v1/traces", otlp);
    config.disabled = false;
    config.exporters |= TRACING_EXPORT_OTLP;
    config.batch.delay_ms = DELAY_MS;
    if (config.batch.queue_count < QUEUE_SPANS)
        config.batch.queue_count = QUEUE_SPANS;
    return tracing_start(&config, error);
}

static struct attribute text_attribute(const char *key, const char *value)
{
    return (struct attribute){.key = text_of(key), .type = ATTRIBUTE_TEXT, .text = text_of(value)};
}

static struct attribute i64_attribute(const char *key, int64_t value)
{
    return (struct attribute){.key = text_of(key), .type = ATTRIBUTE_I64, .i64 = value};
}

void root_span_begin(struct root_span *root, const struct flow *flow,
                     const struct flow_shape *shape, const struct origin *origin,
                     char headers[ROOT_SPAN_HEADERS_MAX])
{
    char path[FLOW_PATH_MAX], full[FLOW_PATH_MAX + sizeof("http://" FLOW_HOST)];
    flow_path(flow, shape, path);
    (void)snprintf(full, sizeof(full), "http://" FLOW_HOST "%s", path);
    *root = (struct root_span){.start_mono_ns = clock_mono_ns(), .start_wall_ns = clock_wall_ns()};
    const struct attribute attributes[] = {
        text_attribute("http.request.method", flow_method(flow)),
        text_attribute("url.full", full),
        text_attribute("url.template", flow_template(flow)),
        text_attribute("server.address", FLOW_HOST),
        i64_attribute("server.port", FLOW_PORT),
        text_attribute("network.peer.address", origin->peer),
        i64_attribute("network.peer.port", origin->port),
    };
    const struct span_options options = {
        .kind = SPAN_CLIENT,
        .root = true,
        .start_wall_ns = root->start_wall_ns,
        .attributes = attributes,
        .attribute_count = sizeof(attributes) / sizeof(attributes[0]),
    };
    root->span = span_start(&tracer, flow_span_name(flow), &options);
    struct span_context context = span_context_of(root->span);
    headers[0] = '\0';
    if (!span_context_is_valid(&context))
        return;
    root->trace_id = context.trace_id;
    root->sampled = span_context_is_sampled(&context);
    struct carrier_lines lines = {headers, ROOT_SPAN_HEADERS_MAX};
    struct carrier_sink sink = carrier_lines_sink(&lines);
    propagation_inject(&context, NULL, &sink);
}

static void set_answer(struct span *span, unsigned http_status)
{
    char code[16];
    (void)snprintf(code, sizeof(code), "%u", http_status);
    span_set_i64(span, SPAN_KEY("http.response.status_code"), http_status);
    if (http_status < 400)
        return;
    span_set_text(span, SPAN_KEY("error.type"), text_of(code));
    span_set_status(span, SPAN_ERROR, (struct text){0});
}

void root_span_end(struct root_span *root, enum load_outcome outcome, unsigned http_status,
                   uint64_t done_ns)
{
    if (root->span == NULL)
        return;
    uint64_t elapsed_ns = done_ns > root->start_mono_ns ? done_ns - root->start_mono_ns : 0;
    root->end_wall_ns = root->start_wall_ns + elapsed_ns;
    if (http_status != 0)
        set_answer(root->span, http_status);
    if (error_types[outcome] != NULL) {
        span_set_text(root->span, SPAN_KEY("error.type"), text_of(error_types[outcome]));
        span_set_status(root->span, SPAN_ERROR, text_of(load_outcome_words(outcome)));
    }
    span_end_at(root->span, root->end_wall_ns);
    root->span = NULL;
}
