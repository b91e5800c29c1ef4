#include "http/service.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/service_inner.h"
#include "http/w3c_test_route.h"
#include "trace/adapters/curl_transport.h"
#include "trace/log_bridge.h"
#include "trace/log_provider.h"

enum { DRAIN_MS = 10000, FLUSH_MS = 5000, FLUSH_LOGS_MS = 250 };

void service_work(const struct service_parts *parts, uint64_t timeout_ms, struct work *work)
{
    *work = (struct work){.parts = parts, .deadline_ns = clock_mono_ns() + timeout_ms * NS_PER_MS};
    if (parts->faults)
        faults_snapshot(parts->faults, &work->faults);
}

/* The service's own handlers rest on what its start function makes: until then they are not asked.
 */
static void gate(struct request *request, struct response *response)
{
    struct service_state *state = request->context; /* the control is its first member */
    if (atomic_load(&state->started)) {
        state->service->routes[request->route - state->routes].handle(request, response);
        return;
    }
    response_header(response, "Retry-After", "1");
    response_error(response, 503, "starting", "this service is starting");
}

/* ---- start */

static void prepare_process(sigset_t *signals)
{
    struct rlimit files;
    mallopt(M_ARENA_MAX, 2);
    /* sqlite takes and frees 64 KiB with each savepoint: the pages stay, and are not faulted in
     * anew. */
    mallopt(M_TRIM_THRESHOLD, 1024 * 1024);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    /* Threads inherit it: only sigwait() below takes them. */
    pthread_sigmask(SIG_BLOCK, signals, NULL);
}

static const char *setting(const char *name)
{
    const char *value = getenv(name);
    return value && value[0] ? value : NULL;
}

/* Lines leave as records too where OTEL_LOGS_EXPORTER says so, from CULPRIT_LOG_RECORD_LEVEL on. */
static enum status start_logs(const struct tracing_config *config, struct error *error)
{
    const enum log_level level = log_level_of(setting("CULPRIT_LOG_LEVEL"), LOG_INFO);
    enum status status = log_provider_start(config, error);
    if (status == STATUS_OK && config->log_exporters != 0)
        log_bridge_start(log_level_of(setting("CULPRIT_LOG_RECORD_LEVEL"), level));
    return status;
}

static enum status start_tracing(struct service_state *state, struct error *error)
{
    struct tracing_config config;
    if (state->service->untraced)
        return STATUS_OK;
    curl_transport_register();
    tracing_config_from_environment(&config, state->service->name);
    /* Where lines go as records, an exception is one of them, beside the event on its span. No
     * other thread is there yet to look at the environment. */
    if (config.log_exporters != 0)
        setenv("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", "logs/dup", 0);
    enum status status = tracing_start(&config, error);
    state->is_tracing = status == STATUS_OK;
    return status == STATUS_OK ? start_logs(&config, error) : status;
}

static enum status open_queue(struct service_state *state, struct error *error)
{
    char url[SERVICE_PATH_MAX + 32];
    const char *given = setting("QUEUE_URL");
    if (!state->service->uses_queue && !state->service->topic)
        return STATUS_OK;
    snprintf(url, sizeof url, "sqlite:%s/queue.db", state->options.data);
    return queue_new(&state->parts.queue, given ? given : url, error);
}

static enum status open_parts(struct service_state *state, struct error *error)
{
    const struct service *service = state->service;
    struct service_parts *parts = &state->parts;
    parts->service = service->name;
    parts->directory = state->options.data;
    enum status status = faults_new(&parts->faults, service->name, service->faults,
                                    service->fault_count, service->schema != NULL, error);
    if (status == STATUS_OK)
        status = client_new(&parts->client, &state->topology, setting("CULPRIT_ENDPOINTS"), error);
    if (status == STATUS_OK && service->schema)
        status = db_new(&parts->db, state->options.data, service->name, service->schema, error);
    return status == STATUS_OK ? open_queue(state, error) : status;
}

static enum status build_routes(struct service_state *state, struct error *error)
{
    const struct service *service = state->service;
    size_t count = service->route_count;
    state->routes = calloc(count + service_control_route_count + 1, sizeof *state->routes);
    if (state->routes == NULL)
        return error_set(error, STATUS_NO_MEMORY, "out of memory");
    if (count > 0)
        memcpy(state->routes, service->routes, count * sizeof *state->routes);
    for (size_t i = 0; i < count; i++)
        state->routes[i].handle = gate;
    memcpy(state->routes + count, service_control_routes,
           service_control_route_count * sizeof *state->routes);
    state->route_count = count + service_control_route_count;
    if (state->options.w3c_test)
        state->routes[state->route_count++] = w3c_test_route;
    return STATUS_OK;
}

static void fill_control(struct service_state *state)
{
    struct service_control *control = &state->control;
    control->topic = state->service->topic;
    control->token = setting("CULPRIT_CONTROL_TOKEN");
    control->parts = &state->parts;
    control->start_wall_ns = clock_wall_ns();
}

static enum status open_server(struct service_state *state, struct error *error)
{
    const struct service *service = state->service;
    struct server *server = NULL;
    int fd = state->options.listen_fd;
    enum status status = build_routes(state, error);
    if (status != STATUS_OK)
        return status;
    fill_control(state);
    state->options.listen_fd = -1; /* the server's, whether it starts or not */
    struct server_config config = {.service = service->name,
                                   .listen_fd = fd,
                                   .routes = state->routes,
                                   .route_count = state->route_count,
                                   .parts = &state->parts,
                                   .faults = state->parts.faults,
                                   .context = &state->control,
                                   .allowed_hosts = state->allowed_hosts,
                                   .traced = !service->untraced};
    status = server_new(&server, &config, error);
    atomic_store(&state->control.server, server);
    return status;
}

