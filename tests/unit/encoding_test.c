/* Spans made at random, as protobuf and as JSON. By itself: our readers find the same in both. With
 * a directory: the batches, and what was done to each span, go there for somebody else to check
 * (tests/integration/otlp_encoding_test.py, which has protobuf of its own). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/json_writer.h"
#include "base/rng.h"
#include "otlp/otlp_json.h"
#include "otlp/otlp_proto.h"
#include "trace/otlp_body.h"
#include "trace/span_exporter.h"
#include "trace_sink.h"

enum { SPANS = 400, VALUES_MAX = 4096, TEXT_MAX = 400, TEXTS_BYTES = 1 << 20 };

static struct rng rng;
static struct buffer script; /* what was done, a JSON line each */
static struct json_writer out;
static const char *directory;
static unsigned configuration, batch_count;

/* One span's values live until the next one. */
static struct attribute values[VALUES_MAX];
static size_t value_count;
static char texts[TEXTS_BYTES];
static size_t texts_bytes;

static const struct attribute scope_attributes[] = {
    {.key = TEXT_CONSTANT("scope.key"), .type = ATTRIBUTE_I64, .i64 = -7},
};
static const struct tracer tracers[] = {
    {.name = "encoding-test"},
    {.name = "encoding-test", .version = "1.2"},
    {.name = "\xc3\xbcml\xc3\xa4ut", .version = "3", .schema_url = "https://example.test/1"},
    {.name = "with-attributes", .attributes = scope_attributes, .attribute_count = 1},
};
enum { TRACERS = sizeof tracers / sizeof tracers[0] };

static unsigned below(unsigned bound)
{
    return (unsigned)rng_below(&rng, bound);
}

/* ---- values at random */

/* Characters of one to four bytes, control characters among them; now and then bytes that are no
 * text. */
static struct text random_text(size_t max_pieces, bool is_good)
{
    static const char *const pieces[] = {"a",
                                         "Z",
                                         "0",
                                         " ",
                                         "\"",
                                         "\\",
                                         "/",
                                         "\n",
                                         "\x01",
                                         "\x7f",
                                         "<b>",
                                         "\xc3\xa4",
                                         "\xe2\x82\xac",
                                         "\xef\xbf\xbd",
                                         "\xf0\x9f\x90\x9b",
                                         "\xe2\x80\xa8",
                                         "key.",
                                         "longer piece "};
    static const char *const bad[] = {"\xff",         "\xc3",     "\xe2\x82",
                                      "\xed\xa0\x80", "\xc0\xaf", "\xf5\x80\x80\x80"};
    char *begin = texts + texts_bytes;
    size_t length = 0, count = below((unsigned)max_pieces + 1);
    for (size_t i = 0; i < count && length < TEXT_MAX && texts_bytes + length < TEXTS_BYTES - 64;
         i++) {
        bool is_bad = !is_good && below(12) == 0;
        const char *piece = is_bad ? bad[below(6)] : pieces[below(18)];
        memcpy(begin + length, piece, strlen(piece));
        length += strlen(piece);
    }
    texts_bytes += length;
    return (struct text){begin, length};
}

static struct text random_bytes(void)
{
    char *begin = texts + texts_bytes;
    size_t length = texts_bytes < TEXTS_BYTES - 64 ? below(20) : 0;
    for (size_t i = 0; i < length; i++)
        begin[i] = (char)below(256);
    texts_bytes += length;
    return (struct text){begin, length};
}

/* Few enough that keys come twice. */
static struct text random_key(void)
{
    static const char *const keys[] = {"a",           "http.request.method",
                                       "server.port", "k3",
                                       "\xc3\xa4",    "url.full",
                                       "k6",          "k7",
                                       "db.system",   "a.b",
                                       "with space",  "k11",
                                       "x\"quote\"",  "k13",
                                       "k14",         "k15"};
    if (below(6) == 0) {
        char *begin = texts + texts_bytes;
        int length = snprintf(begin, 32, "key.%u", below(300));
        texts_bytes += (size_t)length;
        return (struct text){begin, (size_t)length};
    }
    return text_of(keys[below(16)]);
}

