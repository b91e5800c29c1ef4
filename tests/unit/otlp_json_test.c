#include "otlp/otlp_json.h"

#include <pthread.h>

#include "tests/unit/guard.h"
#include "tests/unit/rows.h"
#include "tests/unit/spans_make.h"

enum { COUNT_MAX = 1000, BYTES_MAX = 64 * 1024 * 1024, STACK_BYTES = 1024 * 1024 };

#define T            "\"traceId\":\"0102030405060708090a0b0c0d0e0f10\""
#define S            "\"spanId\":\"1112131415161718\""
#define SPAN(fields) "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{" T "," S fields "}]}]}]}"

struct json_row {
    const char *it;
    const char *json;
    enum status status;
    size_t count;
    uint64_t refused;
};

static const struct json_row json_rows[] = {
    {"it takes an empty request", "{}", STATUS_OK, 0, 0},
    {"it takes an empty list", "{\"resourceSpans\":[]}", STATUS_OK, 0, 0},
    {"it takes null for a list", "{\"resourceSpans\":null}", STATUS_OK, 0, 0},
    {"it reads a span of ids alone", SPAN(""), STATUS_OK, 1, 0},
    {"it reads hex in any case",
     "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":"
     "\"0102030405060708090A0B0C0D0E0F10\",\"spanId\":\"ABCDEFabcdef0011\"}]}]}]}",
     STATUS_OK, 1, 0},
    {"it passes over unknown keys", SPAN(",\"x\":{\"y\":[1,{}]},\"z\":null"), STATUS_OK, 1, 0},
    {"it passes over snake case", SPAN(",\"start_time_unix_nano\":[]"), STATUS_OK, 1, 0},
    {"it takes 64-bit numbers as numbers", SPAN(",\"startTimeUnixNano\":5"), STATUS_OK, 1, 0},
    {"it takes 64-bit numbers as strings", SPAN(",\"startTimeUnixNano\":\"5\""), STATUS_OK, 1, 0},
    {"it refuses a negative time", SPAN(",\"startTimeUnixNano\":-5"), STATUS_INVALID, 0, 0},
    {"it refuses a time over 2^64", SPAN(",\"startTimeUnixNano\":\"18446744073709551616\""),
     STATUS_INVALID, 0, 0},
    {"it refuses an enum's name", SPAN(",\"kind\":\"SPAN_KIND_SERVER\""), STATUS_INVALID, 0, 0},
    {"it takes an unknown kind as none", SPAN(",\"kind\":99"), STATUS_OK, 1, 0},
    {"it counts a span without ids", "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{}]}]}]}",
     STATUS_OK, 0, 1},
    {"it counts ids that are not hex",
     "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"zz\",\"spanId\":\"1\"}]}]}]}",
     STATUS_OK, 0, 1},
    {"it counts a wrong parent", SPAN(",\"parentSpanId\":\"12\""), STATUS_OK, 0, 1},
    {"it takes an empty parent as a root", SPAN(",\"parentSpanId\":\"\""), STATUS_OK, 1, 0},
    {"it refuses a list of other things", "{\"resourceSpans\":[7]}", STATUS_INVALID, 0, 0},
    {"it refuses an array", "[]", STATUS_INVALID, 0, 0},
    {"it refuses null", "null", STATUS_INVALID, 0, 0},
    {"it refuses nothing at all", "", STATUS_INVALID, 0, 0},
    {"it refuses a cut document", "{\"resourceSpans\":[", STATUS_INVALID, 0, 0},
    {"it refuses garbage behind a document", "{} x", STATUS_INVALID, 0, 0},
    {"it reads Jaeger's envelope",
     "{\"result\":{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{" T "," S "}]}]}]}}", STATUS_OK,
     1, 0},
    {"it reads several documents", SPAN("") "\n" SPAN("") "{\"resourceSpans\":[]}", STATUS_OK, 2,
     0},
    {"it refuses what is not base64",
     SPAN(",\"attributes\":[{\"key\":\"a\",\"value\":{\"bytesValue\":\"*\"}}]"), STATUS_INVALID, 0,
     0},
    {"it refuses attributes that are an object", SPAN(",\"attributes\":{}"), STATUS_INVALID, 0, 0},
};

static void check_json(void **state)
{
    const struct json_row *row = *state;
    struct guard guard = guard_copy(row->json, strlen(row->json));
    struct spans spans;
    struct error error = {{0}};
    uint64_t refused = 99;
    spans_init(&spans, COUNT_MAX, BYTES_MAX);
    assert_int_equal(
        otlp_json_read(&spans, (const char *)guard.bytes, strlen(row->json), &refused, &error),
        row->status);
    assert_int_equal(spans.count, row->count);
    if (row->status == STATUS_OK)
        assert_int_equal(refused, row->refused);
    assert_int_equal(error.text[0] != '\0', row->status != STATUS_OK);
    spans_release(&spans);
    guard_release(&guard);
}

