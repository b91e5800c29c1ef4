/* The sender alone: what leaves in which form, and what it makes of answers in that form. */
#include "rows.h"

#include "otlp/gunzip.h"
#include "trace/otlp_sender.h"
#include "trace_sink.h"

static struct sink sink;

/* Two spans "x" of one resource and one scope. */
static const char request[] = "\x0a\x0c\x12\x0a\x12\x03\x2a\x01x\x12\x03\x2a\x01x";
enum { REQUEST_BYTES = sizeof request - 1, SPANS = 2 };
static const char request_json[] =
    "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"x\"},{\"name\":\"x\"}]}]}]}";

static struct text request_text(void)
{
    return (struct text){request, REQUEST_BYTES};
}

static void open_sender(struct otlp_sender *sender, bool gzip, bool json)
{
    struct otlp_settings settings = {.timeout_ms = 5000, .gzip = gzip, .json = json};
    snprintf(settings.endpoint, sizeof settings.endpoint, "http://127.0.0.1:%u/v1/traces",
             sink.port);
    assert_int_equal(otlp_sender_init(sender, OTLP_TRACES, &settings, NULL), STATUS_OK);
}

struct form {
    const char *it;
    bool gzip, json;
};

static const struct form forms[] = {
    {"it sends protobuf", false, false},
    {"it sends protobuf with gzip", true, false},
    {"it sends JSON", false, true},
    {"it sends JSON with gzip", true, true},
};

static void check_body(const struct form *form, struct text body)
{
    struct buffer plain;
    const char *expected = form->json ? request_json : request;
    size_t length = form->json ? sizeof request_json - 1 : REQUEST_BYTES;
    buffer_init(&plain, 1 << 20);
    if (form->gzip)
        assert_int_equal(gunzip(body.data, body.length, &plain), STATUS_OK);
    else
        (void)buffer_append(&plain, body.data, body.length);
    assert_int_equal(plain.length_bytes, length);
    assert_memory_equal(plain.data, expected, length);
    buffer_release(&plain);
}

static void sends(void **state)
{
    const struct form *form = *state;
    static const char *const answers[] = {SINK_OK};
    struct otlp_sender sender;
    sink_start(&sink, answers, 1);
    open_sender(&sender, form->gzip, form->json);
    for (unsigned i = 0; i < 3; i++) /* the second and third reuse what the first needed */
        assert_int_equal(otlp_sender_send(&sender, request_text(), SPANS, sink_soon()), STATUS_OK);
    assert_int_equal(atomic_load(&sender.exported), 3 * SPANS);
    assert_int_equal(strstr(sink.last_head, "\r\nContent-Encoding: gzip\r\n") != NULL, form->gzip);
    assert_non_null(strstr(sink.last_head, form->json
                                               ? "\r\nContent-Type: application/json\r\n"
                                               : "\r\nContent-Type: application/x-protobuf\r\n"));
    size_t at = 0, length, count = 0;
    for (; at < sink.bodies_bytes; at += sizeof length + length, count++) {
        memcpy(&length, sink.bodies + at, sizeof length);
        check_body(form, (struct text){(char *)sink.bodies + at + sizeof length, length});
    }
    assert_int_equal(count, 3);
    otlp_sender_release(&sender, false);
    sink_stop(&sink);
}

#define REPLY(status, length, body) "HTTP/1.1 " status "\r\nContent-Length: " length "\r\n\r\n" body

struct answer {
    const char *it;
    const char *answer;
    enum status status;
    uint64_t exported, rejected, failed, requests;
};

static const struct answer answers_in_json[] = {
    {"it reads an empty answer", REPLY("200 OK", "2", "{}"), STATUS_OK, 2, 0, 0, 1},
    {"it reads a partial success",
     REPLY("200 OK", "52", "{\"partialSuccess\":{\"rejectedSpans\":\"1\",\"a\":\"abcde\"}}"),
     STATUS_OK, 1, 1, 0, 1},
    {"it reads a warning",
     REPLY("200 OK", "43", "{\"partialSuccess\":{\"errorMessage\":\"abc\"}}  "), STATUS_OK, 2, 0, 0,
     1},
    {"it believes no more rejected than sent",
     REPLY("200 OK", "42", "{\"partialSuccess\":{\"rejectedSpans\":\"99\"}} "), STATUS_OK, 0, 2, 0,
     1},
    {"it repeats nothing that was refused", REPLY("400 Bad", "15", "{\"message\":\"a\"}"),
     STATUS_IO, 0, 0, 2, 1},
};

static void reads_answers_in_json(void **state)
{
    const struct answer *row = *state;
    const char *const answers[] = {row->answer};
    struct otlp_sender sender;
    sink_start(&sink, answers, 1);
    open_sender(&sender, false, true);
    assert_int_equal(otlp_sender_send(&sender, request_text(), SPANS, sink_soon()), row->status);
    assert_int_equal(atomic_load(&sender.exported), row->exported);
    assert_int_equal(atomic_load(&sender.rejected), row->rejected);
    assert_int_equal(atomic_load(&sender.failed), row->failed);
    assert_int_equal(atomic_load(&sender.requests), row->requests);
    otlp_sender_release(&sender, false);
    sink_stop(&sink);
}

