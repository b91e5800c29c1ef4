#include "http/client.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "tests/unit/rows.h"
#include "tests/unit/small_server.h"
#include "trace/trace.h"

enum { PATIENCE_MS = 10000, SIDE_BY_SIDE = 12, REQUEST_MAX = 32 * 1024, CALLERS = 8, ROUNDS = 50 };

#define OK_HEAD(length)                                                                            \
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " length "\r\n\r\n"
#define OK_ANSWER OK_HEAD("7") "{\"a\":1}"

static const char topology_text[] =
    "{\"services\":["
    "{\"name\":\"here\",\"kind\":\"service\",\"port\":1,\"routes\":[]},"
    "{\"name\":\"party\",\"kind\":\"partner\",\"port\":2,\"routes\":[]}]}";

/* A client whose two peers are the server at `url` ("http://127.0.0.1:80"). */
struct fixture {
    struct topology topology;
    struct service_parts parts;
    struct work work;
};

static void fixture_init(struct fixture *fixture, const char *url)
{
    struct error error = {""};
    char endpoints[200];
    const char *address = url + strlen("http://");
    *fixture = (struct fixture){.work.parts = &fixture->parts};
    fixture->work.deadline_ns = clock_mono_ns() + PATIENCE_MS * NS_PER_MS;
    snprintf(endpoints, sizeof endpoints, "party=%s, here = %s,more=x:1", address, address);
    assert_int_equal(
        topology_parse(&fixture->topology, topology_text, sizeof topology_text - 1, "test", &error),
        STATUS_OK);
    assert_int_equal(client_new(&fixture->parts.client, &fixture->topology, endpoints, &error),
                     STATUS_OK);
}

static void fixture_release(struct fixture *fixture)
{
    client_free(fixture->parts.client);
    topology_release(&fixture->topology);
}

static struct call get_call(void)
{
    return (struct call){.peer = "here", .method = "GET", .path_template = "/x"};
}

/* ---- what the peer does */

/* Every request gets the text at `with`; then the connection goes on. */
static void answer_all(struct small_server *server, int fd)
{
    char request[REQUEST_MAX];
    const char *answer = server->with;
    while (small_server_read(server, fd, request, sizeof request) > 0)
        if (!small_server_write(fd, answer, strlen(answer)))
            return;
}

/* Every request gets the text at `with`, and the connection ends. */
static void answer_one(struct small_server *server, int fd)
{
    char request[REQUEST_MAX];
    const char *answer = server->with;
    if (small_server_read(server, fd, request, sizeof request) > 0)
        small_server_write(fd, answer, strlen(answer));
}

static void never_answer(struct small_server *server, int fd)
{
    char request[REQUEST_MAX];
    while (small_server_read(server, fd, request, sizeof request) > 0)
        continue;
}

/* The first connection dies with its second request, once that was read; others are good. */
static void die_under_the_second(struct small_server *server, int fd)
{
    char request[REQUEST_MAX];
    bool is_first = fd == server->all[0].fd;
    for (unsigned i = 0; small_server_read(server, fd, request, sizeof request) > 0; i++) {
        if (is_first && i == 1)
            return;
        small_server_write(fd, OK_ANSWER, strlen(OK_ANSWER));
    }
}

/* The second connection dies with its first request, as one does that a server has no room for. The
 * first says that it ends, so that the client never tries it again. */
static void die_under_the_fresh_one(struct small_server *server, int fd)
{
    static const char answer[] =
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
    char request[REQUEST_MAX];
    if (small_server_read(server, fd, request, sizeof request) == 0 || fd == server->all[1].fd)
        return;
    small_server_write(fd, answer, strlen(answer));
}

/* Every connection dies with the request that it brings. */
static void die_always(struct small_server *server, int fd)
{
    char request[REQUEST_MAX];
    small_server_read(server, fd, request, sizeof request);
}

static char last_request[REQUEST_MAX];

static void keep_request(struct small_server *server, int fd)
{
    while (small_server_read(server, fd, last_request, sizeof last_request) > 0)
        small_server_write(fd, OK_ANSWER, strlen(OK_ANSWER));
}

