#include "trace/log_record.h"

#include <string.h>

#include "otlp/logs.h"
#include "tests/unit/rows.h"

enum { BYTES_MAX = 4 * 1024 * 1024, RECORD_MAX = 8192 };

static const struct span_context sampled = {
    .trace_id.bytes = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
    .span_id.bytes = {1, 2, 3, 4, 5, 6, 7, 8},
    .flags = 1,
};
static const struct span_context none;
static const struct log_limits usual = {128, UINT32_MAX, 64};

/* Encodes into a record's usual room and reads it with the other side's reader. */
struct read_back {
    struct logs logs;
    const struct otlp_log *log;
    uint8_t bytes[RECORD_MAX];
    size_t length;
};

static void encode(struct read_back *out, const struct log_record *record,
                   const struct span_context *context, const struct log_limits *limits)
{
    static const struct otlp_resource resource;
    static const struct otlp_scope scope;
    struct wire_writer writer = {out->bytes, out->bytes + sizeof out->bytes, false};
    logs_init(&out->logs, 10, BYTES_MAX);
    assert_true(log_record_encode(record, context, limits, &writer));
    out->length = (size_t)(writer.at - out->bytes);
    assert_int_equal(logs_proto_read_one(&out->logs,
                                         (struct text){(const char *)out->bytes, out->length},
                                         &resource, &scope),
                     STATUS_OK);
    out->log = &out->logs.items[0];
}

#define TEXT_ATTRIBUTE(k, v)                                                                       \
    {                                                                                              \
        TEXT_CONSTANT(k), ATTRIBUTE_TEXT,                                                          \
        {                                                                                          \
            .text = TEXT_CONSTANT(v)                                                               \
        }                                                                                          \
    }

static void keeps_all_of_a_record(void **state)
{
    static const struct attribute items[] = {TEXT_ATTRIBUTE("", "x"),
                                             {.type = ATTRIBUTE_I64, .i64 = -1}};
    static const struct attribute attributes[] = {
        TEXT_ATTRIBUTE("t", "words"),
        {TEXT_CONSTANT("i"), ATTRIBUTE_I64, {.i64 = INT64_MIN}},
        {TEXT_CONSTANT("d"), ATTRIBUTE_DOUBLE, {.number = 2.5}},
        {TEXT_CONSTANT("b"), ATTRIBUTE_BOOL, {.boolean = true}},
        {TEXT_CONSTANT("e"), ATTRIBUTE_EMPTY, {.i64 = 0}},
        {TEXT_CONSTANT("a"), ATTRIBUTE_ARRAY, {.items = items, .item_count = 2}},
    };
    const struct log_record record = {
        .wall_ns = 5,
        .observed_wall_ns = 6,
        .severity = LOG_SEVERITY_WARN + 1,
        .severity_text = TEXT_LITERAL("warn"),
        .body = {.text = TEXT_LITERAL("what happened")},
        .event_name = TEXT_LITERAL("shop.sold_out"),
        .attributes = attributes,
        .attribute_count = 6,
    };
    struct read_back back;
    (void)state;
    encode(&back, &record, &sampled, &usual);
    const struct otlp_log *log = back.log;
    assert_int_equal(log->time_ns, 5);
    assert_int_equal(log->observed_ns, 6);
    assert_int_equal(log->severity, 14);
    assert_true(text_is(log->severity_text, "warn"));
    assert_true(text_is(log->event_name, "shop.sold_out"));
    assert_true(log->body.type == OTLP_TEXT && text_is(log->body.text, "what happened"));
    assert_memory_equal(log->trace_id, sampled.trace_id.bytes, 16);
    assert_memory_equal(log->span_id, sampled.span_id.bytes, 8);
    assert_int_equal(log->flags, 1);
    assert_int_equal(log->attributes.count, 6);
    assert_int_equal(log->attributes.dropped_count, 0);
    assert_true(text_is(otlp_find_text(&log->attributes, "t"), "words"));
    assert_true(otlp_find_i64(&log->attributes, "i", 0) == INT64_MIN);
    assert_true(otlp_find(&log->attributes, "d")->number == 2.5);
    assert_true(otlp_find(&log->attributes, "b")->boolean);
    assert_int_equal(otlp_find(&log->attributes, "e")->type, OTLP_EMPTY);
    assert_int_equal(otlp_find(&log->attributes, "a")->item_count, 2);
    assert_int_equal(otlp_find(&log->attributes, "a")->items[1].value.i64, -1);
    logs_release(&back.logs);
}

