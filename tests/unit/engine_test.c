#include "loadgen/engine/engine.h"

#include "base/clock.h"
#include "tests/unit/rows.h"
#include "tests/unit/small_server.h"

enum { BODY_MAX = 100000, REQUESTS = 12 };

#define LIMIT_NS (20 * NS_PER_S) /* no test waits longer for anything */

/* ---- a client that counts */

struct call {
    struct engine_request request; /* first */
    const char *text;
    size_t text_bytes; /* 0: of `text` */
    bool written, ended;
    size_t order; /* in which it ended, from 1 */
    struct text body;
    char body_start[64];
};

static size_t ended_count;

static void write_call(struct engine_request *request, struct buffer *out)
{
    struct call *call = (struct call *)request;
    call->written = true;
    buffer_append(out, call->text, call->text_bytes ? call->text_bytes : strlen(call->text));
}

static void end_call(struct engine_request *request, struct text body)
{
    struct call *call = (struct call *)request;
    assert_false(call->ended);
    call->ended = true;
    call->order = ++ended_count;
    call->body = body;
    text_copy(body, call->body_start, sizeof(call->body_start));
}

static struct call new_call(const char *text)
{
    return (struct call){.request = {.write = write_call, .ended = end_call}, .text = text};
}

static struct engine *new_engine(const char *url, size_t connections, uint64_t timeout_ns)
{
    struct engine_config config = {
        .connection_limit = connections,
        .queue_max = REQUESTS,
        .request_timeout_ns = timeout_ns,
        .connect_timeout_ns = LIMIT_NS,
        .idle_max_ns = LIMIT_NS,
        .body_max_bytes = BODY_MAX,
    };
    struct engine *engine;
    ended_count = 0;
    assert_int_equal(origin_parse(&config.origin, url, NULL), STATUS_OK);
    assert_int_equal(engine_new(&config, &engine, NULL), STATUS_OK);
    return engine;
}

static void wait_for(struct engine *engine, size_t count)
{
    uint64_t deadline_ns = clock_mono_ns() + LIMIT_NS;
    while (ended_count < count && clock_mono_ns() < deadline_ns)
        assert_int_equal(engine_poll(engine, deadline_ns), STATUS_OK);
    assert_int_equal(ended_count, count);
}

static void run_calls(struct engine *engine, struct call *calls, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(engine_submit(engine, &calls[i].request), STATUS_OK);
    wait_for(engine, count);
}

/* ---- what a server may do to a client */

#define GET  "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
#define OK11 "HTTP/1.1 200 OK\r\n"

struct row {
    const char *it;
    const char *answer; /* to every request; NULL: none */
    bool in_bytes;      /* sent one by one */
    bool closes;        /* after the answer */
    enum status outcome;
    unsigned http_status;
    const char *body;
    unsigned connects; /* for REQUESTS requests, one after the other */
};

static const struct row rows[] = {
    {"it keeps one connection for all", OK11 "Content-Length: 2\r\n\r\nhi", false, false, STATUS_OK,
     200, "hi", 1},
    {"it reads an answer that comes byte by byte",
     OK11 "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", true, false, STATUS_OK, 200,
     "hi", 1},
    {"it reports other statuses too", "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", false, false,
     STATUS_OK, 503, "", 1},
    {"it passes over 100 Continue",
     "HTTP/1.1 100 Continue\r\n\r\n" OK11 "Content-Length: 2\r\n\r\nhi", true, false, STATUS_OK,
     200, "hi", 1},
    {"it opens a new connection after Connection: close",
     OK11 "Connection: close\r\nContent-Length: 2\r\n\r\nhi", false, false, STATUS_OK, 200, "hi",
     REQUESTS},
    {"it reads a body that ends with the connection", OK11 "\r\nhi", false, true, STATUS_OK, 200,
     "hi", REQUESTS},
    {"it drops a connection with words behind the answer", OK11 "Content-Length: 2\r\n\r\nhi!",
     false, false, STATUS_OK, 200, "hi", REQUESTS},
    {"it reports a close without answer", "", false, true, STATUS_CLOSED, 0, "", REQUESTS},
    {"it reports a close within the head", "HTTP/1.1 2", false, true, STATUS_CLOSED, 0, "",
     REQUESTS},
    {"it reports a close within the body", OK11 "Content-Length: 9\r\n\r\nhi", false, true,
     STATUS_CLOSED, 0, "", REQUESTS},
    {"it reports what is not HTTP", "220 smtp ready\r\n", false, false, STATUS_INVALID, 0, "",
     REQUESTS},
    {"it reports a body over the limit", OK11 "Content-Length: 100001\r\n\r\n", false, false,
     STATUS_TOO_LARGE, 0, "", REQUESTS},
    {"it reports a coding that it does not know", OK11 "Transfer-Encoding: gzip\r\n\r\n", false,
     false, STATUS_UNSUPPORTED, 0, "", REQUESTS},
};

