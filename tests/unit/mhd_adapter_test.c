/* Server spans of a real libmicrohttpd daemon, asked by raw requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <microhttpd.h>

#include "trace/adapters/mhd.h"
#include "trace/baggage.h"
#include "trace_sink.h"

static struct sink sink;
static struct MHD_Daemon *daemon_of_test;
static uint16_t port;

static const char *route_of(const char *path)
{
    return strcmp(path, "/nowhere") == 0 ? NULL : "/carts/{id}";
}

static unsigned status_of(const char *path)
{
    if (strcmp(path, "/carts/500") == 0)
        return 503;
    return strcmp(path, "/nowhere") == 0 ? 404 : 200;
}

/* cmocka's own assertions work on the main thread alone. */
static void require(bool holds)
{
    if (!holds)
        abort();
}

/* The path "/carts/broken" stands for a connection that broke before its answer. */
static enum MHD_Result handle(void *closure, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **state)
{
    struct trace_mhd_request request;
    char baggage[64] = "none";
    (void)closure, (void)version, (void)upload, (void)state;
    *upload_size = 0;
    trace_mhd_begin(&request, connection, method, path, route_of(path));
    require(context_current().span == request.span);
    if (context_current().baggage != NULL)
        (void)!baggage_find(context_current().baggage, "user", baggage, sizeof baggage);
    span_set_text(request.span, SPAN_KEY("test.baggage"), text_of(baggage));
    bool broken = strcmp(path, "/carts/broken") == 0;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
    enum MHD_Result result = MHD_queue_response(connection, status_of(path), response);
    MHD_destroy_response(response);
    trace_mhd_sizes(&request, strcmp(method, "POST") == 0 ? 12 : 0, 34);
    trace_mhd_end(&request, broken ? 0 : status_of(path), broken ? "connection_closed" : NULL);
    require(context_current().span == NULL);
    return result;
}

static int start(void **state)
{
    (void)state;
    static const char *const script[] = {SINK_OK};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    sink_start(&sink, script, 1);
    sink_trace(&sink, NULL);
    daemon_of_test = MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
            MHD_USE_ITC,
        0, NULL, NULL, handle, NULL, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_END);
    if (daemon_of_test == NULL)
        return -1;
    port = MHD_get_daemon_info(daemon_of_test, MHD_DAEMON_INFO_BIND_PORT)->port;
    return 0;
}

static int stop(void **state)
{
    (void)state;
    MHD_stop_daemon(daemon_of_test);
    enum status status = tracing_shutdown(sink_soon());
    sink_stop(&sink);
    return status == STATUS_OK ? 0 : -1;
}

/* Digits of each count. */
#define OWN_ADDRESS "127.0.24.108"

