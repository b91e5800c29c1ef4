#include "http/server.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "tests/unit/raw_client.h"
#include "tests/unit/rows.h"

enum { BODY_MAX = 1000, CLIENTS = 16 };

static sem_t entered, released;
static struct raw_answer answer;

/* ---- handlers */

static void echo(struct request *request, struct response *response)
{
    response_json(response, 201, json_incref(request_json(request)));
}

static void say_parameter(struct request *request, struct response *response)
{
    const char *query = request_query(request, "q");
    const char *header = request_header(request, "X-Given");
    response_json(response, 200,
                  json_pack("{s:s, s:s, s:s}", "id", request_parameter(request, "id"), "q",
                            query ? query : "none", "header", header ? header : "none"));
}

static void say_length(struct request *request, struct response *response)
{
    response_json(response, 200,
                  json_pack("{s:i, s:b}", "bytes", (int)request->body.length, "json",
                            request_json(request) != NULL));
}

static void say_mine(struct request *request, struct response *response)
{
    (void)request;
    response_json(response, 200, json_pack("{s:s}", "id", "word"));
}

static void say_headers(struct request *request, struct response *response)
{
    (void)request;
    response_header(response, "X-Good", "yes");
    response_header(response, "X-Bad", "a\r\nX-Evil: b");
    response_error(response, 409, "conflict", "%s", "\xff is no UTF-8");
}

static void say_nothing(struct request *request, struct response *response)
{
    (void)request;
    response_json(response, 200, NULL);
}

/* Waits to be released, but not for ever. */
static void wait_here(struct request *request, struct response *response)
{
    struct timespec until;
    (void)request;
    sem_post(&entered);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += RAW_CLIENT_S;
    response_json(response, sem_timedwait(&released, &until) == 0 ? 200 : 500, json_object());
}

static const struct server_route routes[] = {
    {.method = "POST", .path = "/echo", .handle = echo},
    {.method = "GET", .path = "/items/{id}", .handle = say_parameter},
    {.method = "GET", .path = "/items/mine", .handle = say_mine},
    {.method = "PUT", .path = "/items/{id}", .handle = echo},
    {.method = "POST", .path = "/raw", .handle = say_length, .wants_raw_body = true},
    {.method = "POST", .path = "/small", .handle = echo, .max_body_bytes = 10},
    {.method = "GET", .path = "/headers", .handle = say_headers},
    {.method = "GET", .path = "/nothing", .handle = say_nothing},
    {.method = "GET", .path = "/wait", .handle = wait_here},
};

static struct server *start_limited(unsigned receive_timeout_ms, unsigned connection_limit)
{
    struct server *server = NULL;
    struct error error = {""};
    struct server_config config = {.service = "shop",
                                   .routes = routes,
                                   .route_count = sizeof routes / sizeof routes[0],
                                   .max_body_bytes = BODY_MAX,
                                   .receive_timeout_ms = receive_timeout_ms,
                                   .connection_limit = connection_limit};
    assert_int_equal(server_listen("127.0.0.1:0", &config.listen_fd, &error), STATUS_OK);
    assert_int_equal(server_new(&server, &config, &error), STATUS_OK);
    assert_int_not_equal(server_port(server), 0);
    return server;
}

static struct server *start(unsigned receive_timeout_ms)
{
    return start_limited(receive_timeout_ms, 0);
}

/* ---- one request, one answer */

struct row {
    const char *it;
    const char *request;
    unsigned status;
    const char *holds; /* somewhere in the answer */
};

#define HOST        "Host: localhost\r\n"
#define CLOSE       "Connection: close\r\n"
#define GET(target) "GET " target " HTTP/1.1\r\n" HOST CLOSE "\r\n"
#define JSON        "Content-Type: application/json\r\n"
#define BODY(path, length, body)                                                                   \
    "POST " path " HTTP/1.1\r\n" HOST CLOSE JSON "Content-Length: " length "\r\n\r\n" body
