/* collector: the embedded trace backend. OTLP (spans, log records) comes in on one port, questions
 * on another. */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/server.h"
#include "services/collector/analysis.h"
#include "services/collector/assets.h"
#include "services/collector/collector.h"
#include "services/collector/health.h"
#include "services/collector/ingest.h"
#include "services/collector/options.h"
#include "services/collector/page.h"
#include "services/collector/probe.h"
#include "services/collector/query_absent.h"
#include "services/collector/query_legacy.h"
#include "services/collector/query_logs.h"
#include "services/collector/query_transform.h"
#include "services/collector/query_v3.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
    EXIT_ENVIRONMENT = 1,
    EXIT_USAGE = 2,
    DRAIN_S = 10,
    INGEST_CONNECTIONS = 256,
    QUERY_CONNECTIONS = 128,
    /* Room above the limit, so that what is a little too large is answered in its own encoding. */
    INGEST_ROUTE_MAX = INGEST_BODY_MAX + 4 * 1024 * 1024,
    INGEST_RECEIVE_MS = 30000,
    INGEST_STACK = 1024 * 1024, /* values nest up to 64 deep */
    QUERY_WORK_MS = 30000,
    MMAP_THRESHOLD = 256 * 1024,
};

struct main_state {
    struct collector collector;
    struct server *ingest, *query;
};

static void livez(struct request *request, struct response *response)
{
    (void)request;
    response_json(response, 200, json_pack("{s:s}", "status", "alive"));
}

/* The server itself answers 503 from the drain on. */
static void readyz(struct request *request, struct response *response)
{
    (void)request;
    response_json(response, 200, json_pack("{s:s}", "status", "ready"));
}

#define PROBES                                                                                     \
    {.method = "GET", .path = "/livez", .handle = livez, .untraced = true},                        \
        {.method = "GET", .path = "/readyz", .handle = readyz, .untraced = true},                  \
    {                                                                                              \
        .method = "GET", .path = "/metrics", .handle = page_metrics, .untraced = true              \
    }

static const struct server_route ingest_routes[] = {
    {.method = "POST",
     .path = "/v1/traces",
     .handle = ingest_traces,
     .max_body_bytes = INGEST_ROUTE_MAX,
     .untraced = true,
     .wants_raw_body = true},
    {.method = "POST",
     .path = "/v1/logs",
     .handle = ingest_logs,
     .max_body_bytes = INGEST_ROUTE_MAX,
     .untraced = true,
     .wants_raw_body = true},
    PROBES,
};

#define GET(route_path, handler)                                                                   \
    {                                                                                              \
        .method = "GET", .path = (route_path), .handle = (handler), .untraced = true               \
    }

static const struct server_route query_routes[] = {
    GET("/", assets_index),
    GET("/search", assets_index),
    GET("/trace/{trace_id}", assets_index),
    GET("/findings", assets_index),
    GET("/map", assets_index),
    GET("/flame", assets_index),
    GET("/compare", assets_index),
    GET("/assets/{file}", assets_file),
    GET("/favicon.ico", assets_favicon),
    GET("/api/culprit/findings", analysis_findings),
    GET("/api/culprit/graph", analysis_graph),
    GET("/api/culprit/logs", query_logs),
    GET("/api/culprit/health", health_handle),
    GET("/api/culprit/status", page_status),
    GET("/api/v3/services", query_v3_services),
    GET("/api/v3/operations", query_v3_operations),
    GET("/api/v3/traces", query_v3_traces),
    GET("/api/v3/traces/{trace_id}", query_v3_trace),
    GET("/api/v3/trace-summaries", query_v3_summaries),
    GET("/api/v3/dependencies", query_v3_dependencies),
    GET("/api/services", query_legacy_services),
    GET("/api/services/{service}/operations", query_legacy_service_operations),
    GET("/api/operations", query_legacy_operations),
    GET("/api/traces", query_legacy_traces),
    GET("/api/traces/{trace_id}", query_legacy_trace),
    GET("/api/dependencies", query_legacy_dependencies),
    GET("/api/metrics/{kind}", query_absent_metrics),
    GET("/api/quality-metrics", query_absent_metrics),
    {.method = "POST",
     .path = "/api/archive/{trace_id}",
     .handle = query_absent_archive,
     .untraced = true,
     .wants_raw_body = true},
    {.method = "POST",
     .path = "/api/transform",
     .handle = query_transform,
     .max_body_bytes = QUERY_TRANSFORM_BODY_MAX,
     .untraced = true,
     .wants_raw_body = true},
    PROBES,
};

