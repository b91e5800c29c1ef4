/* What a server does over time and under pressure; what it answers to one request is in
 * server_test.c and guard_test.c. */
#include "http/server.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "tests/unit/raw_client.h"
#include "tests/unit/rows.h"

#define HOST  "Host: localhost\r\n"
#define HELLO "GET /hello HTTP/1.1\r\n" HOST "\r\n"
/* Sent behind a row's bytes: answered where the connection is still good. */
#define LAST "GET /last HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"

enum { LOADERS = 8, LOAD_REQUESTS = 400, BODY_MAX = 8 << 20, LARGE_BODY = 6 << 20 };

static void hello(struct request *request, struct response *response)
{
    (void)request;
    response_json(response, 200, json_pack("{s:b}", "hello", 1));
}

static void last(struct request *request, struct response *response)
{
    (void)request;
    response_json(response, 200, json_pack("{s:b}", "last", 1));
}

static void take(struct request *request, struct response *response)
{
    response_json(response, 200, json_pack("{s:I}", "bytes", (json_int_t)request->body.length));
}

static const struct server_route routes[] = {
    {.method = "GET", .path = "/hello", .handle = hello},
    {.method = "GET", .path = "/last", .handle = last, .untraced = true},
    {.method = "POST", .path = "/small", .handle = take, .max_body_bytes = 64},
    {.method = "POST",
     .path = "/take",
     .handle = take,
     .wants_raw_body = true,
     .max_body_bytes = BODY_MAX},
};

static struct server *start(struct server_config config)
{
    struct error error = {""};
    struct server *server = NULL;
    config.service = "tested";
    config.routes = routes;
    config.route_count = sizeof routes / sizeof routes[0];
    assert_int_equal(server_listen("127.0.0.1:0", &config.listen_fd, &error), STATUS_OK);
    assert_int_equal(server_new(&server, &config, &error), STATUS_OK);
    return server;
}

static struct server *usual, *impatient;

/* ---- what follows on a connection */

static const struct row {
    const char *it;
    const char *bytes; /* then LAST */
    unsigned status;
    bool goes_on; /* LAST is answered */
} rows[] = {
    {"it answers three requests in one packet", HELLO HELLO, 200, true},
    {"it passes over a body that a GET brings",
     "GET /hello HTTP/1.1\r\n" HOST "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
     200, true},
    {"it takes no body for a request, where the path is unknown",
     "POST /nowhere HTTP/1.1\r\n" HOST "Content-Length: 40\r\n\r\n" HELLO, 404, true},
    {"it takes no body for a request, where the method is wrong",
     "DELETE /hello HTTP/1.1\r\n" HOST "Content-Length: 40\r\n\r\n" HELLO, 405, true},
    {"it does not wait for the rest of an unknown coding with GET",
     "GET /hello HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n", 501, false},
    {"it does not wait for the rest of doubtful framing with GET",
     "GET /hello HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
     false},
    {"it does not ask for a body that is too long",
     "POST /small HTTP/1.1\r\n" HOST "Content-Type: application/json\r\n"
     "Expect: 100-continue\r\nContent-Length: 1000000\r\n\r\n",
     413, false},
    {"it refuses the target of a server as a whole", "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 400,
     false},
    {"it refuses a version that is not there", "GET /hello HTTP/1.2\r\n" HOST "\r\n", 505, false},
};

static void check_row(void **state)
{
    const struct row *row = *state;
    struct raw_answer *answer = calloc(1, sizeof *answer);
    char bytes[1024];
    int length = snprintf(bytes, sizeof bytes, "%s" LAST, row->bytes);
    raw_ask(server_port(usual), bytes, (size_t)length, answer);
    assert_true(answer->closed);
    assert_int_equal(raw_status(answer), row->status);
    assert_int_equal(strstr(answer->text, "\"last\"") != NULL, row->goes_on);
    assert_null(strstr(answer->text, "100 Continue"));
    free(answer);
}

/* ---- pressure */

struct loader {
    uint16_t port;
    pthread_t thread;
    unsigned answered, cut, unanswered;
};

