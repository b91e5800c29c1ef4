#include "http/server.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "raw_http.h"
#include "rows.h"

#define HELLO "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"
#define HELD  "GET /held HTTP/1.1\r\nHost: localhost\r\n\r\n"

/* ---- what the servers do */

struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned inside; /* handlers that wait */
    bool open;
};

static void gate_init(struct gate *gate)
{
    pthread_mutex_init(&gate->mutex, NULL);
    pthread_cond_init(&gate->changed, NULL);
    gate->inside = 0;
    gate->open = false;
}

static void gate_release(struct gate *gate)
{
    pthread_cond_destroy(&gate->changed);
    pthread_mutex_destroy(&gate->mutex);
}

static void gate_open(struct gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    gate->open = true;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->mutex);
}

static void gate_wait_inside(struct gate *gate, unsigned count)
{
    pthread_mutex_lock(&gate->mutex);
    while (gate->inside < count)
        pthread_cond_wait(&gate->changed, &gate->mutex);
    pthread_mutex_unlock(&gate->mutex);
}

static void held(struct request *request, struct response *response)
{
    struct gate *gate = request->context;
    pthread_mutex_lock(&gate->mutex);
    gate->inside++;
    pthread_cond_broadcast(&gate->changed);
    while (!gate->open)
        pthread_cond_wait(&gate->changed, &gate->mutex);
    pthread_mutex_unlock(&gate->mutex);
    response_json(response, 200, json_pack("{s:b}", "held", 1));
}

static void hello(struct request *request, struct response *response)
{
    (void)request;
    response_json(response, 200, json_pack("{s:b}", "hello", 1));
}

static void take(struct request *request, struct response *response)
{
    response_json(response, 200, json_pack("{s:I}", "bytes", (json_int_t)request->body.length));
}

static const struct server_route routes[] = {
    {.method = "GET", .path = "/hello", .handle = hello},
    {.method = "GET", .path = "/held", .handle = held},
    {.method = "GET", .path = "/readyz", .handle = hello, .untraced = true},
    {.method = "POST",
     .path = "/take",
     .handle = take,
     .wants_raw_body = true,
     .max_body_bytes = 8 << 20},
};

static struct server *start(struct server_config config, struct gate *gate)
{
    config.service = "tested";
    config.routes = routes;
    config.route_count = sizeof routes / sizeof routes[0];
    config.context = gate;
    return raw_server(config);
}

/* ---- drain */

struct draining {
    struct server *server;
    uint64_t deadline_ns;
    enum status status;
    pthread_t thread;
};

static void *drain(void *argument)
{
    struct draining *draining = argument;
    draining->status = server_drain(draining->server, draining->deadline_ns);
    return NULL;
}

static void drain_begin(struct draining *draining, struct server *server, uint64_t ms)
{
    draining->server = server;
    draining->deadline_ns = clock_mono_ns() + ms * NS_PER_MS;
    assert_int_equal(pthread_create(&draining->thread, NULL, drain, draining), 0);
}

/* Waits until the drain has begun: from then on nobody is let in. */
static void wait_until_refused(uint16_t port)
{
    uint64_t deadline_ns = clock_mono_ns() + RAW_PATIENCE_MS * NS_PER_MS;
    for (int fd = raw_connect(port); fd >= 0; fd = raw_connect(port)) {
        close(fd);
        assert_true(clock_mono_ns() < deadline_ns);
    }
}

static void drains(void **state)
{
    (void)state;
    struct gate gate;
    struct draining draining;
    gate_init(&gate);
    struct raw_answer *answers = calloc(2, sizeof *answers);
    struct server *server = start((struct server_config){0}, &gate);
    uint16_t port = server_port(server);
    int idle = raw_connect(port), busy = raw_connect(port);
    assert_true(raw_send(idle, HELLO, strlen(HELLO)));
    assert_true(raw_read(idle, &answers[0], "\"hello\""));
    assert_null(strstr(answers[0].text, "Connection: close"));
    assert_true(raw_send(busy, HELD, strlen(HELD)));
    gate_wait_inside(&gate, 1);

    drain_begin(&draining, server, RAW_PATIENCE_MS);
    wait_until_refused(port);
    answers[0].length = 0;
    assert_true(raw_send(idle, HELLO, strlen(HELLO)));
    assert_true(raw_read(idle, &answers[0], NULL));
    assert_int_equal(raw_status(answers[0].text, 0), 200);
    assert_non_null(strstr(answers[0].text, "Connection: close"));
    gate_open(&gate);
    assert_true(raw_read(busy, &answers[1], NULL));
    assert_int_equal(raw_status(answers[1].text, 0), 200);
    assert_non_null(strstr(answers[1].text, "\"held\""));
    pthread_join(draining.thread, NULL);
    assert_int_equal(draining.status, STATUS_OK);
    server_free(server);
    close(idle);
    close(busy);
    gate_release(&gate);
    free(answers);
}