static double random_double(void)
{
    static const double special[] = {0.0, -0.0, 1.0, -1.5, 1e300, 5e-324, 0.1};
    unsigned kind = below(12);
    if (kind < 7)
        return special[kind];
    if (kind == 7)
        return __builtin_nan("");
    if (kind < 10)
        return kind == 8 ? __builtin_inf() : -__builtin_inf();
    return (double)(int64_t)rng_next(&rng) / 1e6;
}

static int64_t random_i64(void)
{
    static const int64_t special[] = {0, 1, -1, INT64_MAX, INT64_MIN, 127, 128, 300};
    unsigned kind = below(10);
    return kind < 8 ? special[kind] : (int64_t)rng_next(&rng) >> below(60);
}

static struct attribute *take_values(size_t count)
{
    if (value_count + count > VALUES_MAX)
        return NULL;
    value_count += count;
    return &values[value_count - count];
}

static struct attribute random_value(unsigned depth)
{
    struct attribute value = {.type = (enum attribute_type)below(8)};
    bool is_deep = value.type == ATTRIBUTE_ARRAY || value.type == ATTRIBUTE_MAP;
    if (is_deep && depth >= 4)
        value.type = ATTRIBUTE_BOOL;
    switch (value.type) {
    case ATTRIBUTE_TEXT:
        value.text = random_text(12, false);
        break;
    case ATTRIBUTE_BOOL:
        value.boolean = below(2) == 1;
        break;
    case ATTRIBUTE_I64:
        value.i64 = random_i64();
        break;
    case ATTRIBUTE_DOUBLE:
        value.number = random_double();
        break;
    case ATTRIBUTE_BYTES:
        value.text = random_bytes();
        break;
    case ATTRIBUTE_ARRAY:
    case ATTRIBUTE_MAP: {
        size_t count = below(4);
        struct attribute *items = take_values(count);
        for (size_t i = 0; items != NULL && i < count; i++) {
            items[i] = random_value(depth + 1);
            items[i].key = random_key();
        }
        value.items = items;
        value.item_count = items ? count : 0;
        break;
    }
    case ATTRIBUTE_EMPTY:
        break;
    }
    return value;
}

/* Deeper than is kept. */
static struct attribute deep_value(unsigned depth)
{
    struct attribute value = {.type = ATTRIBUTE_BOOL, .boolean = true};
    for (unsigned i = 0; i < depth; i++) {
        struct attribute *item = take_values(1);
        if (item == NULL)
            break;
        *item = value;
        item->key = TEXT_LITERAL("in");
        value = (struct attribute){
            .type = i % 3 ? ATTRIBUTE_ARRAY : ATTRIBUTE_MAP, .items = item, .item_count = 1};
    }
    return value;
}

static struct attribute random_attribute(void)
{
    struct attribute attribute = below(60) == 0 ? deep_value(60 + below(8)) : random_value(0);
    attribute.key = random_key();
    return attribute;
}

static struct attribute *random_attributes(size_t most, size_t *count)
{
    *count = below((unsigned)most + 1);
    struct attribute *list = take_values(*count);
    for (size_t i = 0; list != NULL && i < *count; i++)
        list[i] = random_attribute();
    *count = list ? *count : 0;
    return list;
}

static struct span_context random_context(void)
{
    struct span_context context = {.flags = (uint8_t)below(4), .is_remote = below(2) == 1};
    for (size_t i = 0; i < 16; i++)
        context.trace_id.bytes[i] = (uint8_t)(1 + below(255));
    for (size_t i = 0; i < 8; i++)
        context.span_id.bytes[i] = (uint8_t)(1 + below(255));
    if (below(2))
        context.trace_state = TEXT_LITERAL("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE");
    return context;
}

/* ---- the script */

