#include "loadgen/engine/engine.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "loadgen/engine/alarm.h"
#include "loadgen/engine/connection.h"
#include "loadgen/engine/request_list.h"

enum { EVENTS_MAX = 256 };
enum { EVENTS_READ = EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR };
enum { EVENTS_CLOSED = EPOLLRDHUP | EPOLLHUP | EPOLLERR };
#define ALARM_TAG UINT64_MAX /* of no connection */

struct engine {
    struct engine_config config;
    int epoll_fd;
    struct alarm alarm;
    uint64_t then_ns; /* of engine_expect */
    uint64_t now_ns;  /* while a callback runs: about the time; else 0 */
    uint64_t connects;
    struct request_list waiting;
    struct request_list failed; /* ended without an answer, not told yet */
    struct connection *connections;
    struct connection_list lists[CONNECTION_STATES];
    struct epoll_event events[EVENTS_MAX];
    struct connection_scratch scratch;
};

/* ---- lists */

/* The times in a list only grow, so its first one is the one that waits longest. */
static void move(struct engine *engine, struct connection *connection, enum connection_state state,
                 uint64_t now_ns)
{
    connection_list_remove(&engine->lists[connection->state], connection);
    connection->state = state;
    connection->since_ns = now_ns;
    connection_list_append(&engine->lists[state], connection);
}

static void close_connection(struct engine *engine, struct connection *connection)
{
    connection_close(connection); /* leaves epoll by that */
    move(engine, connection, CONNECTION_CLOSED, 0);
}

/* ---- life */

static bool config_is_valid(const struct engine_config *config)
{
    return config->connection_limit >= 1 && config->connection_limit <= ENGINE_CONNECTIONS_MAX &&
           config->queue_max >= 1 && config->request_timeout_ns > 0 &&
           config->connect_timeout_ns > 0 && config->idle_max_ns > 0;
}

enum status engine_new(const struct engine_config *config, struct engine **out, struct error *error)
{
    *out = NULL;
    if (!config_is_valid(config))
        return error_set(error, STATUS_INVALID, "load engine: a limit or time-out is out of range");
    struct engine *engine = calloc(1, sizeof(*engine));
    struct connection *connections = calloc(config->connection_limit, sizeof(*connections));
    if (engine == NULL || connections == NULL) {
        free(engine);
        free(connections);
        return error_set(error, STATUS_NO_MEMORY, "load engine: out of memory");
    }
    engine->config = *config;
    engine->connections = connections;
    for (size_t i = 0; i < config->connection_limit; i++) {
        connection_init(&connections[i]);
        connection_list_append(&engine->lists[CONNECTION_CLOSED], &connections[i]);
    }
    engine->then_ns = UINT64_MAX;
    engine->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (alarm_open(&engine->alarm, engine->epoll_fd, ALARM_TAG) != STATUS_OK) {
        engine_free(engine);
        return error_set(error, STATUS_IO, "load engine: epoll: %s", strerror(errno));
    }
    *out = engine;
    return STATUS_OK;
}

void engine_free(struct engine *engine)
{
    if (engine == NULL)
        return;
    for (size_t i = 0; i < engine->config.connection_limit; i++)
        connection_release(&engine->connections[i]);
    if (engine->epoll_fd >= 0)
        close(engine->epoll_fd);
    alarm_close(&engine->alarm);
    free(engine->connections);
    free(engine);
}

struct engine_counts engine_counts(const struct engine *engine)
{
    return (struct engine_counts){
        .waiting = engine->waiting.count,
        .in_flight = engine->lists[CONNECTION_BUSY].count,
        .connections = engine->config.connection_limit - engine->lists[CONNECTION_CLOSED].count,
        .connects = engine->connects,
    };
}

/* ---- how requests end */

static void fail(struct engine *engine, struct engine_request *request, enum status outcome)
{
    request->outcome = outcome;
    request->done_ns = clock_mono_ns();
    request_list_append(&engine->failed, request);
}

static void tell_failed(struct engine *engine)
{
    /* Not those that fail meanwhile: a caller that always tries again would never come back. */
    for (size_t left = engine->failed.count; left > 0; left--) {
        struct engine_request *request = request_list_pop(&engine->failed);
        request->ended(request, (struct text){0});
    }
}

/* The connection has its answer, or will not get one. `status` as of connection_receive. */
static void finish(struct engine *engine, struct connection *connection, enum status status,
                   bool peer_closed)
{
    struct engine_request *request = connection->request;
    connection->request = NULL;
    bool whole = status == STATUS_END;
    request->outcome = whole ? STATUS_OK : status;
    request->http_status = whole ? connection->parser.http_status : 0;
    request->first_byte_ns = connection->first_byte_ns;
    request->done_ns = whole ? connection->last_byte_ns : clock_mono_ns();
    request->sent_bytes = connection->sent_bytes;
    request->received_bytes = connection->received_bytes;
    uint64_t done_ns = request->done_ns;
    const struct buffer *body = &connection->body, *head = &connection->head;
    request->head = (struct text){buffer_text(head), whole ? head->length_bytes : 0};
    engine->now_ns = done_ns;
    request->ended(request, (struct text){buffer_text(body), whole ? body->length_bytes : 0});
    engine->now_ns = 0;
    if (whole && !peer_closed && connection_is_reusable(connection))
        move(engine, connection, CONNECTION_IDLE, done_ns);
    else
        close_connection(engine, connection);
}