/* Asks over one connection until it is told to close, then over another, until it is refused. What
 * was sent on a kept connection must be answered, and no answer may end in the middle; a fresh
 * connection that still stood in the queue when the drain began counts as refused. */
static void *load(void *argument)
{
    struct loader *loader = argument;
    struct raw_answer *answer = calloc(1, sizeof *answer);
    bool is_fresh = true;
    for (int fd = raw_connect(loader->port); fd >= 0;) {
        bool was_sent = raw_send(fd, HELLO, strlen(HELLO));
        raw_read(fd, "true}", answer);
        bool is_whole = strstr(answer->text, "true}") != NULL;
        loader->answered += is_whole;
        loader->cut += !is_whole && answer->length > 0;
        loader->unanswered += was_sent && answer->length == 0 && !is_fresh;
        is_fresh = false;
        if (!is_whole || strstr(answer->text, "Connection: close")) {
            close(fd);
            fd = raw_connect(loader->port);
            is_fresh = true;
        }
    }
    free(answer);
    return NULL;
}

static void drains_under_load(void **state)
{
    (void)state;
    struct loader loaders[LOADERS] = {{0}};
    struct server *server = start((struct server_config){0});
    uint64_t deadline_ns = clock_mono_ns() + RAW_CLIENT_S * NS_PER_S;
    for (size_t i = 0; i < LOADERS; i++) {
        loaders[i].port = server_port(server);
        assert_int_equal(pthread_create(&loaders[i].thread, NULL, load, &loaders[i]), 0);
    }
    while (server_stats(server).requests < LOAD_REQUESTS && clock_mono_ns() < deadline_ns)
        sched_yield();
    assert_int_equal(server_drain(server, deadline_ns), STATUS_OK);
    server_free(server);
    unsigned answered = 0, cut = 0, unanswered = 0;
    for (size_t i = 0; i < LOADERS; i++) {
        pthread_join(loaders[i].thread, NULL);
        answered += loaders[i].answered;
        cut += loaders[i].cut;
        unanswered += loaders[i].unanswered;
    }
    assert_true(answered >= LOAD_REQUESTS - LOADERS);
    assert_int_equal(cut, 0);
    assert_int_equal(unanswered, 0);
}

/* A byte now and then resets the library's own time-out. */
static void closes_who_drips(void **state)
{
    (void)state;
    struct raw_answer *answer = calloc(1, sizeof *answer);
    uint64_t deadline_ns = clock_mono_ns() + RAW_CLIENT_S * NS_PER_S;
    int fd = raw_connect(server_port(impatient));
    const char head[] = "GET /hello HTTP/1.1\r\n" HOST "X-Drip: ";
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    assert_true(raw_send(fd, head, strlen(head)));
    while (poll(&readable, 1, 10) == 0 && clock_mono_ns() < deadline_ns)
        raw_send(fd, "a", 1);
    raw_read(fd, NULL, answer);
    assert_true(answer->closed);
    assert_int_not_equal(raw_status(answer), 200);
    close(fd);
    free(answer);
}

static void closes_who_idles(void **state)
{
    (void)state;
    struct raw_answer *answer = calloc(1, sizeof *answer);
    int fd = raw_connect(server_port(impatient));
    assert_true(raw_send(fd, HELLO, strlen(HELLO)));
    raw_read(fd, NULL, answer);
    assert_true(answer->closed);
    assert_int_equal(raw_status(answer), 200);
    close(fd);
    free(answer);
}

static void limits_connections(void **state)
{
    (void)state;
    struct raw_answer *answer = calloc(1, sizeof *answer);
    struct server *server = start((struct server_config){.connection_limit = 2});
    int fds[3];
    for (size_t i = 0; i < 2; i++) {
        fds[i] = raw_connect(server_port(server));
        assert_true(raw_send(fds[i], HELLO, strlen(HELLO)));
        raw_read(fds[i], "true}", answer);
        assert_int_equal(raw_status(answer), 200);
    }
    /* The third waits until one leaves, or is closed at once; it is not answered now. */
    fds[2] = raw_connect(server_port(server));
    raw_send(fds[2], HELLO, strlen(HELLO));
    struct pollfd readable = {.fd = fds[2], .events = POLLIN};
    if (poll(&readable, 1, 100) == 1)
        assert_true(recv(fds[2], answer->text, 1, 0) <= 0);
    for (size_t i = 0; i < 3; i++)
        close(fds[i]);
    server_free(server);
    free(answer);
}

