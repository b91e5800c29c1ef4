#include "loadgen/window/readback.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/hex.h"
#include "loadgen/window/fragments.h"
#include "tests/unit/rows.h"

/* A back end in a thread: every trace has a client root and, `whole` times, its server span. What
 * is searched for are fragments: the server spans alone, one trace each. */
struct back_end {
    int fd;
    char url[64];
    pthread_t thread;
    atomic_bool is_whole;     /* else the server span is missing */
    atomic_uint absent_reads; /* answered with 404 first */
    atomic_uint fragments;
    atomic_uint reads, searches;
};

static const char topology_json[] =
    "{\"services\": [{\"name\": \"edge\", \"kind\": \"service\", \"port\": 1001, \"routes\": ["
    "{\"method\": \"GET\", \"path\": \"/in\", \"calls\": []}]}]}";

static void write_span(struct buffer *out, const char *trace_id, const char *span_id,
                       const char *parent_id, int kind, const char *service, uint64_t at_ns)
{
    buffer_printf(out,
                  "{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{"
                  "\"stringValue\":\"%s\"}}]},\"scopeSpans\":[{\"spans\":[{\"traceId\":\"%s\","
                  "\"spanId\":\"%s\",\"parentSpanId\":\"%s\",\"name\":\"GET /in\",\"kind\":%d,"
                  "\"startTimeUnixNano\":\"%llu\",\"endTimeUnixNano\":\"%llu\"}]}]}",
                  service, trace_id, span_id, parent_id, kind, (unsigned long long)at_ns,
                  (unsigned long long)at_ns + 1000);
}

static void write_trace(struct back_end *back_end, const char *trace_id, struct buffer *out)
{
    buffer_append_text(out, "{\"result\":{\"resourceSpans\":[");
    write_span(out, trace_id, "0000000000000001", "", 3, "loadgen", 1000);
    if (atomic_load(&back_end->is_whole)) {
        buffer_append_text(out, ",");
        write_span(out, trace_id, "0000000000000002", "0000000000000001", 2, "edge", 1000);
    }
    buffer_append_text(out, "]}}");
}

static void write_fragments(struct back_end *back_end, struct buffer *out)
{
    unsigned count = atomic_exchange(&back_end->fragments, 0);
    buffer_append_text(out, "{\"result\":{\"resourceSpans\":[");
    for (unsigned i = 0; i < count; i++) {
        char trace_id[33];
        snprintf(trace_id, sizeof trace_id, "ff%030u", i);
        buffer_append_text(out, i ? "," : "");
        write_span(out, trace_id, "0000000000000009", "", 2, "edge", 1000);
    }
    buffer_append_text(out, "]}}");
}

static void answer(struct back_end *back_end, int connection, char *request)
{
    static const char one[] = "GET /api/v3/traces/";
    struct buffer body, out;
    unsigned status = 200;
    buffer_init(&body, 1 << 20);
    buffer_init(&out, 1 << 20);
    if (strncmp(request, one, strlen(one)) == 0) {
        char *id = request + strlen(one);
        id[32] = '\0';
        atomic_fetch_add(&back_end->reads, 1);
        if (atomic_load(&back_end->absent_reads) > 0) {
            atomic_fetch_sub(&back_end->absent_reads, 1);
            status = 404;
        } else {
            write_trace(back_end, id, &body);
        }
    } else {
        atomic_fetch_add(&back_end->searches, 1);
        write_fragments(back_end, &body);
    }
    buffer_printf(&out, "HTTP/1.1 %u X\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
                  status, body.length_bytes, buffer_text(&body));
    (void)!send(connection, out.data, out.length_bytes, MSG_NOSIGNAL);
    buffer_release(&body);
    buffer_release(&out);
}

/* One request a connection: readers and searchers take turns. */
static void *serve(void *context)
{
    struct back_end *back_end = context;
    int connection;
    while ((connection = accept(back_end->fd, NULL, NULL)) >= 0) {
        char request[4096];
        ssize_t got = recv(connection, request, sizeof request - 1, 0);
        if (got > 0) {
            request[got] = '\0';
            answer(back_end, connection, request);
        }
        close(connection);
    }
    return NULL;
}

static void start(struct back_end *back_end)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    memset(back_end, 0, sizeof *back_end);
    back_end->is_whole = true;
    back_end->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(back_end->fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(back_end->fd, 8), 0);
    assert_int_equal(getsockname(back_end->fd, (struct sockaddr *)&address, &size), 0);
    snprintf(back_end->url, sizeof back_end->url, "http://127.0.0.1:%u", ntohs(address.sin_port));
    assert_int_equal(pthread_create(&back_end->thread, NULL, serve, back_end), 0);
}

static void stop(struct back_end *back_end)
{
    shutdown(back_end->fd, SHUT_RDWR);
    pthread_join(back_end->thread, NULL);
    close(back_end->fd);
}

struct bench {
    struct back_end back_end;
    struct topology topology;
    struct plan plans[READBACK_STEPS];
    struct readback *readback;
};