/* ---- sending */

static void send_on(struct engine *engine, struct connection *connection,
                    struct engine_request *request)
{
    connection_begin(connection, engine->config.body_max_bytes);
    connection->keeps_head = request->wants_head;
    connection->ignores_body = request->ignores_body;
    connection->parser.no_body = request->is_head;
    request->connect_ns = connection->connect_ns;
    connection->connect_ns = 0;
    request->write(request, &connection->out);
    request->sent_ns = clock_mono_ns();
    enum status status = connection_send(connection);
    if (status == STATUS_OK || status == STATUS_BUSY) {
        connection->request = request;
        move(engine, connection, CONNECTION_BUSY, request->sent_ns);
        return;
    }
    close_connection(engine, connection);
    fail(engine, request, status);
}

/* As many requests as connections would have been opened for wait without hope now. */
static void fail_connect(struct engine *engine)
{
    if (engine->waiting.count > engine->lists[CONNECTION_CONNECTING].count)
        fail(engine, request_list_pop(&engine->waiting), STATUS_REFUSED);
}

static uint64_t tag_of(const struct engine *engine, const struct connection *connection)
{
    return (uint64_t)connection->generation << 32 | (uint64_t)(connection - engine->connections);
}

static void open_connection(struct engine *engine)
{
    struct connection *connection = engine->lists[CONNECTION_CLOSED].first;
    uint64_t now_ns = clock_mono_ns();
    engine->connects++;
    enum status status = connection_open(connection, &engine->config.origin);
    struct epoll_event event = {
        .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
        .data.u64 = tag_of(engine, connection),
    };
    if (status != STATUS_REFUSED &&
        epoll_ctl(engine->epoll_fd, EPOLL_CTL_ADD, connection->fd, &event) != 0) {
        connection_close(connection);
        status = STATUS_REFUSED;
    }
    if (status == STATUS_REFUSED) {
        fail_connect(engine);
        return;
    }
    move(engine, connection, CONNECTION_CONNECTING, now_ns);
    if (status == STATUS_OK) {
        connection->connect_ns = clock_mono_ns() - now_ns;
        move(engine, connection, CONNECTION_IDLE, now_ns + connection->connect_ns);
    }
}

/* The connection that was used last goes first: it is warm, and the others may grow old. */
static void dispatch(struct engine *engine)
{
    while (engine->waiting.count > 0) {
        struct connection *idle = engine->lists[CONNECTION_IDLE].last;
        if (idle != NULL)
            send_on(engine, idle, request_list_pop(&engine->waiting));
        else if (engine->waiting.count > engine->lists[CONNECTION_CONNECTING].count &&
                 engine->lists[CONNECTION_CLOSED].count > 0)
            open_connection(engine);
        else
            return;
    }
}

enum status engine_submit(struct engine *engine, struct engine_request *request)
{
    if (engine->waiting.count >= engine->config.queue_max)
        return STATUS_BUSY;
    request->outcome = STATUS_OK;
    request->http_status = 0;
    request->connect_ns = request->sent_ns = request->first_byte_ns = request->done_ns = 0;
    request->sent_bytes = request->received_bytes = 0;
    request->head = (struct text){0};
    request->submitted_ns = engine->now_ns != 0 ? engine->now_ns : clock_mono_ns();
    request_list_append(&engine->waiting, request);
    return STATUS_OK;
}

/* ---- events, by the connection's state */

static void on_connecting(struct engine *engine, struct connection *connection, uint32_t events)
{
    (void)events; /* writable, or failed: the socket says which */
    if (connection_check(connection) != STATUS_OK) {
        close_connection(engine, connection);
        fail_connect(engine);
        return;
    }
    uint64_t now_ns = clock_mono_ns();
    connection->connect_ns = now_ns - connection->since_ns;
    move(engine, connection, CONNECTION_IDLE, now_ns);
}

/* Whatever comes on an idle connection, its end or words that nobody asked for, it is of no more
 * use. */
static void on_idle(struct engine *engine, struct connection *connection, uint32_t events)
{
    if (events & EVENTS_READ)
        close_connection(engine, connection);
}

static void on_busy(struct engine *engine, struct connection *connection, uint32_t events)
{
    enum status status = STATUS_OK;
    bool peer_closed = events & EVENTS_CLOSED;
    if ((events & EPOLLOUT) && connection->sent_bytes < connection->out.length_bytes)
        status = connection_send(connection);
    if ((events & EVENTS_READ) && status != STATUS_CLOSED)
        status = connection_receive(connection, &engine->scratch, peer_closed);
    if (status != STATUS_OK && status != STATUS_BUSY)
        finish(engine, connection, status, peer_closed);
}