#define CHUNKED(path, body)                                                                        \
    "POST " path " HTTP/1.1\r\n" HOST CLOSE JSON "Transfer-Encoding: chunked\r\n\r\n" body
#define NEST8  "[[[[[[[["
#define NEST64 NEST8 NEST8 NEST8 NEST8 NEST8 NEST8 NEST8 NEST8

static const struct row rows[] = {
    {"it hands a JSON body over", BODY("/echo", "7", "{\"a\":1}"), 201, "{\"a\":1}"},
    {"it hands a chunked body over", CHUNKED("/echo", "3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n"), 201,
     "{\"a\":1}"},
    {"it answers 500 for an answer that is none", BODY("/echo", "0", ""), 500, "\"internal\""},
    {"it hands a parameter over", GET("/items/7"), 200, "\"id\":\"7\""},
    {"it decodes a parameter", GET("/items/a%20b"), 200, "\"id\":\"a b\""},
    {"it prefers words to parameters", GET("/items/mine"), 200, "\"id\":\"word\""},
    {"it hands the query over", GET("/items/7?p=1&q=x%20y&q=z"), 200, "\"q\":\"x y\""},
    {"it takes a query without a value for empty", GET("/items/7?q"), 200, "\"q\":\"\""},
    {"it trims headers", "GET /items/7 HTTP/1.1\r\n" HOST CLOSE "x-given:  a b \t \r\n\r\n", 200,
     "\"header\":\"a b\""},
    {"it answers HEAD as GET", "HEAD /items/7 HTTP/1.1\r\n" HOST CLOSE "\r\n", 200,
     "Content-Length: 37"},
    {"it sends good headers and drops bad ones", GET("/headers"), 409, "X-Good: yes\r\n"},
    {"it answers 500 for no answer", GET("/nothing"), 500, "\"internal\""},
    {"it does not know other paths", GET("/other"), 404, "\"not_found\""},
    {"it does not know an empty parameter", GET("/items/"), 404, "\"not_found\""},
    {"it does not know longer paths", GET("/items/7/8"), 404, "\"not_found\""},
    {"it does not walk up", GET("/items/../nothing"), 404, "\"not_found\""},
    {"it says which methods a path has", "DELETE /items/7 HTTP/1.1\r\n" HOST CLOSE "\r\n", 405,
     "Allow: GET, HEAD, PUT\r\n"},
    {"it wants JSON said to be so",
     "POST /echo HTTP/1.1\r\n" HOST CLOSE "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
     415, "\"unsupported_media_type\""},
    {"it wants a type of content at all",
     "POST /echo HTTP/1.1\r\n" HOST CLOSE "Content-Length: 2\r\n\r\n{}", 415, "application/json"},
    {"it takes parameters of the type",
     "POST /echo HTTP/1.1\r\n" HOST CLOSE "Content-Type: Application/JSON; charset=utf-8\r\n"
     "Content-Length: 2\r\n\r\n{}",
     201, "{}"},
    {"it does not read compressed JSON",
     "POST /echo HTTP/1.1\r\n" HOST CLOSE JSON "Content-Encoding: gzip\r\n"
     "Content-Length: 2\r\n\r\n{}",
     415, "\"unsupported_media_type\""},
    {"it takes any body where a route wants so",
     "POST /raw HTTP/1.1\r\n" HOST CLOSE "Content-Length: 3\r\n\r\n\x01{x", 200,
     "\"bytes\":3,\"json\":false"},
    {"it reads a raw body as JSON when asked",
     "POST /raw HTTP/1.1\r\n" HOST CLOSE "Content-Length: 2\r\n\r\n{}", 200,
     "\"bytes\":2,\"json\":true"},
    {"it says where JSON is malformed", BODY("/echo", "8", "{\n\"a\":x}"), 400, "line 2"},
    {"it refuses JSON that is cut", BODY("/echo", "5", "{\"a\":"), 400, "\"malformed_json\""},
    {"it refuses a key twice", BODY("/echo", "13", "{\"a\":1,\"a\":2}"), 400, "duplicate"},
    {"it refuses an array", BODY("/echo", "2", "[]"), 400, "must be an object"},
    {"it refuses what stands behind the object", BODY("/echo", "4", "{} x"), 400,
     "\"malformed_json\""},
    {"it refuses bad UTF-8", BODY("/echo", "8", "{\"a\xff\":1}"), 400, "\"malformed_json\""},
    {"it refuses deep nesting", BODY("/echo", "69", "{\"a\":" NEST64), 400, "nested deeper"},
    {"it refuses a long body by its length", BODY("/small", "11", "{\"a\":12345"), 413,
     "may have 10 bytes"},
    {"it refuses a length beyond all numbers", BODY("/small", "99999999999999999999", ""), 413, ""},
    {"it refuses a long chunked body at its end",
     CHUNKED("/small", "6\r\n{\"a\":1\r\n6\r\n23456}\r\n0\r\n\r\n"), 413, "may have 10 bytes"},
    {"it takes a body of the greatest length", BODY("/small", "10", "{\"a\":1234}"), 201, "1234"},
    {"it takes a chunked body of the greatest length",
     CHUNKED("/small", "a\r\n{\"a\":1234}\r\n0\r\n\r\n"), 201, "1234"},
};