static void leaves_out_what_is_not_there(void **state)
{
    struct read_back back;
    (void)state;
    encode(&back, &(struct log_record){.observed_wall_ns = 6}, &none, &usual);
    assert_int_equal(back.length, 9); /* the observed time */
    assert_int_equal(back.log->body.type, OTLP_EMPTY);
    logs_release(&back.logs);
}

struct limit_row {
    const char *it;
    struct log_limits limits;
    const char *value;
    uint32_t count, dropped;
    const char *kept; /* of the first one */
};

static const struct limit_row limit_rows[] = {
    {"it keeps attributes up to the limit", {2, UINT32_MAX, 64}, "abc", 2, 1, "abc"},
    {"it keeps none where none is wanted", {0, UINT32_MAX, 64}, "abc", 0, 3, ""},
    {"it keeps all below the limit", {3, UINT32_MAX, 64}, "abc", 3, 0, "abc"},
    {"it cuts values", {3, 2, 64}, "abc", 3, 0, "ab"},
    {"it cuts whole characters", {3, 2, 64}, "\xc3\xa4\xe2\x82\xacz", 3, 0, "\xc3\xa4\xe2\x82\xac"},
    {"it cuts values to nothing", {3, 0, 64}, "abc", 3, 0, ""},
    {"it mends what is not UTF-8", {3, UINT32_MAX, 64}, "a\xff\xc3", 3, 0, "a??"},
    {"it counts a bad byte as a character", {3, 2, 64}, "a\xff\xc3", 3, 0, "a?"},
};

static void check_limits(void **state)
{
    const struct limit_row *row = *state;
    struct attribute attributes[5] = {
        {TEXT_LITERAL("k\xff"), ATTRIBUTE_TEXT, {.text = TEXT_LITERAL("replaced")}},
        {TEXT_LITERAL("k?"), ATTRIBUTE_TEXT, {.text = text_of(row->value)}},
        {TEXT_LITERAL(""), ATTRIBUTE_TEXT, {.text = text_of(row->value)}},
        {TEXT_LITERAL("k2"), ATTRIBUTE_TEXT, {.text = text_of(row->value)}},
        {TEXT_LITERAL("k3"), ATTRIBUTE_TEXT, {.text = text_of(row->value)}},
    };
    struct read_back back;
    encode(&back, &(struct log_record){.attributes = attributes, .attribute_count = 5}, &none,
           &row->limits);
    assert_int_equal(back.log->attributes.count, row->count);
    assert_int_equal(back.log->attributes.dropped_count, row->dropped);
    assert_true(text_is(otlp_find_text(&back.log->attributes, "k?"), row->kept));
    logs_release(&back.logs);
}

/* Over a record's room: the body is cut first, a text as far as it fits, the rest is counted. */
static void stays_within_its_room(void **state)
{
    static char long_text[20000];
    struct read_back back;
    (void)state;
    for (size_t i = 0; i + 1 < sizeof long_text; i += 2)
        memcpy(long_text + i, "\xc3\xa4", 2);
    const struct text value = {long_text, sizeof long_text};
    const struct attribute attributes[] = {
        {TEXT_LITERAL("first"), ATTRIBUTE_TEXT, {.text = value}},
        {TEXT_LITERAL("second"), ATTRIBUTE_BYTES, {.text = value}},
        {TEXT_LITERAL("third"), ATTRIBUTE_I64, {.i64 = 7}},
    };
    encode(&back,
           &(struct log_record){
               .body = {.text = value}, .attributes = attributes, .attribute_count = 3},
           &sampled, &usual);
    assert_int_equal(back.log->body.text.length, 4096);
    assert_int_equal(back.log->attributes.dropped_count, 1);
    const struct text first = otlp_find_text(&back.log->attributes, "first");
    assert_true(first.length > 3000);
    assert_int_equal(text_utf8_prefix(first), first.length);
    assert_int_equal(otlp_find_i64(&back.log->attributes, "third", 0), 7);
    logs_release(&back.logs);
}