static void put_hex(const char *key, struct text bytes)
{
    if (key != NULL)
        json_key(&out, key);
    json_hex(&out, (const uint8_t *)bytes.data, bytes.length);
}

/* Values nest deeper than a writer: each has one of its own. */
static void put_value(struct json_writer *outer, const struct attribute *value)
{
    static const char *const types[] = {"text",  "bool",  "int", "double",
                                        "bytes", "array", "map", "empty"};
    struct json_writer inner;
    json_raw(outer, (struct text){"", 0});
    json_writer_init(&inner, outer->out, 0);
    json_begin_array(&inner);
    json_cstring(&inner, types[value->type]);
    if (value->type == ATTRIBUTE_TEXT || value->type == ATTRIBUTE_BYTES) {
        json_hex(&inner, (const uint8_t *)value->text.data, value->text.length);
    } else if (value->type == ATTRIBUTE_BOOL) {
        json_bool(&inner, value->boolean);
    } else if (value->type == ATTRIBUTE_I64) {
        json_i64_string(&inner, value->i64);
    } else if (value->type == ATTRIBUTE_DOUBLE) {
        json_hex(&inner, (const uint8_t *)&value->number, sizeof value->number);
    } else if (value->type != ATTRIBUTE_EMPTY) {
        json_begin_array(&inner);
        for (size_t i = 0; i < value->item_count; i++) {
            if (value->type == ATTRIBUTE_MAP) {
                json_hex(&inner, (const uint8_t *)value->items[i].key.data,
                         value->items[i].key.length);
            }
            put_value(&inner, &value->items[i]);
        }
        json_end_array(&inner);
    }
    json_end_array(&inner);
}

static void put_attributes(const struct attribute *list, size_t count)
{
    json_begin_array(&out);
    for (size_t i = 0; i < count; i++) {
        json_begin_array(&out);
        put_hex(NULL, list[i].key);
        put_value(&out, &list[i]);
        json_end_array(&out);
    }
    json_end_array(&out);
}

static void put_context(const struct span_context *context)
{
    json_begin_object(&out);
    json_field_hex(&out, "trace", context->trace_id.bytes, 16);
    json_field_hex(&out, "span", context->span_id.bytes, 8);
    json_field_u64(&out, "flags", context->flags);
    json_field_bool(&out, "remote", context->is_remote);
    put_hex("state", context->trace_state);
    json_end_object(&out);
}

static void put_link(const struct span_link *link)
{
    json_begin_array(&out);
    put_context(&link->context);
    put_attributes(link->attributes, link->attribute_count);
    json_end_array(&out);
}

/* ---- spans */

static struct span_link random_link(void)
{
    struct span_link link = {.context = random_context()};
    link.attributes = random_attributes(3, &link.attribute_count);
    return link;
}

static void do_event(struct span *span)
{
    size_t count;
    struct text name = random_text(5, false);
    struct attribute *attributes = random_attributes(below(3) ? 3 : 0, &count);
    uint64_t time_ns = 1700000000000000000ull + below(1000000);
    json_begin_array(&out);
    json_cstring(&out, "event");
    put_hex(NULL, name);
    json_u64_string(&out, time_ns);
    put_attributes(attributes, count);
    json_end_array(&out);
    span_add_event_at(span, name, time_ns, attributes, count);
}

static void do_attribute(struct span *span)
{
    struct attribute attribute = random_attribute();
    json_begin_array(&out);
    json_cstring(&out, "attribute");
    put_attributes(&attribute, 1);
    json_end_array(&out);
    if (attribute.type == ATTRIBUTE_TEXT)
        span_set_text(span, attribute.key, attribute.text);
    else if (attribute.type == ATTRIBUTE_I64)
        span_set_i64(span, attribute.key, attribute.i64);
    else
        span_set(span, &attribute);
}

static void do_status(struct span *span)
{
    enum span_status status = (enum span_status)below(3);
    struct text words = random_text(4, false);
    json_begin_array(&out);
    json_cstring(&out, "status");
    json_u64(&out, status);
    put_hex(NULL, words);
    json_end_array(&out);
    span_set_status(span, status, words);
}

