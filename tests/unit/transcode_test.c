/* OTLP protobuf to OTLP/JSON, row by row; tests/integration/otlp_encoding_test.py holds whole
 * requests against Python's protobuf. */
#include "rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/otlp_fields.h"
#include "base/wire.h"
#include "trace/transcode.h"

struct row {
    const char *it;
    const struct transcode_type *type;
    const char *hex; /* protobuf; spaces do not count */
    const char *json;
};

static const struct row rows[] = {
    {"it writes nothing of nothing", &transcode_traces, "", "{}"},
    {"it writes ids as hex", &transcode_span,
     "0a10 000102030405060708090a0b0c0d0eff 1208 00000000000000ab 2208 cdcdcdcdcdcdcdcd",
     "{\"traceId\":\"000102030405060708090a0b0c0d0eff\",\"spanId\":\"00000000000000ab\","
     "\"parentSpanId\":\"cdcdcdcdcdcdcdcd\"}"},
    {"it writes times as text, flags and enums as numbers", &transcode_span,
     "8501 01030000 3003 39 ffffffffffffffff 41 0100000000000000",
     "{\"flags\":769,\"kind\":3,\"startTimeUnixNano\":\"18446744073709551615\","
     "\"endTimeUnixNano\":\"1\"}"},
    {"it gathers what is scattered", &transcode_span, "4a03 0a0161 2a0178 5a03 120165 4a03 0a0162",
     "{\"name\":\"x\",\"attributes\":[{\"key\":\"a\"},{\"key\":\"b\"}],\"events\":[{\"name\":\"e\"}"
     "]"
     "}"},
    {"it takes the last of one", &transcode_span, "2a0178 2a0179", "{\"name\":\"y\"}"},
    {"it leaves out what it does not know", &transcode_span, "f80701 2a0178", "{\"name\":\"x\"}"},
    {"it leaves out a field of another type", &transcode_span, "2801 2a0178", "{\"name\":\"x\"}"},
    {"it writes counts of dropped things", &transcode_span, "5001 6002 7003",
     "{\"droppedAttributesCount\":1,\"droppedEventsCount\":2,\"droppedLinksCount\":3}"},
    {"it writes a status", &transcode_span, "7a05 120161 1802",
     "{\"status\":{\"message\":\"a\",\"code\":2}}"},
    {"it writes text", &transcode_scope, "1a06 0a0161 12010a",
     "{\"attributes\":[{\"key\":\"a\",\"value\":{}}]}"},
    {"it writes an empty text", &transcode_scope, "1a07 0a0161 12020a00",
     "{\"attributes\":[{\"key\":\"a\",\"value\":{\"stringValue\":\"\"}}]}"},
    {"it replaces what is not UTF-8", &transcode_scope, "0a02 61ff",
     "{\"name\":\"a\xef\xbf\xbd\"}"},
    {"it writes booleans", &transcode_scope, "1a07 0a0161 12021001",
     "{\"attributes\":[{\"key\":\"a\",\"value\":{\"boolValue\":true}}]}"},
    {"it writes integers as text", &transcode_scope, "1a10 0a0161 120b18 ffffffffffffffffff01",
     "{\"attributes\":[{\"key\":\"a\",\"value\":{\"intValue\":\"-1\"}}]}"},
    {"it writes doubles", &transcode_scope, "1a0e 0a0161 120921 000000000000f03f",
     "{\"attributes\":[{\"key\":\"a\",\"value\":{\"doubleValue\":1}}]}"},
    {"it writes NaN as text", &transcode_scope, "1a0e 0a0161 120921 000000000000f87f",
     "{\"attributes\":[{\"key\":\"a\",\"value\":{\"doubleValue\":\"NaN\"}}]}"},
    {"it writes minus infinity as text", &transcode_scope, "1a0e 0a0161 120921 000000000000f0ff",
     "{\"attributes\":[{\"key\":\"a\",\"value\":{\"doubleValue\":\"-Infinity\"}}]}"},
    {"it writes bytes as base64", &transcode_scope, "1a09 0a0161 12043a02fbff",
     "{\"attributes\":[{\"key\":\"a\",\"value\":{\"bytesValue\":\"+/8=\"}}]}"},
    {"it writes arrays and maps", &transcode_scope,
     "1a16 0a0161 1211 2a0f 0a02 1000 0a09 3207 0a05 0a0162 1200",
     "{\"attributes\":[{\"key\":\"a\",\"value\":{\"arrayValue\":{\"values\":[{\"boolValue\":false},"
     "{\"kvlistValue\":{\"values\":[{\"key\":\"b\",\"value\":{}}]}}]}}}]}"},
    {"it writes a log record", &transcode_logs,
     "0a1c 121a 1218 09 0200000000000000 1009 1a0149 2a05 0a03 626f 64 4a01ff",
     "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"timeUnixNano\":\"2\","
     "\"severityNumber\":9,\"severityText\":\"I\",\"body\":{\"stringValue\":\"bod\"},"
     "\"traceId\":\"ff\"}]}]}]}"},
};