static enum status start_servers(struct main_state *state, struct options *options,
                                 struct error *error)
{
    struct server_config ingest = {
        .service = "collector",
        .routes = ingest_routes,
        .route_count = COUNT(ingest_routes),
        .context = &state->collector,
        .connection_limit = INGEST_CONNECTIONS,
        .receive_timeout_ms = INGEST_RECEIVE_MS,
        .thread_stack_bytes = INGEST_STACK,
        .allowed_hosts = options->allowed_hosts,
    };
    struct server_config query = ingest;
    query.routes = query_routes;
    query.route_count = COUNT(query_routes);
    query.connection_limit = QUERY_CONNECTIONS;
    query.receive_timeout_ms = 0;
    query.work_timeout_ms = QUERY_WORK_MS;
    enum status status = STATUS_OK;
    if (options->listen_fd < 0 && !options->no_ingest)
        status = server_listen(options->listen, &options->listen_fd, error);
    if (status == STATUS_OK && options->query_fd < 0)
        status = server_listen(options->query, &options->query_fd, error);
    ingest.listen_fd = options->listen_fd;
    query.listen_fd = options->query_fd;
    if (status == STATUS_OK)
        status = server_new(&state->query, &query, error);
    if (status == STATUS_OK && !options->no_ingest)
        status = server_new(&state->ingest, &ingest, error);
    atomic_store(&state->collector.servers[0], state->query);
    atomic_store(&state->collector.servers[1], state->ingest);
    return status;
}

/* New spans stop first; then what was taken is written; questions are answered until then. */
static void stop(struct main_state *state)
{
    const uint64_t deadline_ns = clock_mono_ns() + DRAIN_S * NS_PER_S;
    if (state->ingest && server_drain(state->ingest, deadline_ns) != STATUS_OK)
        log_event(LOG_WARN, LOG_NO_IDS, "some senders were cut off", LOG_I64("after_s", DRAIN_S));
    if (state->query)
        (void)server_drain(state->query, deadline_ns);
    server_free(state->query);
    server_free(state->ingest); /* the other one's figures are of both */
    collector_release(&state->collector);
}

static void report_ready(const struct main_state *state, const struct options *options)
{
    log_event(LOG_INFO, LOG_NO_IDS, "ready",
              LOG_I64("otlp_port", state->ingest ? server_port(state->ingest) : 0),
              LOG_I64("query_port", server_port(state->query)), LOG_TEXT("store", options->store));
}

static int run(struct options *options, const sigset_t *signals)
{
    static struct main_state state; /* holds a histogram: too big for a stack */
    const struct collector_config config = {
        .store = {options->store, options->max_bytes, options->sync, options->no_ingest},
        .max_memory_bytes = options->max_memory_bytes,
        .settle_ns = options->settle_ms * NS_PER_MS,
        .endpoints = options->endpoints,
    };
    struct error error = {{0}};
    enum status status = collector_init(&state.collector, &config, &error);
    if (status == STATUS_OK)
        status = start_servers(&state, options, &error);
    if (status == STATUS_OK) {
        int signal_number;
        report_ready(&state, options);
        sigwait(signals, &signal_number);
        log_event(LOG_INFO, LOG_NO_IDS, "stopping", LOG_I64("signal", signal_number));
    } else {
        fprintf(stderr, "collector: %s\n", error.text);
    }
    stop(&state);
    return status == STATUS_OK ? EXIT_SUCCESS : EXIT_ENVIRONMENT;
}

/* Threads take signals from main, so this comes before the first of them. */
static void block_signals(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, signals, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* Spans are allocated on many threads and freed on one: few arenas, and large pieces by mmap, so
 * that memory goes back. */
static void bound_malloc(void)
{
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD);
    mallopt(M_TRIM_THRESHOLD, MMAP_THRESHOLD);
}

int main(int argc, char **argv)
{
    struct options options;
    struct error error = {{0}};
    sigset_t signals;
    const enum status status = options_read(&options, argc, argv, &error);
    if (status == STATUS_END)
        return EXIT_SUCCESS;
    if (status != STATUS_OK) {
        fprintf(stderr, "collector: %s\ncollector --help says more\n", error.text);
        return EXIT_USAGE;
    }
    if (options.check) {
        if (probe_ready(options.query, &error) == STATUS_OK)
            return EXIT_SUCCESS;
        fprintf(stderr, "collector: %s\n", error.text);
        return EXIT_ENVIRONMENT;
    }
    bound_malloc();
    log_start("collector", log_level_of(getenv("CULPRIT_LOG_LEVEL"), LOG_INFO));
    block_signals(&signals);
    return run(&options, &signals);
}