static struct server *shared;

static void check(void **state)
{
    const struct row *row = *state;
    raw_ask(server_port(shared), row->request, strlen(row->request), &answer);
    assert_int_equal(raw_status(&answer), row->status);
    assert_true(answer.closed);
    if (strstr(answer.text, row->holds) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", row->holds, answer.text);
    assert_null(strstr(answer.text, "X-Evil"));
}

/* ---- bodies that are much too long */

static void counts_what_was_too_large(void **state)
{
    (void)state;
    struct server *server = start(0);
    static const char long_one[] = BODY("/small", "5000000000", "");
    raw_ask(server_port(server), long_one, strlen(long_one), &answer);
    assert_int_equal(raw_status(&answer), 413);
    assert_int_equal(server_stats(server).too_large, 1);
    server_free(server);
}

static void does_not_read_without_end(void **state)
{
    (void)state;
    static const char head[] = CHUNKED("/small", "");
    static char chunk[65536 + 9];
    size_t sent = 0;
    struct server *server = start(0);
    int fd = raw_connect(server_port(server));
    memcpy(chunk, "10000\r\n", 7);
    memset(chunk + 7, ' ', 65536);
    memcpy(chunk + 7 + 65536, "\r\n", 2);
    assert_true(raw_send(fd, head, strlen(head)));
    while (sent < (64u << 20) && raw_send(fd, chunk, sizeof chunk))
        sent += sizeof chunk;
    close(fd);
    assert_true(sent < (64u << 20));
    server_free(server);
}

/* ---- slow senders */

struct slow_row {
    const char *it;
    const char *part;
    unsigned status; /* 0: closed without an answer */
};

static const struct slow_row slow_rows[] = {
    {"it closes who says nothing", "", 0},
    {"it closes who stops in the first line", "GET /items/7 HT", 0},
    {"it tells who stops in the head", "GET /items/7 HTTP/1.1\r\nHost: local", 408},
    {"it tells who stops in the body", BODY("/echo", "7", "{\"a"), 408},
};

static void check_slow(void **state)
{
    const struct slow_row *row = *state;
    struct server *server = start(50);
    raw_ask(server_port(server), row->part, strlen(row->part), &answer);
    assert_true(answer.closed);
    assert_int_equal(raw_status(&answer), row->status);
    assert_int_equal(server_stats(server).timed_out, 1);
    server_free(server);
}

static void makes_room_where_slow_senders_took_it(void **state)
{
    (void)state;
    enum { LIMIT = 8, MINUTE_MS = 60000 };
    static const char part[] = "GET /items/7 HTTP/1.1\r\nHost: local";
    struct server *server = start_limited(MINUTE_MS, LIMIT);
    uint64_t deadline_ns = clock_mono_ns() + RAW_CLIENT_S * NS_PER_S;
    int slow[LIMIT];
    for (int i = 0; i < LIMIT; i++) {
        slow[i] = raw_connect(server_port(server));
        assert_true(raw_send(slow[i], part, strlen(part)));
    }
    do {
        raw_ask(server_port(server), GET("/items/7"), strlen(GET("/items/7")), &answer);
    } while (raw_status(&answer) != 200 && clock_mono_ns() < deadline_ns);
    assert_int_equal(raw_status(&answer), 200);
    assert_true(server_stats(server).timed_out > 0);
    for (int i = 0; i < LIMIT; i++)
        close(slow[i]);
    server_free(server);
}

static void does_not_hurry_handlers(void **state)
{
    (void)state;
    struct server *server = start(50);
    int slow = raw_connect(server_port(server)), fd = raw_connect(server_port(server));
    assert_true(raw_send(fd, GET("/wait"), strlen(GET("/wait"))));
    sem_wait(&entered);
    raw_read(slow, NULL, &answer); /* another connection's deadline passes meanwhile */
    assert_true(answer.closed);
    sem_post(&released);
    raw_read(fd, NULL, &answer);
    assert_int_equal(raw_status(&answer), 200);
    close(fd);
    close(slow);
    server_free(server);
}

static void keeps_connections(void **state)
{
    (void)state;
    static const char one[] = "GET /items/1 HTTP/1.1\r\n" HOST "\r\n";
    struct server *server = start(0);
    int fd = raw_connect(server_port(server));
    for (int i = 0; i < 3; i++) {
        assert_true(raw_send(fd, one, strlen(one)));
        raw_read(fd, "\"none\"}", &answer);
        assert_int_equal(raw_status(&answer), 200);
        assert_false(answer.closed);
    }
    close(fd);
    assert_int_equal(server_stats(server).requests, 3);
    server_free(server);
}

/* ---- drain */

struct client {
    pthread_t thread;
    uint16_t port;
    unsigned status;
    bool says_close;
};

static void *ask_wait(void *argument)
{
    struct client *client = argument;
    struct raw_answer *mine = malloc(sizeof *mine);
    static const char request[] = "GET /wait HTTP/1.1\r\n" HOST "\r\n";
    raw_ask(client->port, request, strlen(request), mine);
    client->status = raw_status(mine);
    client->says_close = strstr(mine->text, "Connection: close\r\n") != NULL;
    free(mine);
    return NULL;
}

static void *drain(void *argument)
{
    static enum status status;
    status = server_drain(argument, clock_mono_ns() + RAW_CLIENT_S * NS_PER_S);
    return &status;
}

static void answers_what_is_in_flight(void **state)
{
    (void)state;
    struct client clients[CLIENTS];
    struct server *server = start(0);
    pthread_t drainer;
    void *status;
    int fd;
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){.port = server_port(server)};
        pthread_create(&clients[i].thread, NULL, ask_wait, &clients[i]);
    }
    for (size_t i = 0; i < CLIENTS; i++)
        sem_wait(&entered);
    assert_int_equal(server_stats(server).in_flight, CLIENTS);
    pthread_create(&drainer, NULL, drain, server);
    while ((fd = raw_connect(server_port(server))) >= 0) /* until the drain has begun */
        close(fd);
    for (size_t i = 0; i < CLIENTS; i++)
        sem_post(&released);
    pthread_join(drainer, &status);
    assert_int_equal(*(enum status *)status, STATUS_OK);
    for (size_t i = 0; i < CLIENTS; i++) {
        pthread_join(clients[i].thread, NULL);
        assert_int_equal(clients[i].status, 200);
        assert_true(clients[i].says_close);
    }
    assert_int_equal(server_stats(server).in_flight, 0);
    server_free(server);
}