static pthread_mutex_t meeting_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t meeting_changed = PTHREAD_COND_INITIALIZER;
static unsigned meeting_count;

/* Nobody is answered before all are there. */
static void answer_together(struct small_server *server, int fd)
{
    char request[REQUEST_MAX];
    if (small_server_read(server, fd, request, sizeof request) == 0)
        return;
    pthread_mutex_lock(&meeting_mutex);
    meeting_count++;
    pthread_cond_broadcast(&meeting_changed);
    while (meeting_count < SIDE_BY_SIDE)
        pthread_cond_wait(&meeting_changed, &meeting_mutex);
    pthread_mutex_unlock(&meeting_mutex);
    small_server_write(fd, OK_ANSWER, strlen(OK_ANSWER));
}

/* ---- outcomes */

static char nested[2 * 2000 + 256], large[5 << 20];

static const struct row {
    const char *it;
    const char *answer; /* "": closes without one */
    enum status result;
    unsigned status;
    const char *reply; /* as compact JSON; NULL: none */
} rows[] = {
    {"it reads an object", OK_ANSWER, STATUS_OK, 200, "{\"a\":1}"},
    {"it reads an answer in chunks",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n",
     STATUS_OK, 200, "{\"a\":1}"},
    {"it reads an answer without a body", "HTTP/1.1 204 No Content\r\n\r\n", STATUS_OK, 204, NULL},
    {"it reads a refusal", "HTTP/1.1 409 Conflict\r\nContent-Length: 2\r\n\r\n{}", STATUS_OK, 409,
     "{}"},
    {"it follows no redirect",
     "HTTP/1.1 302 Found\r\nLocation: http://party/\r\nContent-Length: 0\r\n\r\n", STATUS_OK, 302,
     NULL},
    {"it says when an answer is no JSON", OK_HEAD("6") "<html>", STATUS_INVALID, 200, NULL},
    {"it says when a key is there twice", OK_HEAD("13") "{\"a\":1,\"a\":2}", STATUS_INVALID, 200,
     NULL},
    {"it does not read what is nested too deep", nested, STATUS_INVALID, 200, NULL},
    {"it says when an answer is cut", OK_HEAD("70") "{\"a\":1}", STATUS_CLOSED, 0, NULL},
    {"it says when there is none", "", STATUS_CLOSED, 0, NULL},
    {"it says when an answer is too large", large, STATUS_TOO_LARGE, 0, NULL},
};