static void drain_gives_up(void **state)
{
    (void)state;
    struct gate gate;
    gate_init(&gate);
    struct server *server = start((struct server_config){0}, &gate);
    int busy = raw_connect(server_port(server));
    assert_true(raw_send(busy, HELD, strlen(HELD)));
    gate_wait_inside(&gate, 1);
    assert_int_equal(server_drain(server, clock_mono_ns() + 20 * NS_PER_MS), STATUS_TIMEOUT);
    assert_int_equal(server_stats(server).in_flight, 1);
    gate_open(&gate);
    server_free(server);
    close(busy);
    gate_release(&gate);
}

enum { LOADERS = 8 };

struct loader {
    uint16_t port;
    pthread_t thread;
    unsigned answered, lost;
};

/* Asks over one connection until it is told to close or refused. A request whose connection was
 * closed before a byte of an answer came is one that the client may send again, and is no loss; a
 * cut answer is. */
static void *load(void *argument)
{
    struct loader *loader = argument;
    struct raw_answer *answer = calloc(1, sizeof *answer);
    int fd = raw_connect(loader->port);
    while (fd >= 0) {
        answer->length = 0;
        raw_send(fd, HELLO, strlen(HELLO));
        bool whole = raw_read(fd, answer, "true}");
        loader->answered += whole;
        loader->lost += !whole && answer->length > 0;
        if (!whole || strstr(answer->text, "Connection: close")) {
            close(fd);
            fd = raw_connect(loader->port);
        }
    }
    free(answer);
    return NULL;
}

static void drains_under_load(void **state)
{
    (void)state;
    struct gate gate;
    struct loader loaders[LOADERS] = {{0}};
    gate_init(&gate);
    struct server *server = start((struct server_config){0}, &gate);
    uint64_t deadline_ns = clock_mono_ns() + RAW_PATIENCE_MS * NS_PER_MS;
    for (size_t i = 0; i < LOADERS; i++) {
        loaders[i].port = server_port(server);
        assert_int_equal(pthread_create(&loaders[i].thread, NULL, load, &loaders[i]), 0);
    }
    while (server_stats(server).requests < 400 && clock_mono_ns() < deadline_ns)
        sched_yield();
    assert_int_equal(server_drain(server, deadline_ns), STATUS_OK);
    server_free(server);
    unsigned answered = 0, lost = 0;
    for (size_t i = 0; i < LOADERS; i++) {
        pthread_join(loaders[i].thread, NULL);
        answered += loaders[i].answered;
        lost += loaders[i].lost;
    }
    assert_true(answered >= 400);
    assert_int_equal(lost, 0);
    gate_release(&gate);
}

/* ---- deadlines and limits */

static const struct slow_row {
    const char *it;
    const char *bytes; /* then nothing more */
} slow_rows[] = {
    {"it does not wait for ever for a first byte", ""},
    {"it does not wait for ever for a request line", "GET /he"},
    {"it does not wait for ever for headers", "GET /hello HTTP/1.1\r\nHost: localhost\r\n"},
    {"it does not wait for ever for a body",
     "POST /take HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n123"},
    {"it does not wait for ever for a chunk",
     "POST /take HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12"},
};

static struct server *impatient;

static void check_slow(void **state)
{
    const struct slow_row *row = *state;
    struct raw_answer *answer = calloc(1, sizeof *answer);
    uint64_t late = server_stats(impatient).timed_out;
    int fd = raw_connect(server_port(impatient));
    assert_true(raw_send(fd, row->bytes, strlen(row->bytes)));
    assert_true(raw_read(fd, answer, NULL));
    assert_true(answer->closed);
    assert_int_not_equal(raw_status(answer->text, 0), 200);
    assert_true(server_stats(impatient).timed_out > late);
    close(fd);
    free(answer);
}

/* A byte now and then resets the library's own time-out. */
static void drips(void **state)
{
    (void)state;
    struct raw_answer *answer = calloc(1, sizeof *answer);
    uint64_t deadline_ns = clock_mono_ns() + RAW_PATIENCE_MS * NS_PER_MS;
    int fd = raw_connect(server_port(impatient));
    const char head[] = "GET /hello HTTP/1.1\r\nHost: localhost\r\nX-Drip: ";
    assert_true(raw_send(fd, head, strlen(head)));
    while (!raw_wait(fd, clock_mono_ns() + 10 * NS_PER_MS) && clock_mono_ns() < deadline_ns)
        raw_send(fd, "a", 1);
    assert_true(raw_read(fd, answer, NULL));
    assert_true(answer->closed);
    assert_int_not_equal(raw_status(answer->text, 0), 200);
    close(fd);
    free(answer);
}

static void closes_idle_ones(void **state)
{
    (void)state;
    struct raw_answer *answer = calloc(1, sizeof *answer);
    int fd = raw_connect(server_port(impatient));
    assert_true(raw_send(fd, HELLO, strlen(HELLO)));
    assert_true(raw_read(fd, answer, "\"hello\""));
    assert_true(raw_read(fd, answer, NULL));
    assert_true(answer->closed);
    assert_int_equal(raw_count(answer->text), 1);
    close(fd);
    free(answer);
}

