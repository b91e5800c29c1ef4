/* Client spans of real libcurl transfers against a loopback server, with easy and multi. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "trace/adapters/curl.h"
#include "trace/propagation.h"
#include "trace_sink.h"

static const struct tracer tracer = {.name = "curl-test"};
static struct sink sink;   /* of spans */
static struct sink server; /* what is called; answers by its script */

static const char *const answers[] = {
    SINK_OK,
    "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
    NULL,
    SINK_OK,
};

static int start(void **state)
{
    (void)state;
    static const char *const script[] = {SINK_OK};
    curl_global_init(CURL_GLOBAL_DEFAULT);
    sink_start(&sink, script, 1);
    sink_trace(&sink, NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    enum status status = tracing_shutdown(sink_soon());
    sink_stop(&sink);
    curl_global_cleanup();
    return status == STATUS_OK ? 0 : -1;
}

static struct sink_span arrived(const char *name)
{
    struct sink_span span;
    assert_int_equal(tracing_flush(sink_soon()), STATUS_OK);
    assert_int_equal(sink_find(&sink, name, &span), 1);
    return span;
}

static size_t discard(char *data, size_t size, size_t count, void *into)
{
    (void)data, (void)into;
    return size * count;
}

static CURLcode perform(CURL *easy, bool multi)
{
    if (!multi)
        return curl_easy_perform(easy);
    CURLM *handle = curl_multi_init();
    int running = 1, left;
    curl_multi_add_handle(handle, easy);
    while (running > 0) {
        curl_multi_perform(handle, &running);
        if (running > 0)
            curl_multi_poll(handle, NULL, 0, 1000, NULL);
    }
    CURLcode result = curl_multi_info_read(handle, &left)->data.result;
    curl_multi_remove_handle(handle, easy);
    curl_multi_cleanup(handle);
    return result;
}

static void call(const struct trace_curl_call *call, bool multi)
{
    CURL *easy = curl_easy_init();
    struct curl_slist *headers = NULL;
    struct span *span = trace_curl_begin(call, &headers);
    curl_easy_setopt(easy, CURLOPT_URL, call->url);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 10000L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
    trace_curl_end(span, easy, perform(easy, multi));
    curl_slist_free_all(headers);
    curl_easy_cleanup(easy);
}

static void follows_the_conventions(void **state)
{
    (void)state;
    static const struct {
        const char *name, *template, *error_type;
        int64_t code;
        uint64_t status;
        bool multi;
    } rows[] = {
        {"it succeeds", "/ok/{id}", NULL, 200, OTLP_STATUS_UNSET, false},
        {"it takes 4xx as an error", "/missing/{id}", "404", 404, OTLP_STATUS_ERROR, true},
        {"it takes 5xx as an error", "/down/{id}", "503", 503, OTLP_STATUS_ERROR, false},
        {"it names a closed connection", "/closed/{id}", "connection_closed", 0, OTLP_STATUS_ERROR,
         true},
    };
    sink_start(&server, answers, sizeof answers / sizeof answers[0]);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char url[256], name[64];
        snprintf(url, sizeof url,
                 "http://me:pass@127.0.0.1:%u/a/7?id=7&sig=secret&Sig=s&token=t%%20t&"
                 "%%74o%%6Ben=t&%%73%%69%%67=s&%%54oken=t&%%7&x&e=#part",
                 server.port);
        snprintf(name, sizeof name, "GET %s", rows[i].template);
        struct trace_curl_call one = {"GET", url, rows[i].template, true, (unsigned)i};
        call(&one, rows[i].multi);
        struct sink_span span = arrived(name);
        const struct sink_attribute *type = sink_attribute(&span, "error.type");
        snprintf(url, sizeof url,
                 "http://REDACTED:REDACTED@127.0.0.1:%u/a/7?id=7&sig=REDACTED&Sig=s&token=REDACTED&"
                 "%%74o%%6Ben=REDACTED&%%73%%69%%67=REDACTED&%%54oken=t&%%7&x&e=",
                 server.port);
        if (span.kind != OTLP_KIND_CLIENT || span.status_code != rows[i].status ||
            (type == NULL) != (rows[i].error_type == NULL) ||
            (type != NULL && !text_is(type->text, rows[i].error_type)) ||
            sink_has_i64(&span, "http.response.status_code", rows[i].code) != (rows[i].code > 0) ||
            sink_has_i64(&span, "http.request.resend_count", (int64_t)i) != (i > 0) ||
            (sink_attribute(&span, "http.response.body.size") != NULL) != (rows[i].code > 0) ||
            !sink_has_text(&span, "url.full", url) ||
            !sink_has_text(&span, "url.template", rows[i].template) ||
            !sink_has_text(&span, "server.address", "127.0.0.1") ||
            !sink_has_i64(&span, "server.port", server.port) ||
            !sink_has_text(&span, "network.peer.address", "127.0.0.1") ||
            !sink_has_text(&span, "http.request.method", "GET"))
            fail_msg("%s", rows[i].name);
    }
    sink_stop(&server);
}

