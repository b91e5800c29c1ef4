#include "loadgen/engine/engine.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "loadgen/engine/alarm.h"
#include "loadgen/engine/connection_pool.h"
#include "loadgen/engine/patience.h"
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
    struct patience patience;
    struct request_list waiting;
    struct request_list failed; /* ended without an answer, not told yet */
    struct connection_pool pool;
    struct epoll_event events[EVENTS_MAX];
    struct connection_scratch scratch;
};

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
    if (engine == NULL ||
        connection_pool_init(&engine->pool, config->connection_limit) != STATUS_OK) {
        free(engine);
        return error_set(error, STATUS_NO_MEMORY, "load engine: out of memory");
    }
    engine->config = *config;
    engine->pool.timeouts_ns[CONNECTION_CONNECTING] = config->connect_timeout_ns;
    engine->pool.timeouts_ns[CONNECTION_IDLE] = config->idle_max_ns;
    engine->pool.timeouts_ns[CONNECTION_BUSY] = config->request_timeout_ns;
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
    connection_pool_release(&engine->pool);
    if (engine->epoll_fd >= 0)
        close(engine->epoll_fd);
    alarm_close(&engine->alarm);
    free(engine);
}

struct engine_counts engine_counts(const struct engine *engine)
{
    return (struct engine_counts){
        .waiting = engine->waiting.count,
        .in_flight = engine->pool.lists[CONNECTION_BUSY].count,
        .connections =
            engine->config.connection_limit - engine->pool.lists[CONNECTION_CLOSED].count,
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
    engine->patience.hurried -= connection->is_hurried;
    patience_learn(&engine->patience, whole && connection->is_exact);
    request->outcome = whole ? STATUS_OK : status;
    request->http_status = whole ? connection->parser.http_status : 0;
    request->first_byte_ns = connection->first_byte_ns;
    request->done_ns = whole ? connection->arrival.came_ns : clock_mono_ns();
    request->sent_bytes = connection->sent_bytes;
    request->received_bytes = connection->received_bytes;
    uint64_t now_ns = whole ? connection->arrival.read_ns : request->done_ns;
    const struct buffer *body = &connection->body, *head = &connection->head;
    request->head = (struct text){buffer_text(head), whole ? head->length_bytes : 0};
    engine->now_ns = now_ns;
    request->ended(request, (struct text){buffer_text(body), whole ? body->length_bytes : 0});
    engine->now_ns = 0;
    if (whole && !peer_closed && connection_is_reusable(connection))
        connection_pool_move(&engine->pool, connection, CONNECTION_IDLE, now_ns);
    else
        connection_pool_close(&engine->pool, connection);
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
        connection->is_hurried = !request->is_patient || status == STATUS_BUSY;
        engine->patience.hurried += connection->is_hurried;
        connection_pool_move(&engine->pool, connection, CONNECTION_BUSY, request->sent_ns);
        return;
    }
    connection_pool_close(&engine->pool, connection);
    fail(engine, request, status);
}

/* As many requests as connections would have been opened for wait without hope now. */
static void fail_connect(struct engine *engine)
{
    if (engine->waiting.count > engine->pool.lists[CONNECTION_CONNECTING].count)
        fail(engine, request_list_pop(&engine->waiting), STATUS_REFUSED);
}