static void talk_by_row(struct small_server *server, int fd)
{
    const struct row *row = server->with;
    char request[4096];
    while (small_server_read(server, fd, request, sizeof(request)) > 0) {
        size_t length = strlen(row->answer), step = row->in_bytes ? 1 : length;
        for (size_t at = 0; at < length; at += step)
            if (!small_server_write(fd, row->answer + at, step))
                return;
        if (row->closes)
            return;
    }
}

static void check_row(void **state)
{
    const struct row *row = *state;
    struct small_server server;
    small_server_start(&server, talk_by_row, row);
    struct engine *engine = new_engine(server.url, 4, LIMIT_NS);
    for (size_t i = 0; i < REQUESTS; i++) {
        struct call call = new_call(GET);
        ended_count = 0;
        run_calls(engine, &call, 1);
        assert_int_equal(call.request.outcome, row->outcome);
        assert_int_equal(call.request.http_status, row->http_status);
        assert_string_equal(call.body_start, row->body);
        assert_true(call.request.submitted_ns <= call.request.sent_ns);
        assert_true(call.request.sent_ns <= call.request.done_ns);
        if (row->outcome == STATUS_OK)
            assert_in_range(call.request.first_byte_ns, call.request.sent_ns, call.request.done_ns);
        assert_int_equal(call.request.connect_ns > 0, i == 0 || row->connects > 1);
        if (row->closes) /* its end may come after the answer: a race that is the server's */
            while (engine_counts(engine).connections > 0)
                assert_int_equal(engine_poll(engine, clock_mono_ns() + NS_PER_S), STATUS_OK);
    }
    assert_int_equal(engine_counts(engine).connects, row->connects);
    engine_free(engine);
    small_server_stop(&server);
}

/* ---- many at once */

static const struct row plain = {.answer = OK11 "Content-Length: 2\r\n\r\nhi"};

static void check_limit(void **state)
{
    (void)state;
    struct small_server server;
    struct call calls[REQUESTS];
    small_server_start(&server, talk_by_row, &plain);
    struct engine *engine = new_engine(server.url, 3, LIMIT_NS);
    for (size_t i = 0; i < REQUESTS; i++)
        calls[i] = new_call(GET);
    run_calls(engine, calls, REQUESTS);
    for (size_t i = 0; i < REQUESTS; i++) {
        assert_int_equal(calls[i].request.outcome, STATUS_OK);
        if (i > 0) /* the oldest first */
            assert_true(calls[i].request.sent_ns >= calls[i - 1].request.sent_ns);
    }
    assert_true(engine_counts(engine).connections <= 3);
    assert_int_equal(engine_counts(engine).waiting, 0);
    assert_int_equal(engine_counts(engine).in_flight, 0);
    engine_free(engine);
    assert_true(atomic_load(&server.open_most) <= 3);
    small_server_stop(&server);
}

/* Answers that come in pieces on several connections at once must not mix. */
static void check_pieces_side_by_side(void **state)
{
    (void)state;
    static const struct row pieces = {
        .answer = "HTTP/1.1 200 A reason of some length\r\nX-Padding: 0123456789abcdef\r\n"
                  "Content-Length: 10\r\n\r\n0123456789",
        .in_bytes = true};
    struct small_server server;
    struct call calls[REQUESTS];
    small_server_start(&server, talk_by_row, &pieces);
    struct engine *engine = new_engine(server.url, REQUESTS, LIMIT_NS);
    for (size_t round = 0; round < 10; round++) {
        ended_count = 0;
        for (size_t i = 0; i < REQUESTS; i++)
            calls[i] = new_call(GET);
        run_calls(engine, calls, REQUESTS);
        for (size_t i = 0; i < REQUESTS; i++) {
            assert_int_equal(calls[i].request.outcome, STATUS_OK);
            assert_string_equal(calls[i].body_start, "0123456789");
        }
    }
    engine_free(engine);
    small_server_stop(&server);
}