static void gives_up_a_drain_at_its_deadline(void **state)
{
    (void)state;
    struct server *server = start(0);
    struct client client = {.port = server_port(server)};
    pthread_create(&client.thread, NULL, ask_wait, &client);
    sem_wait(&entered);
    assert_int_equal(server_drain(server, clock_mono_ns() + 10 * NS_PER_MS), STATUS_TIMEOUT);
    sem_post(&released);
    assert_int_equal(server_drain(server, clock_mono_ns() + RAW_CLIENT_S * NS_PER_S), STATUS_OK);
    pthread_join(client.thread, NULL);
    assert_int_equal(client.status, 200);
    server_free(server);
}

/* ---- addresses */

struct listen_row {
    const char *it;
    const char *address;
    enum status status;
};

static const struct listen_row listen_rows[] = {
    {"it listens on an address and port", "127.0.0.1:0", STATUS_OK},
    {"it listens on a port alone", "0", STATUS_OK},
    {"it listens on an address alone", "127.0.0.1", STATUS_OK},
    {"it listens on localhost", "localhost:0", STATUS_OK},
    {"it listens everywhere", "0.0.0.0:0", STATUS_OK},
    {"it refuses a port above 65535", "127.0.0.1:65536", STATUS_INVALID},
    {"it refuses a port of words", "127.0.0.1:http", STATUS_INVALID},
    {"it refuses a port that is missing", "127.0.0.1:", STATUS_INVALID},
    {"it refuses names", "example.com:80", STATUS_INVALID},
    {"it refuses IPv6 without brackets", "::1:80", STATUS_INVALID},
    {"it refuses a bracket that is open", "[::1:80", STATUS_INVALID},
    {"it refuses words behind a bracket", "[::1]x80", STATUS_INVALID},
};