/* 64 maps within each other are kept, what lies deeper is empty. */
static void bounds_depth(void **state)
{
    struct attribute nest[80];
    struct read_back back, shorter;
    unsigned depth = 0;
    (void)state;
    for (int i = 0; i < 79; i++)
        nest[i] = (struct attribute){
            TEXT_LITERAL("n"), ATTRIBUTE_MAP, {.items = &nest[i + 1], .item_count = 1}};
    nest[79] = (struct attribute){TEXT_LITERAL("n"), ATTRIBUTE_I64, {.i64 = 1}};
    encode(&back, &(struct log_record){.attributes = nest, .attribute_count = 1}, &none, &usual);
    const struct otlp_value *value = &back.log->attributes.items[0].value;
    for (; value->type == OTLP_LIST && value->item_count == 1; value = &value->items[0].value)
        depth++;
    assert_int_equal(value->type, OTLP_EMPTY);
    assert_in_range(depth, 63, 64);
    /* The reader stops there too: nothing must be written below. */
    encode(&shorter, &(struct log_record){.attributes = nest + 10, .attribute_count = 1}, &none,
           &usual);
    assert_int_equal(shorter.length, back.length);
    logs_release(&shorter.logs);
    logs_release(&back.logs);
}

/* Every room from nothing on: never a byte too far, and what is said to fit can be read. */
static void fits_or_says_so(void **state)
{
    static const struct attribute attributes[] = {TEXT_ATTRIBUTE("key", "value of some length"),
                                                  TEXT_ATTRIBUTE("other", "and one more of them")};
    const struct log_record record = {.wall_ns = 1,
                                      .observed_wall_ns = 2,
                                      .severity = 9,
                                      .body = {.text = TEXT_LITERAL("words")},
                                      .attributes = attributes,
                                      .attribute_count = 2};
    unsigned fitting = 0;
    (void)state;
    for (size_t room = 0; room < 200; room++) {
        uint8_t bytes[256];
        memset(bytes, 0xee, sizeof bytes);
        struct wire_writer writer = {bytes, bytes + room, false};
        const bool fits = log_record_encode(&record, &sampled, &usual, &writer);
        for (size_t i = room; i < sizeof bytes; i++)
            assert_int_equal(bytes[i], 0xee);
        assert_true(fits || fitting == 0); /* what fits fits into more */
        if (!fits)
            continue;
        struct logs logs;
        logs_init(&logs, 1, BYTES_MAX);
        const struct text message = {(const char *)bytes, (size_t)(writer.at - bytes)};
        assert_int_equal(logs_proto_read_one(&logs, message, NULL, NULL), STATUS_OK);
        const struct otlp_attributes *kept = &logs.items[0].attributes;
        assert_int_equal(kept->count + kept->dropped_count, 2);
        logs_release(&logs);
        fitting++;
    }
    assert_in_range(fitting, 50, 150);
}

int main(void)
{
    struct rows all = {0};
    rows_one(&all, "it keeps all of a record", keeps_all_of_a_record);
    rows_one(&all, "it leaves out what is not there", leaves_out_what_is_not_there);
    ROWS(&all, limit_rows, check_limits);
    rows_one(&all, "it stays within a record's room", stays_within_its_room);
    rows_one(&all, "it keeps 64 levels of values", bounds_depth);
    rows_one(&all, "it fits into its room or says that it does not", fits_or_says_so);
    return rows_run("log_record", &all);
}