static void do_name(struct span *span)
{
    struct text name = random_text(8, false);
    json_begin_array(&out);
    json_cstring(&out, "name");
    put_hex(NULL, name);
    json_end_array(&out);
    span_update_name(span, name);
}

static void do_link(struct span *span)
{
    struct span_link link = random_link();
    json_begin_array(&out);
    json_cstring(&out, "link");
    put_link(&link);
    json_end_array(&out);
    span_add_link(span, &link);
}

static void do_anything(struct span *span)
{
    unsigned what = below(20);
    if (what < 11)
        do_attribute(span);
    else if (what < 15)
        do_event(span);
    else if (what < 17)
        do_link(span);
    else if (what < 19)
        do_status(span);
    else
        do_name(span);
}

static struct span *begin_span(void)
{
    struct span_context parent = random_context();
    struct span_link links[2];
    unsigned tracer = below(TRACERS);
    struct span_options options = {.kind = (enum span_kind)below(6),
                                   .root = below(2) == 1,
                                   .links = links,
                                   .start_wall_ns = 1700000000000000000ull + rng_next(&rng) % 1000};
    char name[64];
    parent.flags |= 1;
    text_copy(random_text(4, true), name, sizeof name);
    name[text_utf8_prefix(text_of(name))] = '\0';
    options.parent = options.root ? NULL : &parent;
    options.attributes = random_attributes(6, &options.attribute_count);
    for (options.link_count = 0; options.link_count < below(3); options.link_count++)
        links[options.link_count] = random_link();
    json_field_u64(&out, "tracer", tracer);
    put_hex("name", text_of(name));
    json_field_u64(&out, "kind", options.kind);
    json_field_u64_string(&out, "start", options.start_wall_ns);
    json_key(&out, "parent");
    if (options.root)
        json_nil(&out);
    else
        put_context(&parent);
    json_key(&out, "attributes");
    put_attributes(options.attributes, options.attribute_count);
    json_key(&out, "links");
    json_begin_array(&out);
    for (size_t i = 0; i < options.link_count; i++)
        put_link(&links[i]);
    json_end_array(&out);
    return span_start(&tracers[tracer], name, &options);
}

static void make_span(void)
{
    unsigned operations = below(4) ? below(12) : below(160);
    value_count = texts_bytes = 0;
    json_writer_init(&out, &script, 0);
    json_begin_object(&out);
    struct span *span = begin_span();
    struct span_context context = span_context_of(span);
    json_key(&out, "context");
    put_context(&context);
    json_key(&out, "operations");
    json_begin_array(&out);
    for (unsigned i = 0; i < operations && value_count < VALUES_MAX / 2; i++)
        do_anything(span);
    json_end_array(&out);
    uint64_t end_ns = 1700000000000000000ull + rng_next(&rng) % 2000;
    json_field_u64_string(&out, "end", end_ns);
    json_end_object(&out);
    buffer_append_byte(&script, '\n');
    span_end_at(span, end_ns);
}

/* ---- batches */

static unsigned seen;

static void write_file(const char *ending, struct text bytes)
{
    char path[512];
    struct buffer content;
    struct error error;
    if (directory == NULL)
        return;
    buffer_init(&content, 256 << 20);
    (void)buffer_append(&content, bytes.data, bytes.length);
    snprintf(path, sizeof path, "%s/%u-%04u.%s", directory, configuration, batch_count, ending);
    assert_int_equal(buffer_write_file(&content, path, &error), STATUS_OK);
    buffer_release(&content);
}

