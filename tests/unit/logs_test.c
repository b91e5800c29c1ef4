#include "otlp/logs.h"

#include <string.h>

#include "tests/unit/guard.h"
#include "tests/unit/rows.h"

enum { COUNT_MAX = 1000, BYTES_MAX = 1024 * 1024 };

#define HEX16 "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"
#define HEX8  "\x11\x12\x13\x14\x15\x16\x17\x18"

struct bytes_row {
    const char *it;
    const char *bytes;
    size_t length;
    enum status status;
    size_t count;
    bool has_trace, has_span; /* of the first record */
};

#define BYTES(literal) (literal), sizeof(literal) - 1

/* resource_logs { scope_logs { log_records { ... } } } */
static const struct bytes_row proto_rows[] = {
    {"it takes an empty request", BYTES(""), STATUS_OK, 0, false, false},
    {"it takes unknown fields", BYTES("\x98\x06\x01\x0a\x00"), STATUS_OK, 0, false, false},
    {"it takes a record without anything", BYTES("\x0a\x04\x12\x02\x12\x00"), STATUS_OK, 1, false,
     false},
    {"it reads ids", BYTES("\x0a\x20\x12\x1e\x12\x1c\x4a\x10" HEX16 "\x52\x08" HEX8), STATUS_OK, 1,
     true, true},
    {"it takes a trace id alone", BYTES("\x0a\x16\x12\x14\x12\x12\x4a\x10" HEX16), STATUS_OK, 1,
     true, false},
    {"it takes a span id alone for none", BYTES("\x0a\x0e\x12\x0c\x12\x0a\x52\x08" HEX8), STATUS_OK,
     1, false, false},
    {"it takes a trace id of 8 bytes for none",
     BYTES("\x0a\x18\x12\x16\x12\x14\x4a\x08" HEX8 "\x52\x08" HEX8), STATUS_OK, 1, false, false},
    {"it refuses a length over the rest", BYTES("\x0a\x05\x00"), STATUS_INVALID, 0, false, false},
    {"it refuses groups", BYTES("\x0b\x0c"), STATUS_INVALID, 0, false, false},
    {"it refuses text", BYTES("hello, world"), STATUS_INVALID, 0, false, false},
    {"it refuses a broken body", BYTES("\x0a\x07\x12\x05\x12\x03\x2a\x01\x0a"), STATUS_INVALID, 0,
     false, false},
    {"it refuses a broken attribute", BYTES("\x0a\x07\x12\x05\x12\x03\x32\x01\x0a"), STATUS_INVALID,
     0, false, false},
    {"it refuses a cut record", BYTES("\x0a\x06\x12\x04\x12\x02\x09\x01"), STATUS_INVALID, 0, false,
     false},
};

static bool any(const uint8_t *bytes, size_t length)
{
    uint8_t seen = 0;
    for (size_t i = 0; i < length; i++)
        seen |= bytes[i];
    return seen != 0;
}

static void check_read(const struct bytes_row *row, const struct logs *logs, enum status status,
                       const struct error *error)
{
    assert_int_equal(status, row->status);
    assert_int_equal(error->text[0] != '\0', row->status != STATUS_OK);
    assert_int_equal(logs->count, row->count);
    if (row->count > 0) {
        assert_int_equal(any(logs->items[0].trace_id, 16), row->has_trace);
        assert_int_equal(any(logs->items[0].span_id, 8), row->has_span);
        assert_non_null(logs->items[0].resource);
        assert_non_null(logs->items[0].scope);
    }
}

static void check_proto(void **state)
{
    const struct bytes_row *row = *state;
    struct guard guard = guard_copy(row->bytes, row->length);
    struct logs logs;
    struct error error = {{0}};
    logs_init(&logs, COUNT_MAX, BYTES_MAX);
    const enum status status = logs_proto_read(&logs, guard.bytes, row->length, &error);
    check_read(row, &logs, status, &error);
    logs_release(&logs);
    guard_release(&guard);
}

#define JSON(record) BYTES("{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[" record "]}]}]}")

static const struct bytes_row json_rows[] = {
    {"it takes an empty object", BYTES("{}"), STATUS_OK, 0, false, false},
    {"it takes nulls", BYTES("{\"resourceLogs\":null}"), STATUS_OK, 0, false, false},
    {"it takes unknown keys", JSON("{\"novel\":[1,{\"a\":2}]}"), STATUS_OK, 1, false, false},
    {"it reads ids as hex in any case",
     JSON("{\"traceId\":\"0102030405060708090A0b0c0d0e0f10\",\"spanId\":\"1112131415161718\"}"),
     STATUS_OK, 1, true, true},
    {"it takes short ids for none", JSON("{\"traceId\":\"01\",\"spanId\":\"1112131415161718\"}"),
     STATUS_OK, 1, false, false},
    {"it counts records", JSON("{},{},{}"), STATUS_OK, 3, false, false},
    {"it refuses a word for a severity", JSON("{\"severityNumber\":\"INFO\"}"), STATUS_INVALID, 0,
     false, false},
    {"it refuses an array for a record", JSON("[]"), STATUS_INVALID, 0, false, false},
    {"it refuses what is cut", BYTES("{\"resourceLogs\":[{\"scopeLogs\":["), STATUS_INVALID, 0,
     false, false},
    {"it refuses a number for a body", JSON("{\"body\":7}"), STATUS_INVALID, 0, false, false},
    {"it refuses nothing at all", BYTES("null"), STATUS_INVALID, 0, false, false},
};

static void check_json(void **state)
{
    const struct bytes_row *row = *state;
    struct guard guard = guard_copy(row->bytes, row->length);
    struct logs logs;
    struct error error = {{0}};
    logs_init(&logs, COUNT_MAX, BYTES_MAX);
    const enum status status =
        logs_json_read(&logs, (const char *)guard.bytes, row->length, &error);
    check_read(row, &logs, status, &error);
    logs_release(&logs);
    guard_release(&guard);
}

