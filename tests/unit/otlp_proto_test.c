#include "otlp/otlp_proto.h"

#include <pthread.h>

#include "otlp/otlp_json.h"
#include "otlp/proto_out.h"
#include "tests/unit/guard.h"
#include "tests/unit/rows.h"
#include "tests/unit/spans_make.h"

enum { COUNT_MAX = 1000, BYTES_MAX = 64 * 1024 * 1024, SMALL_STACK = 256 * 1024 };

#define HEX16 "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"
#define HEX8  "\x11\x12\x13\x14\x15\x16\x17\x18"

struct bytes_row {
    const char *it;
    const char *bytes;
    size_t length;
    enum status status;
    size_t count;
    uint64_t refused;
};

#define BYTES(literal) (literal), sizeof(literal) - 1
/* resource_spans { scope_spans { spans { ... } } } around a span of `n` bytes (n < 120) */

static const struct bytes_row bytes_rows[] = {
    {"it takes an empty request", BYTES(""), STATUS_OK, 0, 0},
    {"it takes an empty resource", BYTES("\x0a\x00"), STATUS_OK, 0, 0},
    {"it takes unknown fields", BYTES("\x98\x06\x01\x0a\x00"), STATUS_OK, 0, 0},
    {"it refuses a length over the rest", BYTES("\x0a\x05\x00"), STATUS_INVALID, 0, 0},
    {"it refuses a length of 2^31", BYTES("\x0a\x80\x80\x80\x80\x08"), STATUS_INVALID, 0, 0},
    {"it refuses a length of 2^63", BYTES("\x0a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"),
     STATUS_INVALID, 0, 0},
    {"it refuses a varint of 11 bytes", BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
     STATUS_INVALID, 0, 0},
    {"it refuses a cut varint", BYTES("\x08\xff"), STATUS_INVALID, 0, 0},
    {"it refuses field number 0", BYTES("\x02\x00"), STATUS_INVALID, 0, 0},
    {"it refuses groups", BYTES("\x0b\x0c"), STATUS_INVALID, 0, 0},
    {"it refuses text", BYTES("hello, world"), STATUS_INVALID, 0, 0},
    {"it counts a span without ids", BYTES("\x0a\x04\x12\x02\x12\x00"), STATUS_OK, 0, 1},
    {"it reads a span of ids alone",
     BYTES("\x0a\x20\x12\x1e\x12\x1c\x0a\x10" HEX16 "\x12\x08" HEX8), STATUS_OK, 1, 0},
    {"it counts a trace id of 8 bytes",
     BYTES("\x0a\x18\x12\x16\x12\x14\x0a\x08" HEX8 "\x12\x08" HEX8), STATUS_OK, 0, 1},
    {"it counts a trace id of zeros",
     BYTES("\x0a\x20\x12\x1e\x12\x1c\x0a\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x12\x08" HEX8),
     STATUS_OK, 0, 1},
    {"it counts a parent id of 4 bytes",
     BYTES("\x0a\x26\x12\x24\x12\x22\x0a\x10" HEX16 "\x12\x08" HEX8 "\x22\x04"
           "abcd"),
     STATUS_OK, 0, 1},
    {"it reads an empty parent id as a root",
     BYTES("\x0a\x22\x12\x20\x12\x1e\x0a\x10" HEX16 "\x12\x08" HEX8 "\x22\x00"), STATUS_OK, 1, 0},
    {"it refuses a broken attribute",
     BYTES("\x0a\x23\x12\x21\x12\x1f\x0a\x10" HEX16 "\x12\x08" HEX8 "\x4a\x01\x0a"), STATUS_INVALID,
     0, 0},
    {"it refuses a broken resource attribute", BYTES("\x0a\x05\x0a\x03\x0a\x01\x0a"),
     STATUS_INVALID, 0, 0},
};

static void check_bytes(void **state)
{
    const struct bytes_row *row = *state;
    struct guard guard = guard_copy(row->bytes, row->length);
    struct spans spans;
    struct error error = {{0}};
    uint64_t refused = 99;
    spans_init(&spans, COUNT_MAX, BYTES_MAX);
    assert_int_equal(otlp_proto_read(&spans, guard.bytes, row->length, &refused, &error),
                     row->status);
    assert_int_equal(spans.count, row->count);
    assert_int_equal(refused, row->refused);
    assert_int_equal(error.text[0] != '\0', row->status != STATUS_OK);
    spans_release(&spans);
    guard_release(&guard);
}

static void write_of(const struct spans *spans, struct buffer *out)
{
    buffer_init(out, BYTES_MAX);
    assert_int_equal(otlp_proto_write(spans, 0, spans->count, out), STATUS_OK);
}

static void assert_alike(const struct buffer *a, const struct buffer *b)
{
    assert_int_equal(a->length_bytes, b->length_bytes);
    assert_memory_equal(a->data, b->data, a->length_bytes);
}

/* Protobuf to model to JSON to model to protobuf: nothing is lost, whichever way it goes. */
static void check_round(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct spans made, read, from_json;
        struct buffer first, second, third, json;
        struct json_writer writer;
        struct error error = {{0}};
        spans_init(&made, COUNT_MAX, BYTES_MAX);
        spans_init(&read, COUNT_MAX, BYTES_MAX);
        spans_init(&from_json, COUNT_MAX, BYTES_MAX);
        spans_make(&made, seed, 1 + seed % 20);
        write_of(&made, &first);
        assert_int_equal(otlp_proto_read(&read, first.data, first.length_bytes, NULL, &error),
                         STATUS_OK);
        write_of(&read, &second);
        assert_alike(&first, &second);
        buffer_init(&json, BYTES_MAX);
        json_writer_init(&writer, &json, 0);
        json_begin_object(&writer);
        json_key(&writer, "resourceSpans");
        otlp_json_write(&read, 0, read.count, &writer);
        json_end_object(&writer);
        assert_int_equal(
            otlp_json_read(&from_json, buffer_text(&json), json.length_bytes, NULL, &error),
            STATUS_OK);
        write_of(&from_json, &third);
        assert_alike(&first, &third);
        spans_release(&made);
        spans_release(&read);
        spans_release(&from_json);
        buffer_release(&first);
        buffer_release(&second);
        buffer_release(&third);
        buffer_release(&json);
    }
}

