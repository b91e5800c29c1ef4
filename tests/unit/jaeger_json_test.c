#include "otlp/jaeger_json.h"

#include "tests/unit/rows.h"
#include "tests/unit/spans_make.h"

enum { COUNT_MAX = 1000, BYTES_MAX = 64 * 1024 * 1024 };

static const char sample[] =
    "{\"data\":[{\"traceID\":\"abc\",\"spans\":[{\"traceID\":\"abc\",\"spanID\":\"1\","
    "\"operationName\":\"GET /\",\"references\":[],\"startTime\":1700000000000001,\"duration\":250,"
    "\"tags\":[{\"key\":\"span.kind\",\"type\":\"string\",\"value\":\"server\"},"
    "{\"key\":\"http.response.status_code\",\"type\":\"int64\",\"value\":500},"
    "{\"key\":\"error\",\"type\":\"bool\",\"value\":true},"
    "{\"key\":\"big\",\"type\":\"int64\",\"value\":\"9007199254740993\"},"
    "{\"value\":0.5,\"type\":\"float64\",\"key\":\"ratio\"}],"
    "\"logs\":[{\"timestamp\":1700000000000100,\"fields\":[{\"key\":\"event\",\"type\":\"string\","
    "\"value\":\"boom\"},{\"key\":\"x\",\"type\":\"string\",\"value\":\"y\"}]}],"
    "\"processID\":\"p1\"},"
    "{\"traceID\":\"abc\",\"spanID\":\"2\",\"operationName\":\"SELECT\",\"references\":"
    "[{\"refType\":\"FOLLOWS_FROM\",\"traceID\":\"def\",\"spanID\":\"9\"},"
    "{\"refType\":\"CHILD_OF\",\"traceID\":\"abc\",\"spanID\":\"1\"}],"
    "\"startTime\":1700000000000010,\"duration\":20,\"tags\":null,\"logs\":null,"
    "\"processID\":\"p2\"}],"
    "\"processes\":{\"p1\":{\"serviceName\":\"front\",\"tags\":[{\"key\":\"host.name\",\"type\":"
    "\"string\",\"value\":\"h\"}]},\"p2\":{\"serviceName\":\"db\",\"tags\":[]}}}]}";

static void check_read(void **state)
{
    struct spans spans;
    struct error error = {{0}};
    (void)state;
    spans_init(&spans, COUNT_MAX, BYTES_MAX);
    assert_int_equal(jaeger_json_read(&spans, sample, strlen(sample), NULL, &error), STATUS_OK);
    assert_int_equal(spans.count, 2);
    const struct otlp_span *root = &spans.items[0], *child = &spans.items[1];
    assert_int_equal(root->trace_id[15], 0xbc);
    assert_int_equal(root->trace_id[14], 0x0a);
    assert_true(root->start_ns == 1700000000000001000u);
    assert_true(root->end_ns == 1700000000000251000u);
    assert_int_equal(root->kind, OTLP_KIND_SERVER);
    assert_int_equal(root->status, OTLP_STATUS_ERROR);
    assert_string_equal(root->resource->service.data, "front");
    assert_string_equal(otlp_find_text(&root->resource->attributes, "host.name").data, "h");
    assert_int_equal(otlp_find_i64(&root->attributes, "http.response.status_code", 0), 500);
    assert_true(otlp_find_i64(&root->attributes, "big", 0) == 9007199254740993);
    assert_null(otlp_find(&root->attributes, "span.kind"));
    assert_int_equal(otlp_find(&root->attributes, "ratio")->type, OTLP_DOUBLE);
    assert_int_equal(root->event_count, 1);
    assert_string_equal(root->events[0].name.data, "boom");
    assert_int_equal(root->events[0].attributes.count, 1);
    assert_true(otlp_span_is_root(root));
    assert_memory_equal(child->parent_id, root->span_id, 8);
    assert_int_equal(child->link_count, 1);
    assert_int_equal(child->links[0].trace_id[15], 0xef);
    assert_string_equal(child->resource->service.data, "db");
    spans_release(&spans);
}

struct parent_row {
    const char *it;
    const char *references; /* of span 2 of trace 1 */
    uint8_t parent, links;
};

#define REFERENCE(type, trace, span)                                                               \
    "{\"refType\":\"" type "\",\"traceID\":\"" trace "\",\"spanID\":\"" span "\"}"

static const struct parent_row parent_rows[] = {
    {"it takes no reference as no parent", "[]", 0, 0},
    {"it takes a CHILD_OF as the parent", "[" REFERENCE("CHILD_OF", "1", "7") "]", 7, 0},
    {"it prefers a CHILD_OF to what stands before it",
     "[" REFERENCE("FOLLOWS_FROM", "1", "7") "," REFERENCE("CHILD_OF", "1", "8") "]", 8, 1},
    {"it prefers a CHILD_OF to what stands behind it",
     "[" REFERENCE("CHILD_OF", "1", "8") "," REFERENCE("FOLLOWS_FROM", "1", "7") "]", 8, 1},
    {"it takes the first CHILD_OF of two",
     "[" REFERENCE("CHILD_OF", "1", "8") "," REFERENCE("CHILD_OF", "1", "7") "]", 8, 1},
    {"it takes a lone FOLLOWS_FROM as parent and as link",
     "[" REFERENCE("FOLLOWS_FROM", "1", "7") "]", 7, 1},
    {"it takes the first FOLLOWS_FROM within the trace",
     "[" REFERENCE("FOLLOWS_FROM", "9", "5") "," REFERENCE("FOLLOWS_FROM", "1", "7") "," REFERENCE(
         "FOLLOWS_FROM", "1", "8") "]",
     7, 3},
    {"it takes another trace's span as a link alone",
     "[" REFERENCE("FOLLOWS_FROM", "9", "7") "," REFERENCE("CHILD_OF", "9", "8") "]", 0, 2},
};