static void check_row(void **state)
{
    const struct row *row = *state;
    static struct small_server server;
    struct fixture fixture;
    small_server_start(&server, answer_one, row->answer);
    fixture_init(&fixture, server.url);
    struct call call = get_call();
    assert_int_equal(client_call(&fixture.work, &call), row->result);
    assert_int_equal(call.result, row->result);
    assert_int_equal(call.status, row->status);
    char *reply = call.reply ? json_dumps(call.reply, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    if (row->reply)
        assert_string_equal(reply, row->reply);
    else
        assert_null(reply);
    free(reply);
    call_release(&call);
    call_release(&call);
    fixture_release(&fixture);
    small_server_stop(&server);
}

/* ---- again or not */

static const struct again_row {
    const char *it;
    const char *method, *key;
    small_server_talk *talk;
    enum status result; /* of the second call */
    unsigned requests;  /* that the peer saw in all */
} again_rows[] = {
    {"it sends a GET again when its connection was closed under it", "GET", NULL,
     die_under_the_second, STATUS_OK, 3},
    {"it sends a DELETE again", "DELETE", NULL, die_under_the_second, STATUS_OK, 3},
    {"it sends a POST with a key again", "POST", "k", die_under_the_second, STATUS_OK, 3},
    {"it sends a GET again when a fresh connection was closed under it", "GET", NULL,
     die_under_the_fresh_one, STATUS_OK, 3},
    {"it sends no POST without a key again then", "POST", NULL, die_under_the_fresh_one,
     STATUS_CLOSED, 2},
    {"it never sends a POST without a key twice", "POST", NULL, die_under_the_second, STATUS_CLOSED,
     2},
};

static void check_again(void **state)
{
    const struct again_row *row = *state;
    static struct small_server server;
    struct fixture fixture;
    small_server_start(&server, row->talk, NULL);
    fixture_init(&fixture, server.url);
    json_t *body = json_pack("{s:i}", "n", 1);
    struct call call = get_call();
    assert_int_equal(client_call(&fixture.work, &call), STATUS_OK);
    call_release(&call);
    call = (struct call){.peer = "here",
                         .method = row->method,
                         .path_template = "/y",
                         .idempotency_key = row->key,
                         .body = strcmp(row->method, "POST") == 0 ? body : NULL};
    assert_int_equal(client_call(&fixture.work, &call), row->result);
    assert_true(call.sent);
    call_release(&call);
    fixture_release(&fixture);
    small_server_stop(&server);
    assert_int_equal(atomic_load(&server.requests), row->requests);
    json_decref(body);
}

static void sends_once_more_and_no_more(void **state)
{
    (void)state;
    static struct small_server server;
    struct fixture fixture;
    small_server_start(&server, die_always, NULL);
    fixture_init(&fixture, server.url);
    struct call call = get_call();
    assert_int_equal(client_call(&fixture.work, &call), STATUS_CLOSED);
    fixture_release(&fixture);
    small_server_stop(&server);
    assert_true(atomic_load(&server.requests) <= 2);
}

/* ---- time and place */

static void gives_up_in_time(void **state)
{
    (void)state;
    static struct small_server server;
    struct fixture fixture;
    small_server_start(&server, never_answer, NULL);
    fixture_init(&fixture, server.url);
    struct call calls[2] = {get_call(), get_call()};
    calls[0].timeout_ms = 30;
    calls[1].timeout_ms = 60;
    uint64_t before_ns = clock_mono_ns();
    assert_int_equal(client_call_all(&fixture.work, calls, 2), STATUS_TIMEOUT);
    assert_true(clock_mono_ns() - before_ns < 5 * NS_PER_S);
    assert_int_equal(calls[0].result, STATUS_TIMEOUT);
    assert_int_equal(calls[1].result, STATUS_TIMEOUT);
    fixture.work.deadline_ns = clock_mono_ns() + 30 * NS_PER_MS;
    assert_int_equal(client_call(&fixture.work, &calls[0]), STATUS_TIMEOUT);
    unsigned seen = atomic_load(&server.requests);
    assert_int_equal(client_call(&fixture.work, &calls[0]), STATUS_TIMEOUT); /* none is left */
    assert_int_equal(atomic_load(&server.requests), seen);
    fixture_release(&fixture);
    small_server_stop(&server);
}

static void says_who_is_not_there(void **state)
{
    (void)state;
    static struct small_server server;
    struct fixture fixture;
    small_server_start(&server, answer_all, OK_ANSWER);
    small_server_stop(&server); /* nobody listens there any more */
    fixture_init(&fixture, server.url);
    struct call calls[2] = {get_call(), get_call()};
    calls[1].peer = "nobody";
    assert_int_equal(client_call_all(&fixture.work, calls, 2), STATUS_REFUSED);
    assert_int_equal(calls[0].result, STATUS_REFUSED);
    assert_false(calls[0].sent);
    assert_int_equal(calls[1].result, STATUS_NOT_FOUND);
    assert_false(call_succeeded(&calls[0]));
    fixture_release(&fixture);
}

static void calls_side_by_side(void **state)
{
    (void)state;
    static struct small_server server;
    struct fixture fixture;
    struct call calls[SIDE_BY_SIDE];
    meeting_count = 0;
    small_server_start(&server, answer_together, NULL);
    fixture_init(&fixture, server.url);
    for (size_t i = 0; i < SIDE_BY_SIDE; i++)
        calls[i] = get_call();
    assert_int_equal(client_call_all(&fixture.work, calls, SIDE_BY_SIDE), STATUS_OK);
    for (size_t i = 0; i < SIDE_BY_SIDE; i++)
        assert_true(call_succeeded(&calls[i]));
    call_release_all(calls, SIDE_BY_SIDE);
    fixture_release(&fixture);
    small_server_stop(&server);
}

static void keeps_connections(void **state)
{
    (void)state;
    static struct small_server server;
    struct fixture fixture;
    small_server_start(&server, answer_all, OK_ANSWER);
    fixture_init(&fixture, server.url);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct call calls[3] = {get_call(), get_call(), get_call()};
        assert_int_equal(client_call_all(&fixture.work, calls, 3), STATUS_OK);
        call_release_all(calls, 3);
    }
    assert_int_equal(atomic_load(&server.requests), 3 * ROUNDS);
    assert_true(atomic_load(&server.connections) <= 3);
    fixture_release(&fixture);
    small_server_stop(&server);
}