/* Answers how many requests came on this connection. */
static void talk_count(struct small_server *server, int fd)
{
    char request[4096], answer[128];
    for (unsigned count = 1; small_server_read(server, fd, request, sizeof(request)) > 0; count++) {
        int length = snprintf(answer, sizeof(answer), OK11 "Content-Length: 3\r\n\r\n%03u", count);
        if (!small_server_write(fd, answer, (size_t)length))
            return;
    }
}

static void check_warm_first(void **state)
{
    (void)state;
    struct small_server server;
    struct call calls[] = {new_call(GET), new_call(GET)};
    small_server_start(&server, talk_count, NULL);
    struct engine *engine = new_engine(server.url, 2, LIMIT_NS);
    run_calls(engine, calls, 2);
    while (engine_counts(engine).connections < 2) { /* one may have served both */
        calls[0] = new_call(GET);
        calls[1] = new_call(GET);
        ended_count = 0;
        run_calls(engine, calls, 2);
    }
    unsigned long served = 0;
    for (unsigned i = 0; i < 5; i++) {
        struct call call = new_call(GET);
        ended_count = 0;
        run_calls(engine, &call, 1);
        unsigned long now = strtoul(call.body_start, NULL, 10);
        assert_true(i == 0 || now == served + 1);
        served = now;
    }
    engine_free(engine);
    small_server_stop(&server);
}

static void check_queue_full(void **state)
{
    (void)state;
    struct call calls[REQUESTS + 1];
    struct engine *engine = new_engine("http://127.0.0.1:1", 1, LIMIT_NS);
    for (size_t i = 0; i <= REQUESTS; i++) {
        calls[i] = new_call(GET);
        assert_int_equal(engine_submit(engine, &calls[i].request),
                         i < REQUESTS ? STATUS_OK : STATUS_BUSY);
    }
    assert_int_equal(engine_counts(engine).waiting, REQUESTS);
    engine_abandon(engine);
    assert_int_equal(ended_count, REQUESTS);
    engine_free(engine);
}

/* A port where nobody listens: of a server that is gone. */
static void check_refused(void **state)
{
    (void)state;
    struct small_server server;
    struct call calls[REQUESTS];
    small_server_start(&server, talk_by_row, &plain);
    small_server_stop(&server);
    struct engine *engine = new_engine(server.url, 3, LIMIT_NS);
    for (size_t i = 0; i < REQUESTS; i++)
        calls[i] = new_call(GET);
    run_calls(engine, calls, REQUESTS);
    for (size_t i = 0; i < REQUESTS; i++) {
        assert_int_equal(calls[i].request.outcome, STATUS_REFUSED);
        assert_false(calls[i].written);
        assert_true(calls[i].request.sent_ns == 0);
    }
    assert_int_equal(engine_counts(engine).connections, 0);
    engine_free(engine);
}

/* ---- time */

static void talk_never(struct small_server *server, int fd)
{
    char request[4096];
    while (small_server_read(server, fd, request, sizeof(request)) > 0)
        ;
}

static void check_timeout(void **state)
{
    (void)state;
    const uint64_t timeout_ns = 30 * NS_PER_MS;
    struct small_server server;
    small_server_start(&server, talk_never, NULL);
    struct engine *engine = new_engine(server.url, 1, timeout_ns);
    struct call calls[] = {new_call(GET), new_call(GET)};
    run_calls(engine, calls, 2);
    assert_int_equal(calls[0].request.outcome, STATUS_TIMEOUT);
    assert_true(calls[0].request.done_ns - calls[0].request.sent_ns >= timeout_ns);
    /* The only connection was taken. */
    assert_int_equal(calls[1].request.outcome, STATUS_BUSY);
    assert_false(calls[1].written);
    assert_true(calls[1].request.done_ns - calls[1].request.submitted_ns >= timeout_ns);
    assert_int_equal(engine_counts(engine).connections, 0);
    engine_free(engine);
    small_server_stop(&server);
}