static enum status start_consuming(struct service_state *state, struct error *error)
{
    const struct service *service = state->service;
    struct queue_consumer_config config = {.topic = service->topic,
                                           .handle = service->consume,
                                           .parts = &state->parts,
                                           .faults = state->parts.faults};
    if (service->topic == NULL)
        return STATUS_OK;
    return queue_consume(state->parts.queue, &config, &state->consumers, error);
}

static enum status start(struct service_state *state, struct error *error)
{
    const struct service *service = state->service;
    enum status status = STATUS_OK;
    if (state->options.listen_fd < 0)
        status = server_listen(state->options.listen, &state->options.listen_fd, error);
    if (status == STATUS_OK)
        status = start_tracing(state, error);
    if (status == STATUS_OK)
        status = open_parts(state, error);
    if (status == STATUS_OK)
        status = open_server(state, error);
    state->was_begun = status == STATUS_OK;
    if (status == STATUS_OK && service->start)
        status = service->start(&state->parts, error);
    atomic_store(&state->started, status == STATUS_OK);
    if (status == STATUS_OK)
        status = start_consuming(state, error);
    atomic_store(&state->control.is_ready, status == STATUS_OK);
    return status;
}

/* ---- stop */

/* Spans before lines, and both soon enough for whoever waits for the process to end. */
static void send_the_rest(const struct service_state *state)
{
    const uint64_t deadline_ns = clock_mono_ns() + FLUSH_MS * NS_PER_MS;
    if (state->is_tracing && tracing_shutdown(deadline_ns) != STATUS_OK)
        log_event(LOG_WARN, LOG_NO_IDS, "not all spans could be sent at the end",
                  LOG_I64("count", (int64_t)tracing_stats().dropped_export_failed));
    log_bridge_stop();
    const uint64_t least_ns = clock_mono_ns() + FLUSH_LOGS_MS * NS_PER_MS;
    if (log_provider_shutdown(least_ns > deadline_ns ? least_ns : deadline_ns) != STATUS_OK)
        log_event(LOG_WARN, LOG_NO_IDS, "not all log records could be sent at the end",
                  LOG_I64("count", (int64_t)log_provider_stats().dropped_export_failed));
}

/* Front to back: nothing new comes in, what is in hand ends, then the parts go. What tells of
 * all of it is sent last. */
static void stop(struct service_state *state)
{
    struct service_parts *parts = &state->parts;
    struct server *server = atomic_load(&state->control.server);
    atomic_store(&state->control.is_ready, false);
    if (server && server_drain(server, clock_mono_ns() + DRAIN_MS * NS_PER_MS) != STATUS_OK)
        log_event(LOG_WARN, LOG_NO_IDS, "requests were still in flight at the end",
                  LOG_I64("count", (int64_t)server_stats(server).in_flight));
    queue_consumers_stop(state->consumers);
    server_free(server);
    if (state->service->stop && state->was_begun)
        state->service->stop(parts);
    queue_free(parts->queue);
    db_free(parts->db);
    client_free(parts->client);
    send_the_rest(state);
    faults_free(parts->faults);
    free(state->routes);
    topology_release(&state->topology);
    if (state->options.listen_fd >= 0)
        close(state->options.listen_fd);
}

static int run(struct service_state *state, const sigset_t *signals)
{
    struct error error = {""};
    int signal_number = 0;
    enum status status = start(state, &error);
    if (status == STATUS_OK) {
        log_event(LOG_INFO, LOG_NO_IDS, "ready",
                  LOG_I64("port", server_port(atomic_load(&state->control.server))));
        while (sigwait(signals, &signal_number) != 0)
            continue;
        log_event(LOG_INFO, LOG_NO_IDS, "stopping",
                  LOG_TEXT("signal", signal_number == SIGINT ? "SIGINT" : "SIGTERM"));
    } else {
        log_event(LOG_ERROR, LOG_NO_IDS, error.text[0] ? error.text : "could not start",
                  LOG_TEXT("status", status_words(status)));
    }
    stop(state);
    return status == STATUS_OK ? 0 : 1;
}

static int usage(const struct service *service, const struct error *error)
{
    fprintf(stderr, "%s: %s\n", service->name, error->text);
    return 2;
}

int service_main(const struct service *service, int argc, char **argv)
{
    struct service_state state = {.service = service,
                                  .allowed_hosts = setting("CULPRIT_ALLOWED_HOSTS"),
                                  .options.listen_fd = -1};
    struct error error = {""};
    sigset_t signals;
    log_start(service->name, log_level_of(getenv("CULPRIT_LOG_LEVEL"), LOG_INFO));
    if (topology_load(&state.topology, &error) != STATUS_OK)
        return usage(service, &error);
    const struct topology_service *row = topology_find(&state.topology, service->name);
    enum status status = service_options_read(&state.options, service->name, row ? row->port : 0,
                                              argc, argv, &error);
    if (status == STATUS_OK && state.options.w3c_test && service->untraced)
        status = error_set(&error, STATUS_INVALID, "--w3c-test: a partner traces nothing");
    if (status != STATUS_OK || state.options.done || state.options.check) {
        int result = status != STATUS_OK ? usage(service, &error) : 0;
        if (status == STATUS_OK && state.options.check)
            result = service_check(state.options.listen);
        topology_release(&state.topology);
        return result;
    }
    prepare_process(&signals);
    return run(&state, &signals);
}
