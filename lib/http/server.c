#include "http/server.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/server_inner.h"

/* The sanitizers make frames several times as large. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { STACK_BYTES = 1024 * 1024 };
#else
enum { STACK_BYTES = 256 * 1024 };
#endif

enum {
    BODY_BYTES = 1024 * 1024,
    /* Above it the library resets who comes: twice as many as a busy moment of two callers needs,
     * as each keeps a connection for every call that it had in flight. */
    CONNECTION_LIMIT = 1024,
    IDLE_S = 30,
    RECEIVE_MS = 10000,
    WORK_MS = 10000,
    LINGER_MS = 200,
    SERVERS_MAX = 8, /* of one process */
};

static struct server_config with_defaults(const struct server_config *config)
{
    struct server_config full = *config;
    full.max_body_bytes = full.max_body_bytes ? full.max_body_bytes : BODY_BYTES;
    full.connection_limit = full.connection_limit ? full.connection_limit : CONNECTION_LIMIT;
    full.idle_timeout_s = full.idle_timeout_s ? full.idle_timeout_s : IDLE_S;
    full.receive_timeout_ms = full.receive_timeout_ms ? full.receive_timeout_ms : RECEIVE_MS;
    full.work_timeout_ms = full.work_timeout_ms ? full.work_timeout_ms : WORK_MS;
    full.thread_stack_bytes = full.thread_stack_bytes ? full.thread_stack_bytes : STACK_BYTES;
    return full;
}

static void on_connection(void *closure, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct server *server = closure;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    (void)context;
    if (info == NULL)
        return;
    bool is_new = code == MHD_CONNECTION_NOTIFY_STARTED;
    if (is_new)
        reaper_opened(server->reaper, info->connect_fd);
    else
        reaper_closed(server->reaper, info->connect_fd);
    pthread_mutex_lock(&server->mutex);
    server->connections += is_new ? 1 : (size_t)-1;
    if (server->connections == 0)
        pthread_cond_broadcast(&server->settled);
    pthread_mutex_unlock(&server->mutex);
}

static struct MHD_Daemon *start_daemon(struct server *server)
{
    const struct server_config *config = &server->config;
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_LISTEN_SOCKET, config->listen_fd, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)config->connection_limit, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)config->idle_timeout_s, NULL},
        /* A missing Host is for the guard: the library sends the head of its refusals twice. */
        {MHD_OPTION_STRICT_FOR_CLIENT, 0, NULL},
        {MHD_OPTION_THREAD_STACK_SIZE, (intptr_t)config->thread_stack_bytes, NULL},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)server_exchange_begin, server},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)server_exchange_end, server},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, server},
        {MHD_OPTION_END, 0, NULL},
    };
    return MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
                                MHD_USE_POLL | MHD_USE_ITC,
                            0, NULL, NULL, server_exchange_step, server, MHD_OPTION_ARRAY, options,
                            MHD_OPTION_END);
}

static uint16_t port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } address = {0};
    socklen_t size = sizeof address;
    if (getsockname(fd, &address.any, &size) != 0)
        return 0;
    return ntohs(address.any.sa_family == AF_INET6 ? address.in6.sin6_port : address.in.sin_port);
}

static void init_locks(struct server *server)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&server->settled, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&server->mutex, NULL);
    server_metrics_init(&server->metrics);
}

enum status server_new(struct server **out, const struct server_config *config, struct error *error)
{
    struct server *server = calloc(1, sizeof *server);
    *out = NULL;
    if (server == NULL) {
        close(config->listen_fd);
        return error_set(error, STATUS_NO_MEMORY, "%s: out of memory", config->service);
    }
    server->config = with_defaults(config);
    server->listen_fd = config->listen_fd;
    server->port = port_of(config->listen_fd);
    init_locks(server);
    struct reaper_config waits = {server->config.receive_timeout_ms,
                                  server->config.idle_timeout_s * 1000,
                                  server->config.connection_limit / 4 * 3};
    enum status status = reaper_new(&server->reaper, &waits);
    if (status == STATUS_OK)
        server->daemon = start_daemon(server);
    if (server->daemon == NULL) {
        server_free(server);
        return error_set(error, STATUS_IO, "%s: the server did not start", config->service);
    }
    *out = server;
    return STATUS_OK;
}

uint16_t server_port(const struct server *server)
{
    return server->port;
}

/* New connections are refused from here on. Quiescing twice does nothing. */
static void quiesce(struct server *server)
{
    if (atomic_exchange(&server->draining, true) || server->daemon == NULL)
        return;
    MHD_quiesce_daemon(server->daemon);
    shutdown(server->listen_fd, SHUT_RDWR);
}

/* What a client sent just before it could know is answered too, with word to close: so open
 * connections are served for a moment more, until all are closed. */
enum status server_drain(struct server *server, uint64_t deadline_ns)
{
    uint64_t linger_ns = clock_mono_ns() + LINGER_MS * NS_PER_MS;
    quiesce(server);
    pthread_mutex_lock(&server->mutex);
    for (;;) {
        bool is_busy = server->in_flight > 0;
        uint64_t until_ns = is_busy || deadline_ns < linger_ns ? deadline_ns : linger_ns;
        if ((!is_busy && server->connections == 0) || clock_mono_ns() >= until_ns)
            break;
        struct timespec until = {.tv_sec = (time_t)(until_ns / NS_PER_S),
                                 .tv_nsec = (long)(until_ns % NS_PER_S)};
        pthread_cond_timedwait(&server->settled, &server->mutex, &until);
    }
    bool is_settled = server->in_flight == 0;
    pthread_mutex_unlock(&server->mutex);
    return is_settled ? STATUS_OK : STATUS_TIMEOUT;
}

void server_free(struct server *server)
{
    if (server == NULL)
        return;
    quiesce(server);
    if (server->daemon)
        MHD_stop_daemon(server->daemon);
    /* Not before: the library's threads may still look at it. */
    close(server->listen_fd);
    reaper_free(server->reaper);
    server_metrics_release(&server->metrics);
    pthread_cond_destroy(&server->settled);
    pthread_mutex_destroy(&server->mutex);
    free(server);
}

struct server_stats server_stats(const struct server *server)
{
    /* Counting needs the locks, and changes nothing that is seen. */
    struct server *inner = (struct server *)(uintptr_t)server;
    struct server_stats stats = {
        .refused_by_guard = server_metrics_refused(&inner->metrics, SERVER_REFUSED_BAD_REQUEST) +
                            server_metrics_refused(&inner->metrics, SERVER_REFUSED_UNKNOWN_HOST),
        .too_large = server_metrics_refused(&inner->metrics, SERVER_REFUSED_TOO_LARGE),
        .timed_out = reaper_late_count(inner->reaper),
    };
    pthread_mutex_lock(&inner->mutex);
    stats.requests = inner->requests;
    stats.in_flight = inner->in_flight;
    pthread_mutex_unlock(&inner->mutex);
    return stats;
}

void server_write_metrics(struct server *const *servers, size_t count,
                          const struct metrics_text *text)
{
    static const char active[] = "http_server_active_requests";
    struct server_metrics *metrics[SERVERS_MAX];
    uint64_t in_flight = 0;
    count = count < SERVERS_MAX ? count : SERVERS_MAX;
    for (size_t i = 0; i < count; i++) {
        metrics[i] = &servers[i]->metrics;
        in_flight += server_stats(servers[i]).in_flight;
    }
    server_metrics_write(metrics, count, text);
    metrics_text_family(text, active, METRICS_GAUGE, "Requests that are not answered yet.");
    metrics_text_u64(text, active, "", in_flight);
}