static void check_abandon(void **state)
{
    (void)state;
    struct small_server server;
    small_server_start(&server, talk_never, NULL);
    struct engine *engine = new_engine(server.url, 1, LIMIT_NS);
    struct call calls[] = {new_call(GET), new_call(GET)};
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(engine_submit(engine, &calls[i].request), STATUS_OK);
    while (engine_counts(engine).in_flight == 0)
        assert_int_equal(engine_poll(engine, clock_mono_ns() + NS_PER_S), STATUS_OK);
    engine_abandon(engine);
    assert_int_equal(ended_count, 2);
    assert_int_equal(calls[0].request.outcome, STATUS_INTERRUPTED);
    assert_true(calls[0].request.sent_ns > 0);
    assert_int_equal(calls[1].request.outcome, STATUS_INTERRUPTED);
    assert_true(calls[1].request.sent_ns == 0);
    engine_free(engine);
    small_server_stop(&server);
}

static void check_idle(void **state)
{
    (void)state;
    struct small_server server;
    small_server_start(&server, talk_by_row, &plain);
    struct engine_config config = {.connection_limit = 1,
                                   .queue_max = 1,
                                   .request_timeout_ns = LIMIT_NS,
                                   .connect_timeout_ns = LIMIT_NS,
                                   .idle_max_ns = 5 * NS_PER_MS};
    struct engine *engine;
    struct call call = new_call(GET);
    config.body_max_bytes = BODY_MAX;
    ended_count = 0;
    assert_int_equal(origin_parse(&config.origin, server.url, NULL), STATUS_OK);
    assert_int_equal(engine_new(&config, &engine, NULL), STATUS_OK);
    run_calls(engine, &call, 1);
    uint64_t deadline_ns = clock_mono_ns() + LIMIT_NS;
    while (engine_counts(engine).connections > 0 && clock_mono_ns() < deadline_ns)
        assert_int_equal(engine_poll(engine, deadline_ns), STATUS_OK);
    assert_true(clock_mono_ns() - call.request.done_ns >= config.idle_max_ns);
    assert_true(clock_mono_ns() < deadline_ns);
    engine_free(engine);
    small_server_stop(&server);
}

static void check_wakes(void **state)
{
    (void)state;
    struct engine *engine = new_engine("http://127.0.0.1:1", 1, LIMIT_NS);
    uint64_t until_ns = clock_mono_ns() + 3 * NS_PER_MS;
    assert_int_equal(engine_poll(engine, until_ns), STATUS_OK);
    assert_true(clock_mono_ns() >= until_ns);
    engine_free(engine);
}

/* What is expected may come, come earlier, or not at all: no wait is longer for it. */
static void check_expect(void **state)
{
    (void)state;
    struct engine *engine = new_engine("http://127.0.0.1:1", 1, LIMIT_NS);
    uint64_t start_ns = clock_mono_ns();
    for (uint64_t turn = 1; turn <= 4; turn++) {
        uint64_t until_ns = start_ns + turn * NS_PER_MS;
        engine_expect(engine, turn % 2 ? until_ns + NS_PER_MS : until_ns + 3600 * NS_PER_S);
        while (clock_mono_ns() < until_ns)
            assert_int_equal(engine_poll(engine, until_ns), STATUS_OK);
    }
    engine_free(engine);
}

/* ---- large requests, and requests from callbacks */

static in_port_t narrow_port;

static void talk_slowly(struct small_server *server, int fd)
{
    static const char answer[] = OK11 "Content-Length: 2\r\n\r\nhi";
    char *request = malloc(SMALL_SERVER_REQUEST_MAX);
    const int small = 4096;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    while (request && small_server_read(server, fd, request, SMALL_SERVER_REQUEST_MAX) > 0)
        small_server_write(fd, answer, sizeof(answer) - 1);
    free(request);
}

/* The engine's own socket, found by where it leads to: made to take a little at a time. */
static void write_through_small_socket(struct engine_request *request, struct buffer *out)
{
    const int small = 1;
    struct sockaddr_in peer;
    for (int fd = 0; fd < 256; fd++) {
        socklen_t length = sizeof(peer);
        if (getpeername(fd, (struct sockaddr *)&peer, &length) == 0 && peer.sin_port == narrow_port)
            setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    }
    write_call(request, out);
}