/* Whatever the order of the keys: what holds for the spans may stand behind them. */
static void check_order(void **state)
{
    static const char json[] =
        "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{" T "," S
        ",\"attributes\":[{\"value\":{\"intValue\":\"-9223372036854775808\"},\"key\":\"k\"}]}],"
        "\"scope\":{\"version\":\"2\",\"name\":\"lib\"}}],"
        "\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":"
        "\"ca\\u0072t\"}}]}},{\"scopeSpans\":[{\"spans\":[{" T "," S "}]}]}]}";
    struct spans spans;
    (void)state;
    spans_init(&spans, COUNT_MAX, BYTES_MAX);
    assert_int_equal(otlp_json_read(&spans, json, strlen(json), NULL, NULL), STATUS_OK);
    assert_int_equal(spans.count, 2);
    assert_string_equal(spans.items[0].resource->service.data, "cart");
    assert_string_equal(spans.items[0].scope->name.data, "lib");
    assert_string_equal(spans.items[0].scope->version.data, "2");
    assert_true(otlp_find_i64(&spans.items[0].attributes, "k", 0) == INT64_MIN);
    assert_string_equal(spans.items[1].resource->service.data, "unknown_service");
    assert_int_equal(spans.items[1].scope->name.length, 0);
    spans_release(&spans);
}

static void check_line(void **state)
{
    static const char json[] = "{\n \"resourceSpans\":\n  [7]}";
    struct spans spans;
    struct error error = {{0}};
    (void)state;
    spans_init(&spans, COUNT_MAX, BYTES_MAX);
    assert_int_equal(otlp_json_read(&spans, json, strlen(json), NULL, &error), STATUS_INVALID);
    assert_non_null(strstr(error.text, "line 3, column 4"));
    spans_release(&spans);
}

struct depth_row {
    const char *it;
    unsigned depth, kept;
    enum otlp_value_type leaf;
    enum status status;
};

static const struct depth_row depth_rows[] = {
    {"it keeps a value 64 deep", 64, 64, OTLP_TEXT, STATUS_OK},
    {"it empties what lies 65 deep", 65, 65, OTLP_EMPTY, STATUS_OK},
    {"it refuses a value 1,000,000 deep", 1000000, 0, OTLP_EMPTY, STATUS_INVALID},
};

static void nest(struct buffer *out, unsigned depth)
{
    buffer_append_text(out, "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{" T "," S
                            ",\"attributes\":[{\"key\":\"k\",\"value\":");
    for (unsigned i = 1; i < depth; i++)
        buffer_append_text(out, "{\"kvlistValue\":{\"values\":[{\"key\":\"i\",\"value\":");
    buffer_append_text(out, "{\"stringValue\":\"x\"}");
    for (unsigned i = 1; i < depth; i++)
        buffer_append_text(out, "}]}}");
    buffer_append_text(out, "}]}]}]}]}");
}

static void *read_nested(void *argument)
{
    const struct depth_row *row = argument;
    struct buffer json;
    struct spans spans;
    buffer_init(&json, 128 * 1024 * 1024);
    nest(&json, row->depth);
    spans_init(&spans, COUNT_MAX, BYTES_MAX);
    assert_int_equal(otlp_json_read(&spans, buffer_text(&json), json.length_bytes, NULL, NULL),
                     row->status);
    if (row->status == STATUS_OK) {
        const struct otlp_value *value = &spans.items[0].attributes.items[0].value;
        unsigned depth = 1;
        for (; value->type == OTLP_LIST && value->item_count == 1; depth++)
            value = &value->items[0].value;
        assert_int_equal(depth, row->kept);
        assert_int_equal(value->type, row->leaf);
    }
    spans_release(&spans);
    buffer_release(&json);
    return NULL;
}

static void check_depth(void **state)
{
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    assert_int_equal(pthread_create(&thread, &attributes, read_nested, *state), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
}

static void check_damage(void **state)
{
    struct rng rng;
    struct spans made;
    struct buffer json;
    struct json_writer writer;
    (void)state;
    rng_seed(&rng, 9);
    spans_init(&made, COUNT_MAX, BYTES_MAX);
    spans_make(&made, 11, 8);
    buffer_init(&json, BYTES_MAX);
    json_writer_init(&writer, &json, 1);
    json_begin_object(&writer);
    json_key(&writer, "resourceSpans");
    otlp_json_write(&made, 0, made.count, &writer);
    json_end_object(&writer);
    for (int i = 0; i < 1000; i++) {
        struct spans spans;
        const size_t length = 1 + rng_below(&rng, json.length_bytes);
        struct guard guard = guard_copy(json.data, length);
        for (uint64_t flips = rng_below(&rng, 4); flips > 0; flips--)
            guard.bytes[rng_below(&rng, length)] = (uint8_t) "{}[]\",:01a"[rng_below(&rng, 10)];
        spans_init(&spans, COUNT_MAX, 256 * 1024);
        const enum status status =
            otlp_json_read(&spans, (const char *)guard.bytes, length, NULL, NULL);
        assert_true(status == STATUS_OK || status == STATUS_INVALID || status == STATUS_TOO_LARGE);
        spans_release(&spans);
        guard_release(&guard);
    }
    spans_release(&made);
    buffer_release(&json);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, json_rows, check_json);
    ROWS(&all, depth_rows, check_depth);
    rows_one(&all, "it reads keys in any order", check_order);
    rows_one(&all, "it names the line of a fault", check_line);
    rows_one(&all, "it stands random damage", check_damage);
    return rows_run("otlp_json", &all);
}