/* It says that it is JSON and is none: nobody may try to read it as such. */
static void takes_large_bodies(void **state)
{
    (void)state;
    char *body = malloc(LARGE_BODY), head[200];
    struct raw_answer *answer = calloc(1, sizeof *answer);
    struct server *second = start((struct server_config){0});
    memset(body, '{', LARGE_BODY);
    int length = snprintf(head, sizeof head,
                          "POST /take HTTP/1.1\r\n" HOST "Content-Type: application/json\r\n"
                          "Content-Length: %d\r\n\r\n",
                          LARGE_BODY);
    int fd = raw_connect(server_port(second));
    assert_true(raw_send(fd, head, (size_t)length));
    assert_true(raw_send(fd, body, LARGE_BODY));
    raw_read(fd, "6291456", answer);
    assert_int_equal(raw_status(answer), 200);
    close(fd);
    server_free(second);
    free(body);
    free(answer);
}

/* The client must hear 413 although it goes on sending. */
static void tells_who_goes_on_sending(void **state)
{
    (void)state;
    char *body = calloc(1, LARGE_BODY), head[200];
    struct raw_answer *answer = calloc(1, sizeof *answer);
    int length = snprintf(head, sizeof head,
                          "POST /small HTTP/1.1\r\n" HOST "Content-Type: application/json\r\n"
                          "Content-Length: %d\r\n\r\n",
                          LARGE_BODY);
    int fd = raw_connect(server_port(usual));
    assert_true(raw_send(fd, head, (size_t)length));
    raw_send(fd, body, LARGE_BODY);
    raw_read(fd, NULL, answer);
    assert_int_equal(raw_status(answer), 413);
    close(fd);
    free(body);
    free(answer);
}

/* What a client that goes away leaves behind must go with it: the leak checker looks. */
static void survives_clients_that_leave(void **state)
{
    static const char *const parts[] = {
        "G", "GET /hello HTTP/1.1\r\n", "GET /hello HTTP/1.1\r\n" HOST,
        "POST /take HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n{",
        "POST /take HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5\r\n{"};
    (void)state;
    struct raw_answer *answer = calloc(1, sizeof *answer);
    for (size_t i = 0; i < 20 * sizeof parts / sizeof parts[0]; i++) {
        const char *part = parts[i % (sizeof parts / sizeof parts[0])];
        int fd = raw_connect(server_port(usual));
        assert_true(raw_send(fd, part, strlen(part)));
        close(fd);
    }
    raw_ask(server_port(usual), LAST, strlen(LAST), answer);
    assert_int_equal(raw_status(answer), 200);
    free(answer);
}

int main(void)
{
    static struct rows all;
    log_start("test", LOG_ERROR);
    usual = start((struct server_config){0});
    impatient = start((struct server_config){.receive_timeout_ms = 200, .idle_timeout_s = 1});
    ROWS(&all, rows, check_row);
    rows_one(&all, "it answers everybody when it drains under load", drains_under_load);
    rows_one(&all, "it closes who sends a byte now and then", closes_who_drips);
    rows_one(&all, "it closes connections that idle", closes_who_idles);
    rows_one(&all, "it takes no more connections than it may", limits_connections);
    rows_one(&all, "it takes large bodies as they are, in one of two servers", takes_large_bodies);
    rows_one(&all, "it tells 413 to who goes on sending", tells_who_goes_on_sending);
    rows_one(&all, "it survives clients that leave", survives_clients_that_leave);
    int failed = rows_run("server_life", &all);
    server_free(usual);
    server_free(impatient);
    return failed;
}