/* The resource stands behind the records: what holds for them is found all the same. */
static const char whole_json[] =
    "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"timeUnixNano\":\"1700000000000000001\","
    "\"observedTimeUnixNano\":1700000000000000002,\"severityNumber\":13,\"severityText\":\"warn\","
    "\"eventName\":\"exception\",\"flags\":1,\"droppedAttributesCount\":4,"
    "\"traceId\":\"0102030405060708090a0b0c0d0e0f10\",\"spanId\":\"1112131415161718\","
    "\"body\":{\"kvlistValue\":{\"values\":[{\"key\":\"k\",\"value\":{\"arrayValue\":{\"values\":"
    "[{\"boolValue\":true},{}]}}}]}},"
    "\"attributes\":[{\"key\":\"a\",\"value\":{\"intValue\":\"-5\"}},"
    "{\"key\":\"b\",\"value\":{\"doubleValue\":1.5}},"
    "{\"key\":\"c\",\"value\":{\"bytesValue\":\"AP8=\"}},"
    "{\"key\":\"d\",\"value\":{\"stringValue\":\"\\u0000x\"}}]}],"
    "\"scope\":{\"name\":\"s\",\"version\":\"2\"}}],"
    "\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"pay\"}}]}"
    "}]}";

static void check_whole(const struct otlp_log *log)
{
    assert_int_equal(log->time_ns, 1700000000000000001);
    assert_int_equal(log->observed_ns, 1700000000000000002);
    assert_int_equal(log->severity, 13);
    assert_true(text_is(log->severity_text, "warn"));
    assert_true(text_is(log->event_name, "exception"));
    assert_int_equal(log->flags, 1);
    assert_memory_equal(log->trace_id, HEX16, 16);
    assert_memory_equal(log->span_id, HEX8, 8);
    assert_true(text_is(log->resource->service, "pay"));
    assert_true(text_is(log->scope->name, "s"));
    assert_int_equal(log->body.type, OTLP_LIST);
    assert_int_equal(log->body.items[0].value.type, OTLP_ARRAY);
    assert_int_equal(log->body.items[0].value.item_count, 2);
    assert_true(log->body.items[0].value.items[0].value.boolean);
    assert_int_equal(log->attributes.count, 4);
    assert_int_equal(log->attributes.dropped_count, 4);
    assert_int_equal(otlp_find_i64(&log->attributes, "a", 0), -5);
    assert_true(otlp_find(&log->attributes, "b")->number == 1.5);
    assert_int_equal(otlp_find(&log->attributes, "c")->type, OTLP_BYTES);
    assert_int_equal(otlp_find_text(&log->attributes, "d").length, 2);
}

static void keeps_all_of_a_record(void **state)
{
    struct logs logs, again;
    struct buffer bytes;
    struct error error = {{0}};
    (void)state;
    logs_init(&logs, COUNT_MAX, BYTES_MAX);
    logs_init(&again, COUNT_MAX, BYTES_MAX);
    buffer_init(&bytes, BYTES_MAX);
    assert_int_equal(logs_json_read(&logs, whole_json, sizeof(whole_json) - 1, &error), STATUS_OK);
    assert_int_equal(logs.count, 1);
    check_whole(&logs.items[0]);
    logs_proto_write_one(&logs.items[0], &bytes);
    assert_int_equal(bytes.failed, STATUS_OK);
    assert_int_equal(logs_proto_read_one(&again,
                                         (struct text){buffer_text(&bytes), bytes.length_bytes},
                                         logs.items[0].resource, logs.items[0].scope),
                     STATUS_OK);
    check_whole(&again.items[0]);
    buffer_release(&bytes);
    logs_release(&again);
    logs_release(&logs);
}

struct bound_row {
    const char *it;
    size_t max_count, max_bytes;
    size_t count;
    uint64_t rejected;
};

static const struct bound_row bound_rows[] = {
    {"it takes what fits", 10, BYTES_MAX, 3, 0},
    {"it counts records over the maximum", 2, BYTES_MAX, 2, 1},
    {"it counts records for which there is no memory", 10, 1, 0, 3},
};

static void check_bounds(void **state)
{
    const struct bound_row *row = *state;
    static const char json[] = "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":["
                               "{\"severityText\":\"a\"},{\"severityText\":\"b\"},"
                               "{\"severityText\":\"c\"}]}]}]}";
    static const char proto[] = "\x0a\x11\x12\x0f\x12\x03\x1a\x01"
                                "a\x12\x03\x1a\x01"
                                "b\x12\x03\x1a\x01"
                                "c";
    for (int as_json = 0; as_json < 2; as_json++) {
        struct logs logs;
        struct error error = {{0}};
        logs_init(&logs, row->max_count, row->max_bytes);
        const enum status status = as_json
                                       ? logs_json_read(&logs, json, sizeof(json) - 1, &error)
                                       : logs_proto_read(&logs, proto, sizeof(proto) - 1, &error);
        assert_int_equal(status, row->rejected ? STATUS_TOO_LARGE : STATUS_OK);
        assert_int_equal(logs.count, row->count);
        assert_int_equal(logs.rejected, row->rejected);
        logs_release(&logs);
    }
}

int main(void)
{
    struct rows all = {0};
    ROWS(&all, proto_rows, check_proto);
    ROWS(&all, json_rows, check_json);
    rows_one(&all, "it keeps all of a record, from JSON by way of protobuf", keeps_all_of_a_record);
    ROWS(&all, bound_rows, check_bounds);
    return rows_run("logs", &all);
}