static void check_large_request(void **state)
{
    (void)state;
    enum { BYTES = 64000 };
    char *text = malloc(BYTES + 1);
    int head = snprintf(text, BYTES, "PUT / HTTP/1.1\r\nContent-Length: 63000\r\n\r\n");
    memset(text + head, 'x', 63000);
    struct small_server server;
    small_server_start(&server, talk_slowly, NULL);
    struct engine *engine = new_engine(server.url, 1, LIMIT_NS);
    struct call calls[] = {new_call(text), new_call(text)};
    calls[0].text_bytes = calls[1].text_bytes = (size_t)head + 63000;
    calls[0].request.write = calls[1].request.write = write_through_small_socket;
    narrow_port = htons((uint16_t)atoi(strrchr(server.url, ':') + 1));
    run_calls(engine, calls, 2);
    assert_int_equal(calls[0].request.outcome, STATUS_OK);
    assert_int_equal(calls[1].request.outcome, STATUS_OK);
    assert_int_equal(atomic_load(&server.requests), 2);
    engine_free(engine);
    small_server_stop(&server);
    free(text);
}

static void check_too_large_request(void **state)
{
    (void)state;
    static char text[65537];
    struct small_server server;
    memset(text, 'x', sizeof(text));
    small_server_start(&server, talk_by_row, &plain);
    struct engine *engine = new_engine(server.url, 1, LIMIT_NS);
    struct call call = new_call(text);
    call.text_bytes = sizeof(text);
    run_calls(engine, &call, 1);
    assert_int_equal(call.request.outcome, STATUS_TOO_LARGE);
    engine_free(engine);
    small_server_stop(&server);
}

struct chain {
    struct engine_request request; /* first */
    struct engine *engine;
    unsigned left;
};

static void write_chain(struct engine_request *request, struct buffer *out)
{
    (void)request;
    buffer_append_text(out, GET);
}

static void end_chain(struct engine_request *request, struct text body)
{
    struct chain *chain = (struct chain *)request;
    (void)body;
    assert_int_equal(request->outcome, STATUS_OK);
    ended_count++;
    if (chain->left-- > 1)
        assert_int_equal(engine_submit(chain->engine, request), STATUS_OK);
}

static void check_chain(void **state)
{
    (void)state;
    struct small_server server;
    small_server_start(&server, talk_by_row, &plain);
    struct chain chain = {.request = {.write = write_chain, .ended = end_chain}, .left = 50};
    chain.engine = new_engine(server.url, 8, LIMIT_NS);
    assert_int_equal(engine_submit(chain.engine, &chain.request), STATUS_OK);
    wait_for(chain.engine, 50);
    assert_int_equal(engine_counts(chain.engine).connects, 1);
    engine_free(chain.engine);
    small_server_stop(&server);
}

static void check_bad_config(void **state)
{
    (void)state;
    struct engine_config config = {0};
    struct error error = {0};
    struct engine *engine = (struct engine *)&config;
    assert_int_equal(engine_new(&config, &engine, &error), STATUS_INVALID);
    assert_null(engine);
    assert_true(error.text[0] != '\0');
    engine_free(NULL);
}

int main(void)
{
    struct rows all = {0};
    ROWS(&all, rows, check_row);
    rows_one(&all, "it never opens more connections than it may, and serves the oldest first",
             check_limit);
    rows_one(&all, "it keeps answers in pieces apart", check_pieces_side_by_side);
    rows_one(&all, "it uses the connection first that was used last", check_warm_first);
    rows_one(&all, "it refuses a request when the queue is full", check_queue_full);
    rows_one(&all, "it reports each request that finds nobody listening", check_refused);
    rows_one(&all, "it gives up on answers and on free connections in time", check_timeout);
    rows_one(&all, "it ends what is in flight and what waits when told", check_abandon);
    rows_one(&all, "it closes connections that were idle too long", check_idle);
    rows_one(&all, "it comes back at the time that it is given, not before", check_wakes);
    rows_one(&all, "it wakes in time whatever is expected behind that", check_expect);
    rows_one(&all, "it goes on sending where the other side reads slowly", check_large_request);
    rows_one(&all, "it reports a request over the limit", check_too_large_request);
    rows_one(&all, "it takes the next request from a callback on the same connection", check_chain);
    rows_one(&all, "it refuses limits of nothing", check_bad_config);
    return rows_run("engine", &all);
}