/* Both readings written out again, or the fault. */
static void write_again(bool json, struct text bytes, struct buffer *into)
{
    struct spans spans;
    struct error error = {""};
    struct json_writer writer;
    uint64_t refused = 0;
    enum status status;
    spans_init(&spans, 100000, 1u << 30);
    buffer_init(into, 256 << 20);
    if (json)
        status = otlp_json_read(&spans, bytes.data, bytes.length, &refused, &error);
    else
        status = otlp_proto_read(&spans, bytes.data, bytes.length, &refused, &error);
    if (status != STATUS_OK || refused != 0)
        fail_msg("%s: %s", status_words(status), error.text);
    json_writer_init(&writer, into, 0);
    otlp_json_write(&spans, 0, spans.count, &writer);
    spans_release(&spans);
}

static enum status take_batch(void *self, const struct span_export *batch)
{
    struct otlp_settings settings = {.json = true};
    struct otlp_body body;
    struct text json, proto = {(const char *)batch->otlp, batch->length_bytes};
    struct buffer of_proto, of_json;
    (void)self;
    assert_int_equal(otlp_body_init(&body, OTLP_TRACES, &settings), STATUS_OK);
    assert_int_equal(otlp_body_make(&body, proto, &json), STATUS_OK);
    write_file("pb", proto);
    write_file("json", json);
    write_again(false, proto, &of_proto);
    write_again(true, json, &of_json);
    assert_int_equal(of_proto.length_bytes, of_json.length_bytes);
    assert_memory_equal(of_proto.data, of_json.data, of_proto.length_bytes);
    buffer_release(&of_proto);
    buffer_release(&of_json);
    otlp_body_release(&body);
    seen += batch->span_count;
    batch_count++;
    return STATUS_OK;
}

static const struct span_exporter taker = {.name = "taker", .export_batch = take_batch};

static const struct span_limits limits[] = {
    {128, 128, 128, 128, 128, UINT32_MAX, 64},
    {5, 3, 2, 2, 1, 7, 2},
    {0, 0, 0, 0, 0, 0, 0},
    {20, 5, 200, 128, 0, 40, 66},
};
enum { CONFIGURATIONS = sizeof limits / sizeof limits[0] };

static void configure(struct tracing_config *config)
{
    config->limits = limits[configuration];
    config->exporters = 0;
    config->more_exporters[0] = &taker;
    config->batch.batch_count = 64;
    text_copy(TEXT_LITERAL("round=trip,service.version=1%2C2"), config->resource_attributes,
              sizeof config->resource_attributes);
}

static void put_limits(void)
{
    const struct span_limits *now = &limits[configuration];
    json_writer_init(&out, &script, 0);
    json_begin_array(&out);
    const uint32_t all[] = {
        now->attribute_count,      now->event_count,  now->link_count, now->event_attribute_count,
        now->link_attribute_count, now->value_length, now->value_depth};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        json_u64(&out, all[i]);
    json_end_array(&out);
    buffer_append_byte(&script, '\n');
}

static void make_corpus(uint64_t seed)
{
    static const char *const answers[] = {SINK_OK};
    static struct sink sink;
    sink_start(&sink, answers, 1);
    for (configuration = 0; configuration < CONFIGURATIONS; configuration++) {
        rng_seed(&rng, seed + configuration);
        buffer_init(&script, 256 << 20);
        put_limits();
        batch_count = seen = 0;
        sink_trace(&sink, configure);
        for (unsigned i = 0; i < SPANS; i++) {
            make_span();
            if (i % 32 == 31)
                assert_int_equal(tracing_flush(sink_soon()), STATUS_OK);
        }
        assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
        assert_int_equal(seen, SPANS);
        assert_int_equal(script.failed, STATUS_OK);
        write_file("script", (struct text){(char *)script.data, script.length_bytes});
        buffer_release(&script);
    }
    sink_stop(&sink);
}

static void finds_the_same_in_both(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed += 10)
        make_corpus(seed);
}

static void writes_the_corpus(void **state)
{
    make_corpus(*(uint64_t *)*state);
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    struct CMUnitTest tests[] = {cmocka_unit_test(finds_the_same_in_both)};
    if (argc > 1) {
        directory = argv[1];
        tests[0] = (struct CMUnitTest){
            .name = "corpus", .test_func = writes_the_corpus, .initial_state = &seed};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