static void *call_on_and_on(void *argument)
{
    struct fixture *fixture = argument;
    uintptr_t good = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct call call = get_call();
        good += client_call(&fixture->work, &call) == STATUS_OK && call.status == 200;
        call_release(&call);
    }
    return (void *)good;
}

static void serves_many_threads(void **state)
{
    (void)state;
    static struct small_server server;
    struct fixture fixture;
    pthread_t threads[CALLERS];
    small_server_start(&server, answer_all, OK_ANSWER);
    fixture_init(&fixture, server.url);
    for (size_t i = 0; i < CALLERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call_on_and_on, &fixture), 0);
    for (size_t i = 0; i < CALLERS; i++) {
        void *good = NULL;
        pthread_join(threads[i], &good);
        assert_int_equal((uintptr_t)good, ROUNDS);
    }
    assert_true(atomic_load(&server.connections) <= CALLERS);
    fixture_release(&fixture);
    small_server_stop(&server);
}

/* ---- what is sent */

static const struct tracer tracer = {.name = "test"};

static const struct sent_row {
    const char *it;
    struct call call;
    const char *has, *has_not;
} sent_rows[] = {
    {"it asks by the peer's own name", {.peer = "here"}, "Host: here\r\n", "127.0.0.1"},
    {"it passes the context on", {.peer = "here"}, "traceparent: 00-", NULL},
    {"it gives a partner no context", {.peer = "party"}, "Host: party\r\n", "traceparent"},
    {"it gives a partner no baggage", {.peer = "party"}, NULL, "baggage"},
    {"it drops the context where it is told to",
     {.peer = "here", .drop_context = true},
     "GET /x ",
     "traceparent"},
    {"it sends the key",
     {.peer = "here", .idempotency_key = "k1"},
     "Idempotency-Key: k1\r\n",
     NULL},
    {"it sends the token",
     {.peer = "here", .authorization = "Bearer t"},
     "Authorization: Bearer t\r\n",
     NULL},
    {"it sends the path and not the template",
     {.peer = "here", .path = "/x%2f?y=1"},
     "GET /x%2f?y=1 HTTP/1.1\r\n",
     NULL},
    {"it waits for no 100", {.peer = "here"}, NULL, "Expect"},
    {"it sends a PUT", {.peer = "here", .method = "PUT"}, "PUT /x HTTP/1.1\r\n", NULL},
    {"it sends an empty POST", {.peer = "here", .method = "POST"}, "Content-Length: 0\r\n", NULL},
};

static void check_sent(void **state)
{
    const struct sent_row *row = *state;
    static struct small_server server;
    struct fixture fixture;
    const struct span_context parent = {
        .trace_id = {{1}}, .span_id = {{2}}, .flags = TRACE_FLAG_SAMPLED};
    struct call call = row->call;
    call.method = call.method ? call.method : "GET";
    call.path_template = "/x";
    small_server_start(&server, keep_request, NULL);
    fixture_init(&fixture, server.url);
    struct span *span = span_start(&tracer, "test", &(struct span_options){.parent = &parent});
    struct context before = context_attach((struct context){.span = span});
    assert_int_equal(client_call(&fixture.work, &call), STATUS_OK);
    context_attach(before);
    span_end(span);
    call_release(&call);
    fixture_release(&fixture);
    small_server_stop(&server);
    if (row->has)
        assert_non_null(strstr(last_request, row->has));
    if (row->has_not)
        assert_null(strstr(last_request, row->has_not));
}