static void open_connection(struct engine *engine)
{
    struct connection *connection = engine->pool.lists[CONNECTION_CLOSED].first;
    uint64_t now_ns = clock_mono_ns();
    engine->connects++;
    enum status status =
        connection_open(connection, &engine->config.origin, engine->config.asks_arrival);
    struct epoll_event event = {
        .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
        .data.u64 = connection_pool_tag(&engine->pool, connection),
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
    connection_pool_move(&engine->pool, connection, CONNECTION_CONNECTING, now_ns);
    if (status == STATUS_OK) {
        connection->connect_ns = clock_mono_ns() - now_ns;
        connection_pool_move(&engine->pool, connection, CONNECTION_IDLE,
                             now_ns + connection->connect_ns);
    }
}

/* The connection that was used last goes first: it is warm, and the others may grow old. */
static void dispatch(struct engine *engine)
{
    while (engine->waiting.count > 0) {
        struct connection *idle = engine->pool.lists[CONNECTION_IDLE].last;
        if (idle != NULL)
            send_on(engine, idle, request_list_pop(&engine->waiting));
        else if (engine->waiting.count > engine->pool.lists[CONNECTION_CONNECTING].count &&
                 engine->pool.lists[CONNECTION_CLOSED].count > 0)
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
        connection_pool_close(&engine->pool, connection);
        fail_connect(engine);
        return;
    }
    uint64_t now_ns = clock_mono_ns();
    connection->connect_ns = now_ns - connection->since_ns;
    connection_pool_move(&engine->pool, connection, CONNECTION_IDLE, now_ns);
}

/* Whatever comes on an idle connection, its end or words that nobody asked for, it is of no more
 * use. */
static void on_idle(struct engine *engine, struct connection *connection, uint32_t events)
{
    if (events & EVENTS_READ)
        connection_pool_close(&engine->pool, connection);
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
    struct connection *connection = connection_pool_find(&engine->pool, event->data.u64);
    if (connection == NULL)
        return; /* the alarm, or closed after the event was fetched */
    on_event[connection->state](engine, connection, event->events);
    dispatch(engine);
}

/* What waits is sent before answers are read, but on no connection that has ended meanwhile. */
static void send_first(struct engine *engine, int count)
{
    for (int i = 0; i < count; i++) {
        struct connection *connection =
            connection_pool_find(&engine->pool, engine->events[i].data.u64);
        if (connection != NULL && connection->state == CONNECTION_IDLE)
            on_idle(engine, connection, engine->events[i].events);
    }
    if (engine->pool.lists[CONNECTION_IDLE].count > 0)
        dispatch(engine);
}

/* ---- time-outs */

static uint64_t waiting_expires_ns(const struct engine *engine)
{
    const struct engine_request *first = engine->waiting.first;
    return first ? connection_pool_later_ns(first->submitted_ns, engine->config.request_timeout_ns)
                 : UINT64_MAX;
}

static void expire(struct engine *engine)
{
    uint64_t now_ns = clock_mono_ns();
    struct connection *late;
    while ((late = connection_pool_expired(&engine->pool, CONNECTION_CONNECTING, now_ns)) != NULL) {
        connection_pool_close(&engine->pool, late);
        fail_connect(engine);
    }
    while ((late = connection_pool_expired(&engine->pool, CONNECTION_IDLE, now_ns)) != NULL)
        connection_pool_close(&engine->pool, late);
    while ((late = connection_pool_expired(&engine->pool, CONNECTION_BUSY, now_ns)) != NULL)
        finish(engine, late, STATUS_TIMEOUT, true);
    while (waiting_expires_ns(engine) <= now_ns)
        fail(engine, request_list_pop(&engine->waiting), STATUS_BUSY);
}

static uint64_t wake_ns(const struct engine *engine, uint64_t until_ns)
{
    if (engine->failed.count > 0)
        return 0;
    uint64_t waiting_ns = waiting_expires_ns(engine),
             pool_ns = connection_pool_expires_ns(&engine->pool);
    uint64_t expires_ns = waiting_ns < pool_ns ? waiting_ns : pool_ns;
    return expires_ns < until_ns ? expires_ns : until_ns;
}

/* ---- the loop */

void engine_expect(struct engine *engine, uint64_t then_ns)
{
    engine->then_ns = then_ns;
}

static int wait_for_events(struct engine *engine, uint64_t until_ns)
{
    uint64_t now_ns = clock_mono_ns();
    if (until_ns > 0 && alarm_set(&engine->alarm, now_ns, until_ns, engine->then_ns) != STATUS_OK)
        return -1;
    return epoll_wait(engine->epoll_fd, engine->events, EVENTS_MAX, until_ns > now_ns ? -1 : 0);
}

/* Handles what happened, or what happens by `until_ns`. */
static enum status look(struct engine *engine, uint64_t until_ns)
{
    int count = wait_for_events(engine, until_ns);
    if (count < 0 && errno != EINTR)
        return STATUS_IO;
    if (engine->patience.has_rested)
        send_first(engine, count);
    for (int i = 0; i < count; i++)
        handle(engine, &engine->events[i]);
    expire(engine);
    tell_failed(engine);
    engine->patience.has_rested = false;
    return STATUS_OK;
}

/* Nobody waits for anything that the sockets may tell. */
static bool may_rest(const struct engine *engine, uint64_t now_ns, uint64_t until_ns)
{
    return engine->pool.lists[CONNECTION_BUSY].count > 0 &&
           engine->pool.lists[CONNECTION_CONNECTING].count + engine->waiting.count == 0 &&
           patience_allows(&engine->patience, now_ns, until_ns);
}

/* Requests are dispatched on connections that are known to be open, and before anything is read
 * that others wait for. */
enum status engine_poll(struct engine *engine, uint64_t until_ns)
{
    if (engine->patience.has_rested && look(engine, 0) != STATUS_OK)
        return STATUS_IO;
    dispatch(engine);
    tell_failed(engine);
    dispatch(engine);
    uint64_t wakes_ns = wake_ns(engine, until_ns), now_ns = clock_mono_ns();
    if (!may_rest(engine, now_ns, wakes_ns))
        return look(engine, wakes_ns);
    engine->patience.has_rested = true;
    engine->patience.rests_left--;
    return alarm_rest(&engine->alarm, now_ns, wakes_ns, engine->then_ns);
}

void engine_abandon(struct engine *engine)
{
    if (engine->patience.has_rested)
        (void)look(engine, 0); /* what came by now did come */
    while (engine->waiting.count + engine->failed.count +
               engine->pool.lists[CONNECTION_BUSY].count >
           0) {
        while (engine->waiting.count > 0)
            fail(engine, request_list_pop(&engine->waiting), STATUS_INTERRUPTED);
        tell_failed(engine);
        struct connection *busy = engine->pool.lists[CONNECTION_BUSY].first;
        if (busy != NULL)
            finish(engine, busy, STATUS_INTERRUPTED, true);
    }
}