/* Random damage: never a crash (sanitizers and the guard page watch), never a wrong count. */
static void check_damage(void **state)
{
    (void)state;
    struct rng rng;
    struct spans made;
    struct buffer bytes;
    rng_seed(&rng, 42);
    spans_init(&made, COUNT_MAX, BYTES_MAX);
    spans_make(&made, 5, 10);
    write_of(&made, &bytes);
    for (int i = 0; i < 2000; i++) {
        struct spans spans;
        const size_t length = 1 + rng_below(&rng, bytes.length_bytes);
        struct guard guard = guard_copy(bytes.data, length);
        for (uint64_t flips = rng_below(&rng, 4); flips > 0; flips--)
            guard.bytes[rng_below(&rng, length)] = (uint8_t)rng_next(&rng);
        spans_init(&spans, COUNT_MAX, 1024 * 1024);
        const enum status status = otlp_proto_read(&spans, guard.bytes, length, NULL, NULL);
        assert_true(status == STATUS_OK || status == STATUS_INVALID || status == STATUS_TOO_LARGE);
        spans_release(&spans);
        guard_release(&guard);
    }
    spans_release(&made);
    buffer_release(&bytes);
}

/* A span with one attribute whose value lies in `depth` arrays around a text, built inside out. */
static void nest(struct buffer *out, unsigned depth)
{
    const size_t room = (size_t)depth * 24 + 256;
    uint8_t *bytes = malloc(room);
    size_t begin = room;
    assert_non_null(bytes);
    const char *leaf = "\x0a\x01x";
    begin -= 3;
    memcpy(bytes + begin, leaf, 3);
    /* Each level: AnyValue{array_value{values{...}}}: two heads around what is there. */
    for (unsigned i = 1; i < depth; i++) {
        const uint8_t tags[] = {0x0a, 0x2a};
        for (size_t t = 0; t < sizeof(tags); t++) {
            uint8_t head[16];
            head[0] = tags[t];
            const size_t length = (size_t)(wire_put_varint_raw(head + 1, room - begin) - head);
            begin -= length;
            memcpy(bytes + begin, head, length);
        }
    }
    struct buffer span;
    buffer_init(&span, BYTES_MAX);
    proto_out_bytes(&span, OTLP_SPAN_TRACE_ID, HEX16, 16);
    proto_out_bytes(&span, OTLP_SPAN_SPAN_ID, HEX8, 8);
    const size_t value_size = room - begin;
    proto_out_head(&span, OTLP_SPAN_ATTRIBUTES, 3 + 1 + wire_varint_size(value_size) + value_size);
    proto_out_bytes(&span, OTLP_KEY_VALUE_KEY, "k", 1);
    proto_out_bytes(&span, OTLP_KEY_VALUE_VALUE, bytes + begin, value_size);
    const size_t span_size = 1 + wire_varint_size(span.length_bytes) + span.length_bytes;
    proto_out_head(out, OTLP_REQUEST_RESOURCE_SPANS, 1 + wire_varint_size(span_size) + span_size);
    proto_out_head(out, OTLP_RESOURCE_SPANS_SCOPE_SPANS, span_size);
    proto_out_bytes(out, OTLP_SCOPE_SPANS_SPANS, span.data, span.length_bytes);
    buffer_release(&span);
    free(bytes);
}

struct depth_row {
    const char *it;
    unsigned depth;
    unsigned kept;
    enum otlp_value_type leaf;
};

static const struct depth_row depth_rows[] = {
    {"it keeps a plain value", 1, 1, OTLP_TEXT},
    {"it keeps a value 64 deep", 64, 64, OTLP_TEXT},
    {"it empties what lies 65 deep", 65, 65, OTLP_EMPTY},
    {"it survives a value 1,000,000 deep", 1000000, 65, OTLP_EMPTY},
};

static void *read_nested(void *argument)
{
    const struct depth_row *row = argument;
    struct buffer bytes;
    struct spans spans;
    buffer_init(&bytes, BYTES_MAX);
    nest(&bytes, row->depth);
    spans_init(&spans, COUNT_MAX, BYTES_MAX);
    assert_int_equal(otlp_proto_read(&spans, bytes.data, bytes.length_bytes, NULL, NULL),
                     STATUS_OK);
    assert_int_equal(spans.count, 1);
    const struct otlp_value *value = &spans.items[0].attributes.items[0].value;
    unsigned depth = 1;
    for (; value->type == OTLP_ARRAY && value->item_count == 1; depth++)
        value = &value->items[0].value;
    assert_int_equal(depth, row->kept);
    assert_int_equal(value->type, row->leaf);
    spans_release(&spans);
    buffer_release(&bytes);
    return NULL;
}

/* On the stack that a connection's thread has. */
static void check_depth(void **state)
{
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, SMALL_STACK);
    assert_int_equal(pthread_create(&thread, &attributes, read_nested, *state), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, bytes_rows, check_bytes);
    ROWS(&all, depth_rows, check_depth);
    rows_one(&all, "it loses nothing on the way to JSON and back", check_round);
    rows_one(&all, "it stands random damage", check_damage);
    return rows_run("otlp_proto", &all);
}