/* Sends the text and reads until the connection ends. */
static void ask(const char *text)
{
    char answer[4096];
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in own = {.sin_family = AF_INET};
    int client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(inet_pton(AF_INET, OWN_ADDRESS, &own.sin_addr), 1);
    assert_int_equal(bind(client, (struct sockaddr *)&own, sizeof own), 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(send(client, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    while (recv(client, answer, sizeof answer, 0) > 0)
        continue;
    close(client);
}

static struct sink_span arrived(const char *name)
{
    struct sink_span span;
    assert_int_equal(tracing_flush(sink_soon()), STATUS_OK);
    assert_int_equal(sink_find(&sink, name, &span), 1);
    return span;
}

#define TAIL "Connection: close\r\n\r\n"
#define ID   "0af7651916cd43dd8448eb211c80319c"

static void makes_a_server_span(void **state)
{
    (void)state;
    ask("GET /carts/7?a=b%20c&sig=secret&Sig=s&token=t%20t&flag HTTP/1.1\r\nHost: "
        "shop.example:8081\r\n"
        "User-Agent: tester/1 \r\n" TAIL);
    struct sink_span span = arrived("GET /carts/{id}");
    assert_int_equal(span.kind, OTLP_KIND_SERVER);
    assert_false(span.has_parent);
    assert_true(sink_has_text(&span, "http.request.method", "GET"));
    assert_true(sink_has_text(&span, "http.route", "/carts/{id}"));
    assert_true(sink_has_text(&span, "url.path", "/carts/7"));
    assert_true(
        sink_has_text(&span, "url.query", "a=b%20c&sig=REDACTED&Sig=s&token=REDACTED&flag"));
    assert_true(sink_has_text(&span, "url.scheme", "http"));
    assert_true(sink_has_text(&span, "server.address", "shop.example"));
    assert_true(sink_has_i64(&span, "server.port", 8081));
    assert_true(sink_has_text(&span, "client.address", OWN_ADDRESS));
    assert_true(sink_has_text(&span, "network.peer.address", OWN_ADDRESS));
    assert_non_null(sink_attribute(&span, "network.peer.port"));
    assert_true(sink_has_text(&span, "network.protocol.version", "1.1"));
    assert_true(sink_has_text(&span, "user_agent.original", "tester/1"));
    assert_true(sink_has_i64(&span, "http.response.status_code", 200));
    assert_true(sink_has_i64(&span, "http.response.body.size", 34));
    assert_null(sink_attribute(&span, "http.request.body.size"));
    assert_true(sink_has_text(&span, "test.baggage", "none"));
    assert_null(sink_attribute(&span, "error.type"));
    assert_int_equal(span.status_code, OTLP_STATUS_UNSET);
}

static void follows_the_status_rules(void **state)
{
    (void)state;
    static const struct {
        const char *name, *request, *span, *error_type;
        uint64_t status;
    } rows[] = {
        {"it leaves 4xx unset", "GET /nowhere HTTP/1.1\r\nHost: a\r\n" TAIL, "GET", NULL,
         OTLP_STATUS_UNSET},
        {"it marks 5xx as error", "POST /carts/500 HTTP/1.1\r\nHost: a\r\n" TAIL,
         "POST /carts/{id}", "503", OTLP_STATUS_ERROR},
        {"it tells a broken connection", "PUT /carts/broken HTTP/1.1\r\nHost: a\r\n" TAIL,
         "PUT /carts/{id}", "connection_closed", OTLP_STATUS_ERROR},
        {"it names an unknown method HTTP", "BREW /carts/1 HTTP/1.1\r\nHost: a\r\n" TAIL,
         "HTTP /carts/{id}", NULL, OTLP_STATUS_UNSET},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ask(rows[i].request);
        struct sink_span span = arrived(rows[i].span);
        const struct sink_attribute *type = sink_attribute(&span, "error.type");
        if (span.status_code != rows[i].status || (type == NULL) != (rows[i].error_type == NULL) ||
            (type != NULL && !text_is(type->text, rows[i].error_type)))
            fail_msg("%s", rows[i].name);
    }
    struct sink_span span = arrived("POST /carts/{id}");
    assert_true(sink_has_i64(&span, "http.request.body.size", 12));
    span = arrived("HTTP /carts/{id}");
    assert_true(sink_has_text(&span, "http.request.method", "_OTHER"));
    assert_true(sink_has_text(&span, "http.request.method_original", "BREW"));
}

static void reads_repeated_headers(void **state)
{
    (void)state;
    ask("DELETE /carts/1 HTTP/1.1\r\nHost: a\r\n"
        "TraceParent: \t00-" ID "-b7ad6b7169203331-01 \t\r\n"
        "tracestate: a=1,b=2 \r\nbaggage: user=alice\r\nTraceState: c=3\r\n"
        "Baggage: other=1, user=bob\r\n" TAIL);
    struct sink_span span = arrived("DELETE /carts/{id}");
    assert_true(span.has_parent);
    assert_memory_equal(span.parent_id, "\xb7\xad\x6b\x71\x69\x20\x33\x31", 8);
    assert_memory_equal(span.trace_id, "\x0a\xf7\x65\x19", 4);
    assert_int_equal(span.flags, 0x301);
    assert_true(text_is(span.trace_state, "a=1,b=2,c=3"));
    assert_true(sink_has_text(&span, "test.baggage", "bob"));
}

static void reads_more_headers_than_usual(void **state)
{
    (void)state;
    char request[2048] = "OPTIONS /carts/1 HTTP/1.1\r\n";
    for (int i = 0; i < 60; i++)
        strcat(request, "X-Other: 1\r\n");
    strcat(request, "Host: a\r\ntraceparent: 00-" ID "-b7ad6b7169203331-01 \r\nX-More: 1\r\n"
                    "baggage: user=carol \r\n" TAIL);
    ask(request);
    struct sink_span span = arrived("OPTIONS /carts/{id}");
    assert_memory_equal(span.parent_id, "\xb7\xad\x6b\x71\x69\x20\x33\x31", 8);
    assert_true(sink_has_text(&span, "server.address", "a"));
    assert_true(sink_has_text(&span, "test.baggage", "carol"));
}

static void starts_anew_on_two_parents(void **state)
{
    (void)state;
    ask("PATCH /carts/1 HTTP/1.1\r\nHost: a\r\ntraceparent: 00-" ID "-b7ad6b7169203331-01\r\n"
        "traceparent: 00-" ID "-b7ad6b7169203332-01\r\ntracestate: a=1\r\n" TAIL);
    struct sink_span span = arrived("PATCH /carts/{id}");
    assert_false(span.has_parent);
    assert_int_equal(span.trace_state.length, 0);
}

/* What propagators read besides these is tested with them: here, that they are asked. */
static void reads_other_formats(void **state)
{
    (void)state;
    const struct propagator *used[PROPAGATORS_MAX];
    const struct propagator *const other[PROPAGATORS_MAX] = {propagator_find(TEXT_LITERAL("b3"))};
    propagation_used(used);
    propagation_use(other);
    ask("HEAD /carts/1 HTTP/1.1\r\nHost: a\r\ntraceparent: 00-" ID "-b7ad6b7169203332-01\r\n"
        "B3: " ID "-b7ad6b7169203331-d \r\n" TAIL);
    propagation_use(used);
    struct sink_span span = arrived("HEAD /carts/{id}");
    assert_memory_equal(span.trace_id, "\x0a\xf7\x65\x19", 4);
    assert_memory_equal(span.parent_id, "\xb7\xad\x6b\x71\x69\x20\x33\x31", 8);
    assert_int_equal(span.flags, 0x301); /* debug is no flag of the protocol */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_a_server_span),    cmocka_unit_test(follows_the_status_rules),
        cmocka_unit_test(reads_repeated_headers), cmocka_unit_test(starts_anew_on_two_parents),
        cmocka_unit_test(reads_other_formats),    cmocka_unit_test(reads_more_headers_than_usual),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