static void open_bench(struct bench *bench)
{
    struct error error = {0};
    start(&bench->back_end);
    assert_int_equal(
        topology_parse(&bench->topology, topology_json, strlen(topology_json), "t", &error),
        STATUS_OK);
    for (int i = 0; i < READBACK_STEPS; i++)
        assert_int_equal(
            plan_build(&bench->plans[i], &bench->topology, "edge", "GET", "/in", &error),
            STATUS_OK);
    assert_int_equal(readback_new(&bench->readback,
                                  &(struct readback_config){.query_url = bench->back_end.url,
                                                            .plans = bench->plans,
                                                            .flow_count = 10,
                                                            .thread_count = 1},
                                  &error),
                     STATUS_OK);
}

static void close_bench(struct bench *bench)
{
    readback_free(bench->readback);
    stop(&bench->back_end);
    topology_release(&bench->topology);
}

static void push(struct bench *bench, uint64_t flow, enum load_outcome outcome, bool sampled)
{
    struct window_request request = {.sample = {.number = flow,
                                                .step = WINDOW_CART,
                                                .outcome = outcome,
                                                .done_ns = clock_mono_ns()},
                                     .cart_lines = 1,
                                     .sampled = sampled};
    request.sample.trace_id[0] = (uint8_t)(flow + 1);
    readback_push(bench->readback, &request);
}

static uint64_t soon(void)
{
    return clock_mono_ns() + 20 * NS_PER_S;
}

static void check_whole(void **state)
{
    (void)state;
    struct bench bench;
    uint8_t known[16] = {1}, unknown[16] = {200};
    open_bench(&bench);
    for (uint64_t flow = 0; flow < 5; flow++)
        push(&bench, flow, LOAD_OK, true);
    push(&bench, 5, LOAD_OK, false);
    assert_true(readback_wait(bench.readback, soon()));
    const struct readback_totals *totals = readback_totals(bench.readback);
    assert_int_equal(totals->requests, 5);
    assert_int_equal(totals->arrived, 5);
    assert_int_equal(totals->connected, 5);
    assert_int_equal(totals->as_expected, 5);
    assert_int_equal(totals->found, 10);
    assert_int_equal(readback_sample(bench.readback)->count, 5);
    assert_int_equal(readback_polled_latency(bench.readback)->count, 1);
    assert_true(readback_knows(bench.readback, known));
    assert_false(readback_knows(bench.readback, unknown));
    assert_string_equal(readback_trouble(bench.readback), "");
    close_bench(&bench);
}

static void check_late(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench);
    atomic_store(&bench.back_end.absent_reads, 3);
    push(&bench, 0, LOAD_OK, true);
    assert_true(readback_wait(bench.readback, soon()));
    assert_int_equal(readback_totals(bench.readback)->arrived, 1);
    assert_int_equal(readback_totals(bench.readback)->absent, 0);
    assert_true(atomic_load(&bench.back_end.reads) >= 5);
    close_bench(&bench);
}

static void check_given_up(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench);
    atomic_store(&bench.back_end.is_whole, false);
    push(&bench, 0, LOAD_OK, true);
    push(&bench, 1, LOAD_OK, true);
    assert_int_equal(readback_open_count(bench.readback), 2);
    readback_give_up(bench.readback);
    assert_true(readback_wait(bench.readback, soon()));
    assert_int_equal(readback_totals(bench.readback)->requests, 2);
    assert_int_equal(readback_totals(bench.readback)->unread, 2);
    close_bench(&bench);
}

static void check_fragments(void **state)
{
    (void)state;
    struct bench bench;
    struct fragments fragments;
    struct error error = {0};
    open_bench(&bench);
    atomic_store(&bench.back_end.is_whole, false);
    for (uint64_t flow = 0; flow < 3; flow++)
        push(&bench, flow, LOAD_OK, true);
    assert_true(readback_wait(bench.readback, soon()));
    const struct readback_totals *totals = readback_totals(bench.readback);
    assert_int_equal(totals->arrived, 0);
    assert_int_equal(totals->lost, 3);
    assert_int_equal(totals->never_made, 0);
    atomic_store(&bench.back_end.fragments, 2);
    struct fragments_window window = {.query_url = bench.back_end.url,
                                      .plans = bench.plans,
                                      .start_wall_ns = NS_PER_S,
                                      .end_wall_ns = 2 * NS_PER_S,
                                      .deadline_ns = soon()};
    size_t kept = readback_sample(bench.readback)->count;
    assert_int_equal(fragments_search(bench.readback, &window, &fragments, &error), STATUS_OK);
    assert_int_equal(fragments.traces, 2);
    assert_int_equal(fragments.restored, 2);
    assert_int_equal(fragments.requests_restored, 2);
    assert_int_equal(readback_sample(bench.readback)->count, kept + 2);
    close_bench(&bench);
}

static void check_refused(void **state)
{
    (void)state;
    struct readback *readback;
    struct error error = {0};
    assert_int_equal(
        readback_new(&readback, &(struct readback_config){.query_url = "ftp://x"}, &error),
        STATUS_INVALID);
    assert_null(readback);
}

int main(void)
{
    static struct rows all;
    rows_one(&all, "it reads each trace once, and leaves out what was not sampled", check_whole);
    rows_one(&all, "it asks again for what is not there yet", check_late);
    rows_one(&all, "it counts what was given up as unread", check_given_up);
    rows_one(&all, "it finds missing spans in traces that nobody knows", check_fragments);
    rows_one(&all, "it refuses an address that is none", check_refused);
    return rows_run("readback", &all);
}