static void check_parent(void **state)
{
    const struct parent_row *row = *state;
    struct spans spans;
    char json[1024];
    snprintf(json, sizeof(json),
             "{\"data\":[{\"spans\":[{\"traceID\":\"1\",\"spanID\":\"2\",\"references\":%s}]}]}",
             row->references);
    spans_init(&spans, COUNT_MAX, BYTES_MAX);
    assert_int_equal(jaeger_json_read(&spans, json, strlen(json), NULL, NULL), STATUS_OK);
    assert_int_equal(spans.count, 1);
    assert_int_equal(spans.items[0].parent_id[7], row->parent);
    assert_int_equal(spans.items[0].link_count, row->links);
    spans_release(&spans);
}

struct bad_row {
    const char *it;
    const char *json;
    enum status status;
    size_t count;
    uint64_t refused;
};

static const struct bad_row bad_rows[] = {
    {"it takes an empty list", "{\"data\":[]}", STATUS_OK, 0, 0},
    {"it takes a trace without spans", "{\"data\":[{\"spans\":[]}]}", STATUS_OK, 0, 0},
    {"it takes no process as an unknown service",
     "{\"data\":[{\"spans\":[{\"traceID\":\"1\",\"spanID\":\"1\"}]}]}", STATUS_OK, 1, 0},
    {"it counts spans without ids", "{\"data\":[{\"spans\":[{\"spanID\":\"1\"}]}]}", STATUS_OK, 0,
     1},
    {"it counts ids that are too long",
     "{\"data\":[{\"spans\":[{\"traceID\":\"1\",\"spanID\":\"11112222333344445\"}]}]}", STATUS_OK,
     0, 1},
    {"it refuses data that is an object", "{\"data\":{}}", STATUS_INVALID, 0, 0},
    {"it refuses a number where text must be", "{\"data\":[{\"spans\":[{\"traceID\":1}]}]}",
     STATUS_INVALID, 0, 0},
    {"it refuses what follows the document", "{\"data\":[]}{}", STATUS_INVALID, 0, 0},
    {"it refuses nothing at all", "", STATUS_INVALID, 0, 0},
    {"it refuses a negative duration", "{\"data\":[{\"spans\":[{\"duration\":-1}]}]}",
     STATUS_INVALID, 0, 0},
};

static void check_bad(void **state)
{
    const struct bad_row *row = *state;
    struct spans spans;
    struct error error = {{0}};
    uint64_t refused = 0;
    spans_init(&spans, COUNT_MAX, BYTES_MAX);
    assert_int_equal(jaeger_json_read(&spans, row->json, strlen(row->json), &refused, &error),
                     row->status);
    assert_int_equal(spans.count, row->count);
    assert_int_equal(refused, row->refused);
    spans_release(&spans);
}

static void write_all(const struct spans *spans, struct buffer *out)
{
    struct json_writer writer;
    buffer_init(out, BYTES_MAX);
    json_writer_init(&writer, out, 0);
    json_begin_object(&writer);
    json_key(&writer, "data");
    json_begin_array(&writer);
    jaeger_json_write(spans, 0, spans->count, &writer);
    json_end_array(&writer);
    json_end_object(&writer);
    assert_int_equal(out->failed, STATUS_OK);
}

/* Written, read and written again it is the same: whole microseconds and plain values are kept. */
static void check_round(void **state)
{
    struct spans first, second;
    struct buffer a, b;
    (void)state;
    spans_init(&first, COUNT_MAX, BYTES_MAX);
    spans_init(&second, COUNT_MAX, BYTES_MAX);
    assert_int_equal(jaeger_json_read(&first, sample, strlen(sample), NULL, NULL), STATUS_OK);
    write_all(&first, &a);
    assert_int_equal(jaeger_json_read(&second, buffer_text(&a), a.length_bytes, NULL, NULL),
                     STATUS_OK);
    write_all(&second, &b);
    assert_string_equal(buffer_text(&a), buffer_text(&b));
    assert_non_null(strstr(buffer_text(&a), "\"value\":\"9007199254740993\""));
    spans_release(&first);
    spans_release(&second);
    buffer_release(&a);
    buffer_release(&b);
}

/* Any span can be written and read again. */
static void check_any(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct spans made, read;
        struct buffer json;
        uint64_t refused;
        spans_init(&made, COUNT_MAX, BYTES_MAX);
        spans_init(&read, COUNT_MAX, BYTES_MAX);
        spans_make(&made, seed, 5);
        write_all(&made, &json);
        assert_int_equal(
            jaeger_json_read(&read, buffer_text(&json), json.length_bytes, &refused, NULL),
            STATUS_OK);
        assert_int_equal(read.count, made.count);
        for (size_t i = 0; i < made.count; i++) {
            assert_memory_equal(read.items[i].span_id, made.items[i].span_id, 8);
            assert_memory_equal(read.items[i].parent_id, made.items[i].parent_id, 8);
            assert_int_equal(read.items[i].kind, made.items[i].kind);
            assert_int_equal(read.items[i].link_count, made.items[i].link_count);
            assert_int_equal(read.items[i].event_count, made.items[i].event_count);
        }
        spans_release(&made);
        spans_release(&read);
        buffer_release(&json);
    }
}

int main(void)
{
    static struct rows all;
    rows_one(&all, "it reads what Jaeger's page downloads", check_read);
    ROWS(&all, parent_rows, check_parent);
    ROWS(&all, bad_rows, check_bad);
    rows_one(&all, "it writes what it reads", check_round);
    rows_one(&all, "it writes any span so that it reads again", check_any);
    return rows_run("jaeger_json", &all);
}