static void check_listen(void **state)
{
    const struct listen_row *row = *state;
    struct error error = {""};
    int fd = -1;
    assert_int_equal(server_listen(row->address, &fd, &error), row->status);
    if (row->status == STATUS_OK)
        close(fd);
    else
        assert_non_null(strstr(error.text, row->address));
}

static void says_which_port_is_in_use(void **state)
{
    (void)state;
    struct error error = {""};
    char address[32];
    int fd;
    struct server *server = start(0);
    snprintf(address, sizeof address, "127.0.0.1:%u", server_port(server));
    assert_int_equal(server_listen(address, &fd, &error), STATUS_EXISTS);
    assert_non_null(strstr(error.text, address));
    assert_int_equal(fd, -1);
    server_free(server);
}

int main(void)
{
    struct rows all = {.count = 0};
    log_start("shop", LOG_ERROR);
    sem_init(&entered, 0, 0);
    sem_init(&released, 0, 0);
    shared = start(0);
    ROWS(&all, rows, check);
    rows_one(&all, "it counts what was too large", counts_what_was_too_large);
    rows_one(&all, "it does not read without end", does_not_read_without_end);
    ROWS(&all, slow_rows, check_slow);
    rows_one(&all, "it makes room where slow senders took it",
             makes_room_where_slow_senders_took_it);
    rows_one(&all, "it does not hurry handlers", does_not_hurry_handlers);
    rows_one(&all, "it keeps connections", keeps_connections);
    rows_one(&all, "it answers what is in flight when it is drained", answers_what_is_in_flight);
    rows_one(&all, "it gives up a drain at its deadline", gives_up_a_drain_at_its_deadline);
    ROWS(&all, listen_rows, check_listen);
    rows_one(&all, "it says which port is in use", says_which_port_is_in_use);
    int failures = rows_run("server", &all);
    server_free(shared);
    sem_destroy(&entered);
    sem_destroy(&released);
    return failures;
}