static void names_a_refused_connection(void **state)
{
    (void)state;
    /* A port that was just given back: nobody listens there. */
    static const char *const script[] = {SINK_OK};
    sink_start(&server, script, 1);
    uint16_t port = server.port;
    sink_stop(&server);
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", port);
    struct trace_curl_call one = {"HEAD", url, NULL, true, 0};
    call(&one, false);
    struct sink_span span = arrived("HEAD");
    assert_true(sink_has_text(&span, "error.type", "connection_refused"));
    assert_int_equal(span.status_code, OTLP_STATUS_ERROR);
    assert_null(sink_attribute(&span, "http.response.status_code"));
}

static bool sent(const char *header)
{
    pthread_mutex_lock(&server.lock);
    bool found = strstr(server.last_head, header) != NULL;
    pthread_mutex_unlock(&server.lock);
    return found;
}

static void sends_the_context(void **state)
{
    (void)state;
    static const char *const script[] = {SINK_OK};
    struct remote_context remote;
    char url[64], line[128];
    sink_start(&server, script, 1);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/plain#part", server.port);
    struct text lines = TEXT_LITERAL("traceparent: 00-0af7651916cd43dd8448eb211c80319c-"
                                     "b7ad6b7169203331-01\r\n"
                                     "tracestate: a=1,b=2\r\nbaggage: user=alice\r\n");
    struct carrier_source source = carrier_lines_source(&lines);
    propagation_extract(&source, &remote);
    struct span_options options = {.parent = &remote.span};
    struct span *parent = span_start(&tracer, "parent", &options);
    struct context before = context_attach((struct context){parent, &remote.baggage});
    struct trace_curl_call one = {"POST", url, "/with", true, 0};
    call(&one, false);
    struct sink_span span = arrived("POST /with");
    *strchr(url, '#') = '\0';
    assert_true(sink_has_text(&span, "url.full", url));
    char id[17] = "";
    for (int i = 0; i < 8; i++)
        snprintf(id + 2 * i, 3, "%02x", span.span_id[i]);
    snprintf(line, sizeof line, "traceparent: 00-0af7651916cd43dd8448eb211c80319c-%s-01\r\n", id);
    assert_true(sent(line));
    assert_true(sent("tracestate: a=1,b=2\r\n"));
    assert_true(sent("baggage: user=alice\r\n"));
    assert_memory_equal(span.parent_id, span_context_of(parent).span_id.bytes, 8);

    one.propagate = false;
    one.url_template = "/without";
    call(&one, false);
    assert_false(sent("traceparent"));
    assert_false(sent("tracestate"));
    assert_false(sent("baggage"));
    context_attach(before);
    span_end(parent);
    sink_stop(&server);
}

/* A debug flag goes with every span of its trace. */
static void sends_other_formats(void **state)
{
    (void)state;
    static const char *const script[] = {SINK_OK};
    const struct propagator *used[PROPAGATORS_MAX];
    const struct propagator *const other[PROPAGATORS_MAX] = {propagator_find(TEXT_LITERAL("b3"))};
    struct span_context remote = {
        .trace_id = {{1}}, .span_id = {{2}}, .flags = 1, .is_remote = true, .is_debug = true};
    struct span_options options = {.parent = &remote};
    char url[64], line[128];
    sink_start(&server, script, 1);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", server.port);
    propagation_used(used);
    propagation_use(other);
    struct span *parent = span_start(&tracer, "debugged", &options);
    struct context before = context_attach((struct context){parent, NULL});
    struct trace_curl_call one = {"POST", url, "/b3", true, 0};
    call(&one, false);
    context_attach(before);
    span_end(parent);
    propagation_use(used);
    struct sink_span span = arrived("POST /b3");
    char id[17] = "";
    for (int i = 0; i < 8; i++)
        snprintf(id + 2 * i, 3, "%02x", span.span_id[i]);
    snprintf(line, sizeof line, "b3: 01000000000000000000000000000000-%s-d\r\n", id);
    assert_true(sent(line));
    assert_false(sent("traceparent"));
    sink_stop(&server);
}

static void names_failures(void **state)
{
    (void)state;
    assert_string_equal(trace_curl_error_type(CURLE_OPERATION_TIMEDOUT), "timeout");
    assert_string_equal(trace_curl_error_type(CURLE_RECV_ERROR), "connection_reset");
    assert_string_equal(trace_curl_error_type(CURLE_OK), "");
    assert_string_equal(trace_curl_error_type(CURLE_FTP_WEIRD_PASS_REPLY), "_OTHER");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_the_conventions), cmocka_unit_test(names_a_refused_connection),
        cmocka_unit_test(sends_the_context),       cmocka_unit_test(sends_other_formats),
        cmocka_unit_test(names_failures),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