static void injects_nothing(void **state)
{
    (void)state;
    static struct small_server server;
    struct fixture fixture;
    small_server_start(&server, keep_request, NULL);
    fixture_init(&fixture, server.url);
    struct call calls[3] = {get_call(), get_call(), get_call()};
    calls[0].idempotency_key = "a\r\nX-Evil: 1";
    calls[1].authorization = "a\nX-Evil: 1";
    calls[2].path = "/x HTTP/1.1\r\nX-Evil: 1\r\n\r\n";
    for (size_t i = 0; i < 3; i++) {
        assert_int_not_equal(client_call(&fixture.work, &calls[i]), STATUS_OK);
        call_release(&calls[i]);
    }
    fixture_release(&fixture);
    small_server_stop(&server);
    assert_int_equal(atomic_load(&server.requests), 0);
}

/* ---- escapes and addresses */

static const struct escape_row {
    const char *it;
    const char *value;
    size_t size;
    const char *out; /* NULL: too long */
} escape_rows[] = {
    {"it leaves plain characters", "aZ09-._~", 16, "aZ09-._~"},
    {"it escapes others", "a b/?&%", 32, "a%20b%2F%3F%26%25"},
    {"it escapes bytes above ASCII", "\xc3\xa4", 16, "%C3%A4"},
    {"it escapes nothing to nothing", "", 1, ""},
    {"it takes what just fits", "ab", 3, "ab"},
    {"it refuses what does not fit", "ab", 2, NULL},
    {"it refuses half an escape", "a ", 4, NULL},
};

static void check_escape(void **state)
{
    const struct escape_row *row = *state;
    char out[64];
    bool fits = client_escape(row->value, out, row->size);
    assert_int_equal(fits, row->out != NULL);
    if (row->out)
        assert_string_equal(out, row->out);
}

static void refuses_bad_endpoints(void **state)
{
    (void)state;
    struct topology topology;
    struct error error = {""};
    struct client *client = NULL;
    assert_int_equal(
        topology_parse(&topology, topology_text, sizeof topology_text - 1, "test", &error),
        STATUS_OK);
    assert_int_equal(client_new(&client, &topology, "here=localhost", &error), STATUS_INVALID);
    assert_null(client);
    assert_non_null(strstr(error.text, "here"));
    client_free(NULL);
    topology_release(&topology);
}

int main(void)
{
    static struct rows all;
    char *at = nested + sprintf(nested, OK_HEAD("4000"));
    memset(at, '[', 2000);
    memset(at + 2000, ']', 2000);
    at = large + sprintf(large, OK_HEAD("5000000"));
    memset(at, ' ', sizeof large - 1 - (size_t)(at - large));
    const struct propagator *const used[PROPAGATORS_MAX] = {
        propagator_find(TEXT_LITERAL("tracecontext"))};
    propagation_use(used);
    setenv("http_proxy", "http://127.0.0.1:1", 1); /* must not be asked */
    ROWS(&all, rows, check_row);
    ROWS(&all, again_rows, check_again);
    rows_one(&all, "it sends once more and no more", sends_once_more_and_no_more);
    rows_one(&all, "it gives up in time", gives_up_in_time);
    rows_one(&all, "it says who is not there", says_who_is_not_there);
    rows_one(&all, "it calls side by side", calls_side_by_side);
    rows_one(&all, "it keeps connections", keeps_connections);
    rows_one(&all, "it serves many threads", serves_many_threads);
    ROWS(&all, sent_rows, check_sent);
    rows_one(&all, "it injects nothing", injects_nothing);
    ROWS(&all, escape_rows, check_escape);
    rows_one(&all, "it refuses bad endpoints", refuses_bad_endpoints);
    return rows_run("client", &all);
}