static size_t bytes_of(const char *hex, uint8_t *out)
{
    size_t count = 0;
    for (; *hex != '\0'; hex += 2) {
        if (*hex == ' ')
            hex++;
        const char pair[] = {hex[0], hex[1], '\0'};
        out[count++] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return count;
}

static void transcodes(void **state)
{
    const struct row *row = *state;
    uint8_t bytes[256];
    struct buffer out;
    struct json_writer writer;
    struct text message = {(const char *)bytes, bytes_of(row->hex, bytes)};
    buffer_init(&out, 4096);
    json_writer_init(&writer, &out, 0);
    transcode_message(row->type, message, &writer);
    assert_string_equal(buffer_text(&out), row->json);
    buffer_release(&out);
}

/* An array in an array in an array ... */
static size_t nest(uint8_t *out, size_t room, unsigned depth)
{
    struct wire_writer writer = {out, out + room, false};
    uint8_t *marks[3000];
    wire_begin(&writer, OTLP_SCOPE_ATTRIBUTES, &marks[0]);
    wire_begin(&writer, OTLP_KEY_VALUE_VALUE, &marks[1]);
    for (unsigned i = 0; i < depth; i++) {
        wire_begin(&writer, OTLP_VALUE_ARRAY, &marks[2 * i + 2]);
        wire_begin(&writer, OTLP_ARRAY_VALUES, &marks[2 * i + 3]);
    }
    for (unsigned i = 2 * depth + 2; i-- > 0;)
        wire_end(&writer, marks[i]);
    assert_false(writer.overflow);
    return (size_t)(writer.at - out);
}

static unsigned count_arrays(const char *json)
{
    unsigned count = 0;
    while ((json = strstr(json, "arrayValue")) != NULL) {
        count++;
        json++;
    }
    return count;
}

static void bears_depth(void **state)
{
    (void)state;
    static uint8_t bytes[65536];
    struct buffer out;
    struct json_writer writer;
    for (unsigned depth = 64; depth <= 1400; depth += 1336) {
        struct text message = {(const char *)bytes, nest(bytes, sizeof bytes, depth)};
        buffer_init(&out, 1 << 20);
        json_writer_init(&writer, &out, 0);
        transcode_message(&transcode_scope, message, &writer);
        assert_int_equal(out.failed, STATUS_OK);
        unsigned arrays = count_arrays(buffer_text(&out));
        if (depth == 64)
            assert_int_equal(arrays, 64);
        else
            assert_in_range(arrays, 100, TRANSCODE_DEPTH_MAX);
        buffer_release(&out);
    }
}

static void ends_at_the_maximum(void **state)
{
    (void)state;
    static uint8_t bytes[65536];
    struct buffer out;
    struct json_writer writer;
    struct text message = {(const char *)bytes, nest(bytes, sizeof bytes, 64)};
    buffer_init(&out, 100);
    json_writer_init(&writer, &out, 0);
    transcode_message(&transcode_scope, message, &writer);
    assert_int_equal(out.failed, STATUS_TOO_LARGE);
    buffer_release(&out);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, rows, transcodes);
    rows_one(&all, "it bears values as deep as they come", bears_depth);
    rows_one(&all, "it ends where the buffer does", ends_at_the_maximum);
    return rows_run("transcode", &all);
}