static void (*const on_event[CONNECTION_STATES])(struct engine *engine,
                                                 struct connection *connection, uint32_t events) = {
    [CONNECTION_CONNECTING] = on_connecting,
    [CONNECTION_IDLE] = on_idle,
    [CONNECTION_BUSY] = on_busy,
};

static void handle(struct engine *engine, const struct epoll_event *event)
{
    if (event->data.u64 == ALARM_TAG)
        return;
    struct connection *connection = &engine->connections[(uint32_t)event->data.u64];
    if (event->data.u64 != tag_of(engine, connection) || connection->state == CONNECTION_CLOSED)
        return; /* of a connection that was closed after the event was fetched */
    on_event[connection->state](engine, connection, event->events);
    dispatch(engine);
}

/* ---- time-outs: every list is in order of its times */

static void expire_connecting(struct engine *engine, struct connection *connection)
{
    close_connection(engine, connection);
    fail_connect(engine);
}

static void expire_busy(struct engine *engine, struct connection *connection)
{
    finish(engine, connection, STATUS_TIMEOUT, true);
}

static const struct expiry {
    enum connection_state state;
    size_t timeout_at; /* in the config */
    void (*expire)(struct engine *engine, struct connection *connection);
} expiries[] = {
    {CONNECTION_CONNECTING, offsetof(struct engine_config, connect_timeout_ns), expire_connecting},
    {CONNECTION_IDLE, offsetof(struct engine_config, idle_max_ns), close_connection},
    {CONNECTION_BUSY, offsetof(struct engine_config, request_timeout_ns), expire_busy},
};

static uint64_t add_ns(uint64_t time_ns, uint64_t more_ns)
{
    return more_ns > UINT64_MAX - time_ns ? UINT64_MAX : time_ns + more_ns;
}

/* When the first of the list expires; UINT64_MAX: none. */
static uint64_t expires_ns(const struct engine *engine, const struct expiry *expiry)
{
    const struct connection *first = engine->lists[expiry->state].first;
    uint64_t timeout_ns;
    memcpy(&timeout_ns, (const char *)&engine->config + expiry->timeout_at, sizeof(timeout_ns));
    return first != NULL ? add_ns(first->since_ns, timeout_ns) : UINT64_MAX;
}

static uint64_t waiting_expires_ns(const struct engine *engine)
{
    const struct engine_request *first = engine->waiting.first;
    return first ? add_ns(first->submitted_ns, engine->config.request_timeout_ns) : UINT64_MAX;
}

static void expire(struct engine *engine)
{
    uint64_t now_ns = clock_mono_ns();
    for (size_t i = 0; i < sizeof(expiries) / sizeof(expiries[0]); i++)
        while (expires_ns(engine, &expiries[i]) <= now_ns)
            expiries[i].expire(engine, engine->lists[expiries[i].state].first);
    while (waiting_expires_ns(engine) <= now_ns)
        fail(engine, request_list_pop(&engine->waiting), STATUS_BUSY);
}

static uint64_t wake_ns(const struct engine *engine, uint64_t until_ns)
{
    if (engine->failed.count > 0)
        return 0;
    uint64_t wake = waiting_expires_ns(engine);
    for (size_t i = 0; i < sizeof(expiries) / sizeof(expiries[0]); i++) {
        uint64_t expiry_ns = expires_ns(engine, &expiries[i]);
        wake = expiry_ns < wake ? expiry_ns : wake;
    }
    return wake < until_ns ? wake : until_ns;
}

/* ---- the loop */

void engine_expect(struct engine *engine, uint64_t then_ns)
{
    engine->then_ns = then_ns;
}

static int wait_for_events(struct engine *engine, uint64_t until_ns)
{
    uint64_t now_ns = clock_mono_ns();
    if (alarm_set(&engine->alarm, now_ns, until_ns, engine->then_ns) != STATUS_OK)
        return -1;
    return epoll_wait(engine->epoll_fd, engine->events, EVENTS_MAX, until_ns > now_ns ? -1 : 0);
}

enum status engine_poll(struct engine *engine, uint64_t until_ns)
{
    dispatch(engine);
    tell_failed(engine);
    dispatch(engine);
    int count = wait_for_events(engine, wake_ns(engine, until_ns));
    if (count < 0 && errno != EINTR)
        return STATUS_IO;
    for (int i = 0; i < count; i++)
        handle(engine, &engine->events[i]);
    expire(engine);
    tell_failed(engine);
    return STATUS_OK;
}

void engine_abandon(struct engine *engine)
{
    while (engine->waiting.count + engine->failed.count + engine->lists[CONNECTION_BUSY].count >
           0) {
        while (engine->waiting.count > 0)
            fail(engine, request_list_pop(&engine->waiting), STATUS_INTERRUPTED);
        tell_failed(engine);
        struct connection *busy = engine->lists[CONNECTION_BUSY].first;
        if (busy != NULL)
            finish(engine, busy, STATUS_INTERRUPTED, true);
    }
}