static void sends_no_empty_envelope(void **state)
{
    (void)state;
    static const char *const answers[] = {SINK_OK};
    struct otlp_sender sender;
    sink_start(&sink, answers, 1);
    open_sender(&sender, false, false);
    assert_int_equal(otlp_sender_send(&sender, (struct text){"", 0}, 0, sink_soon()), STATUS_OK);
    assert_int_equal(atomic_load(&sender.requests), 0);
    assert_int_equal(atomic_load(&sink.connection_count), 0);
    otlp_sender_release(&sender, false);
    sink_stop(&sink);
}

static void sends_nothing_over_64_mib(void **state)
{
    (void)state;
    static const char *const answers[] = {SINK_OK};
    struct otlp_sender sender;
    char *huge = calloc(1, OTLP_BODY_MAX + 1);
    assert_non_null(huge);
    /* Small when packed: the limit is on what it unpacks to. */
    for (int packed = 0; packed < 2; packed++) {
        sink_start(&sink, answers, 1);
        open_sender(&sender, packed, false);
        assert_int_equal(
            otlp_sender_send(&sender, (struct text){huge, OTLP_BODY_MAX + 1}, 7, sink_soon()),
            STATUS_TOO_LARGE);
        assert_int_equal(atomic_load(&sender.failed), 7);
        assert_int_equal(atomic_load(&sender.requests), 0);
        otlp_sender_release(&sender, false);
        sink_stop(&sink);
    }
    free(huge);
}

/* One attribute of control characters: six bytes of JSON for each byte. */
static void sends_no_json_over_64_mib(void **state)
{
    (void)state;
    static const char *const answers[] = {SINK_OK};
    enum { TEXT_BYTES = 12 << 20 };
    struct otlp_sender sender;
    uint8_t *huge = malloc(TEXT_BYTES + 64), *marks[3];
    struct wire_writer writer = {huge, huge + TEXT_BYTES + 64, false};
    char *text = calloc(1, TEXT_BYTES);
    wire_begin(&writer, OTLP_REQUEST_RESOURCE_SPANS, &marks[0]);
    wire_begin(&writer, OTLP_RESOURCE_SPANS_SCOPE_SPANS, &marks[1]);
    wire_begin(&writer, OTLP_SCOPE_SPANS_SPANS, &marks[2]);
    wire_put_bytes(&writer, OTLP_SPAN_NAME, text, TEXT_BYTES);
    for (unsigned i = 3; i-- > 0;)
        wire_end(&writer, marks[i]);
    assert_false(writer.overflow);
    struct text otlp = {(char *)huge, (size_t)(writer.at - huge)};
    sink_start(&sink, answers, 1);
    open_sender(&sender, false, true);
    assert_int_equal(otlp_sender_send(&sender, otlp, 1, sink_soon()), STATUS_TOO_LARGE);
    assert_int_equal(atomic_load(&sender.failed), 1);
    assert_int_equal(otlp_sender_send(&sender, request_text(), SPANS, sink_soon()), STATUS_OK);
    assert_int_equal(atomic_load(&sink.request_count), 1);
    otlp_sender_release(&sender, false);
    sink_stop(&sink);
    free(text);
    free(huge);
}

static void asks_no_sooner_than_it_may(void **state)
{
    (void)state;
    static const char *const slow[] = {
        "HTTP/1.1 429 Slow\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n", SINK_OK};
    struct otlp_sender sender;
    sink_start(&sink, slow, 2);
    open_sender(&sender, false, false);
    uint64_t now_ns = clock_mono_ns();
    assert_int_equal(otlp_sender_send(&sender, request_text(), SPANS, now_ns + NS_PER_S),
                     STATUS_IO);
    assert_true(otlp_sender_due_ns(&sender) >= now_ns + 30 * NS_PER_S);
    /* Who has others to serve does not wait: the batch is lost at once, and counted. */
    assert_int_equal(otlp_sender_send(&sender, request_text(), SPANS, now_ns + 10 * NS_PER_S),
                     STATUS_BUSY);
    assert_int_equal(atomic_load(&sender.failed), 2 * SPANS);
    assert_int_equal(atomic_load(&sink.request_count), 1);
    assert_true(clock_mono_ns() - now_ns < 10 * NS_PER_S);
    otlp_sender_release(&sender, false);
    sink_stop(&sink);
}

static void knows_no_https_by_itself(void **state)
{
    (void)state;
    struct otlp_settings settings = {.endpoint = "https://127.0.0.1:1/", .timeout_ms = 1};
    struct otlp_sender sender;
    struct error error = {""};
    assert_int_equal(otlp_sender_init(&sender, OTLP_TRACES, &settings, &error), STATUS_UNSUPPORTED);
    assert_non_null(strstr(error.text, "https"));
    otlp_sender_release(&sender, false);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, forms, sends);
    ROWS(&all, answers_in_json, reads_answers_in_json);
    rows_one(&all, "it sends no empty envelope", sends_no_empty_envelope);
    rows_one(&all, "it sends nothing over 64 MiB", sends_nothing_over_64_mib);
    rows_one(&all, "it sends no JSON over 64 MiB", sends_no_json_over_64_mib);
    rows_one(&all, "it asks no sooner than it may", asks_no_sooner_than_it_may);
    rows_one(&all, "it knows no https by itself", knows_no_https_by_itself);
    return rows_run("otlp_sender", &all);
}