static void limits_connections(void **state)
{
    (void)state;
    struct gate gate;
    struct raw_answer *answer = calloc(1, sizeof *answer);
    int fds[3];
    gate_init(&gate);
    struct server *server = start((struct server_config){.connection_limit = 2}, &gate);
    for (size_t i = 0; i < 2; i++) {
        answer->length = 0;
        fds[i] = raw_connect(server_port(server));
        assert_true(raw_send(fds[i], HELLO, strlen(HELLO)));
        assert_true(raw_read(fds[i], answer, "\"hello\""));
    }
    /* The third waits in the backlog until one leaves, or is closed at once. */
    fds[2] = raw_connect(server_port(server));
    raw_send(fds[2], HELLO, strlen(HELLO));
    answer->length = 0;
    bool came = raw_wait(fds[2], clock_mono_ns() + 100 * NS_PER_MS);
    ssize_t got = came ? recv(fds[2], answer->text, RAW_ANSWER_MAX, 0) : 0;
    assert_true(got <= 0);
    for (size_t i = 0; i < 3; i++)
        close(fds[i]);
    server_free(server);
    gate_release(&gate);
    free(answer);
}

static void takes_large_bodies(void **state)
{
    enum { BODY = 6 << 20 };
    (void)state;
    struct gate gate;
    struct raw_answer *answer = calloc(1, sizeof *answer);
    char *body = malloc(BODY), head[200];
    gate_init(&gate);
    memset(body, '{', BODY); /* no JSON, and nobody may try to read it as such */
    struct server *first = start((struct server_config){0}, &gate);
    struct server *second = start((struct server_config){0}, &gate);
    int length = snprintf(head, sizeof head,
                          "POST /take HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json"
                          "\r\nContent-Length: %d\r\n\r\n",
                          BODY);
    int fd = raw_connect(server_port(second));
    assert_true(raw_send(fd, head, (size_t)length));
    assert_true(raw_send(fd, body, BODY));
    assert_true(raw_read(fd, answer, "6291456"));
    close(fd);
    server_free(first);
    server_free(second);
    gate_release(&gate);
    free(body);
    free(answer);
}

/* ---- listening */

static const struct listen_row {
    const char *it;
    const char *address;
    enum status status;
} listen_rows[] = {
    {"it listens on IPv4", "127.0.0.1:0", STATUS_OK},
    {"it listens on IPv6", "[::1]:0", STATUS_OK},
    {"it listens on a port alone", "0", STATUS_OK},
    {"it listens on an address alone", "127.0.0.1", STATUS_OK},
    {"it listens on all addresses", "0.0.0.0:0", STATUS_OK},
    {"it refuses a port that is too high", "127.0.0.1:65536", STATUS_INVALID},
    {"it refuses words for a port", "127.0.0.1:http", STATUS_INVALID},
    {"it refuses an empty port", "127.0.0.1:", STATUS_INVALID},
    {"it refuses half an IPv6 address", "[::1:80", STATUS_INVALID},
};

static void check_listen(void **state)
{
    const struct listen_row *row = *state;
    struct error error = {""};
    int fd = -1;
    assert_int_equal(server_listen(row->address, &fd, &error), row->status);
    if (row->status == STATUS_OK) {
        assert_true(fd >= 0);
        close(fd);
    } else {
        assert_true(error.text[0] != '\0');
    }
}

static void names_a_taken_port(void **state)
{
    (void)state;
    struct error error = {""};
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    char again[64], port[16];
    int fd = -1, other = -1;
    assert_int_equal(server_listen("127.0.0.1:0", &fd, &error), STATUS_OK);
    getsockname(fd, (struct sockaddr *)&address, &size);
    snprintf(port, sizeof port, "%u", ntohs(address.sin_port));
    snprintf(again, sizeof again, "127.0.0.1:%s", port);
    assert_int_equal(server_listen(again, &other, &error), STATUS_EXISTS);
    assert_non_null(strstr(error.text, port));
    close(fd);
}

int main(void)
{
    static struct rows all;
    struct gate gate;
    signal(SIGPIPE, SIG_IGN);
    gate_init(&gate);
    impatient =
        start((struct server_config){.receive_timeout_ms = 200, .idle_timeout_s = 1}, &gate);
    rows_one(&all, "it answers what is in flight when it drains", drains);
    rows_one(&all, "it says when a drain takes too long", drain_gives_up);
    rows_one(&all, "it cuts no answer when it drains under load", drains_under_load);
    ROWS(&all, slow_rows, check_slow);
    rows_one(&all, "it closes on who sends a byte now and then", drips);
    rows_one(&all, "it closes connections that idle", closes_idle_ones);
    rows_one(&all, "it takes no more connections than it may", limits_connections);
    rows_one(&all, "it takes large bodies as they are, in one of two servers", takes_large_bodies);
    ROWS(&all, listen_rows, check_listen);
    rows_one(&all, "it says which port is taken", names_a_taken_port);
    int failed = rows_run("server_life", &all);
    server_free(impatient);
    gate_release(&gate);
    return failed;
}
