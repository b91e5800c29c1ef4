/* From a request's bytes to open traces, bodies and digests, with no process and no file. */
#include "services/collector/batch.h"
#include "services/collector/body.h"
#include "services/collector/digest.h"
#include "services/collector/light.h"
#include "services/collector/open_traces.h"

#include "otlp/otlp_proto.h"
#include "tests/unit/guard.h"
#include "tests/unit/rows.h"
#include "tests/unit/spans_make.h"

enum { COUNT_MAX = 10000, BYTES_MAX = 64 * 1024 * 1024, SETTLE_NS = 500 };

static void write_of(const struct spans *spans, struct buffer *out)
{
    buffer_init(out, BYTES_MAX);
    assert_int_equal(otlp_proto_write(spans, 0, spans->count, out), STATUS_OK);
}

static struct text text_of_buffer(const struct buffer *buffer)
{
    return (struct text){buffer_text(buffer), buffer->length_bytes};
}

/* Ingest's proof and the full reader must agree: what is taken can always be read. */
static void check_agreement(void **state)
{
    struct rng rng;
    struct spans made;
    struct buffer bytes;
    (void)state;
    rng_seed(&rng, 77);
    spans_init(&made, COUNT_MAX, BYTES_MAX);
    spans_make(&made, 5, 6);
    write_of(&made, &bytes);
    for (int i = 0; i < 5000; i++) {
        struct batch batch;
        struct spans spans;
        uint64_t refused;
        const size_t length = bytes.length_bytes;
        struct guard guard = guard_copy(bytes.data, length);
        for (uint64_t flips = rng_below(&rng, 3); flips > 0; flips--)
            guard.bytes[rng_below(&rng, length)] = (uint8_t)rng_next(&rng);
        spans_init(&spans, COUNT_MAX, BYTES_MAX);
        const enum status taken =
            batch_read(&batch, (struct text){(const char *)guard.bytes, length}, NULL);
        const enum status read = otlp_proto_read(&spans, guard.bytes, length, &refused, NULL);
        if (taken == STATUS_OK) {
            assert_int_equal(read, STATUS_OK);
            assert_int_equal(batch.count, spans.count);
            assert_int_equal(batch.refused, refused);
        }
        batch_release(&batch);
        spans_release(&spans);
        guard_release(&guard);
    }
    spans_release(&made);
    buffer_release(&bytes);
}

/* Spans of `traces` traces, `each` spans of each, in one batch's bytes. */
static void make_bytes(struct buffer *out, uint64_t seed, size_t traces, size_t each)
{
    struct spans spans;
    spans_init(&spans, COUNT_MAX, BYTES_MAX);
    spans_make(&spans, seed, traces * each);
    for (size_t i = 0; i < spans.count; i++) {
        memset(spans.items[i].trace_id, 0, 16);
        spans.items[i].trace_id[15] = (uint8_t)(1 + i % traces);
    }
    write_of(&spans, out);
    spans_release(&spans);
}

static size_t length_of(const struct open_trace *list)
{
    size_t count = 0;
    for (; list; list = list->older)
        count++;
    return count;
}

static void add_bytes(struct open_traces *open, const struct buffer *bytes, uint64_t now_ns)
{
    struct batch batch;
    assert_int_equal(batch_read(&batch, text_of_buffer(bytes), NULL), STATUS_OK);
    assert_int_equal(open_traces_add(open, &batch, now_ns), 0);
    batch_release(&batch);
}

static size_t count_spans(struct open_traces *open, uint8_t last)
{
    const uint8_t id[16] = {[15] = last};
    struct buffer bytes;
    struct spans spans;
    buffer_init(&bytes, BYTES_MAX);
    spans_init(&spans, COUNT_MAX, BYTES_MAX);
    if (open_traces_copy(open, id, &bytes))
        assert_int_equal(otlp_proto_read(&spans, bytes.data, bytes.length_bytes, NULL, NULL),
                         STATUS_OK);
    const size_t count = spans.count;
    spans_release(&spans);
    buffer_release(&bytes);
    return count;
}

static void check_settling(void **state)
{
    struct open_traces *open;
    struct buffer bytes;
    (void)state;
    assert_int_equal(open_traces_new(&open, BYTES_MAX, SETTLE_NS), STATUS_OK);
    make_bytes(&bytes, 3, 4, 5);
    add_bytes(open, &bytes, 1000);
    assert_int_equal(open_traces_stats(open).traces, 4);
    assert_int_equal(open_traces_stats(open).spans, 20);
    assert_null(open_traces_settle(open, 1000 + SETTLE_NS - 1, 100, false));
    struct open_trace *list = open_traces_settle(open, 1000 + SETTLE_NS, 100, false);
    assert_int_equal(length_of(list), 4);
    assert_int_equal(count_spans(open, 1), 5); /* readable while it is written */
    add_bytes(open, &bytes, 2000);             /* late: opens again */
    assert_int_equal(count_spans(open, 1), 10);
    open_traces_done(open, list);
    assert_int_equal(count_spans(open, 1), 5);
    assert_int_equal(open_traces_stats(open).spans, 20);
    list = open_traces_settle(open, 0, 100, true);
    assert_int_equal(length_of(list), 4);
    open_traces_done(open, list);
    assert_int_equal(open_traces_stats(open).traces, 0);
    assert_int_equal(open_traces_stats(open).bytes, 0);
    buffer_release(&bytes);
    open_traces_free(open);
}

static void check_touching(void **state)
{
    struct open_traces *open;
    struct buffer bytes;
    (void)state;
    assert_int_equal(open_traces_new(&open, BYTES_MAX, SETTLE_NS), STATUS_OK);
    make_bytes(&bytes, 3, 1, 1);
    add_bytes(open, &bytes, 1000);
    add_bytes(open, &bytes, 1400);
    assert_null(open_traces_settle(open, 1899, 100, false));
    struct open_trace *list = open_traces_settle(open, 1900, 100, false);
    assert_int_equal(length_of(list), 1);
    assert_int_equal(list->span_count, 2);
    open_traces_done(open, list);
    buffer_release(&bytes);
    open_traces_free(open);
}

/* Above half of the memory a quarter of the quiet time does, above three quarters none. */
static void check_pressure(void **state)
{
    struct open_traces *open;
    struct buffer bytes;
    (void)state;
    make_bytes(&bytes, 3, 1, 2000);
    assert_int_equal(open_traces_new(&open, bytes.length_bytes, SETTLE_NS), STATUS_OK);
    assert_true(open_traces_have_room(open, bytes.length_bytes));
    assert_false(open_traces_have_room(open, bytes.length_bytes + 1));
    add_bytes(open, &bytes, 1000);
    assert_false(open_traces_have_room(open, 1));
    struct open_trace *list = open_traces_settle(open, 1000, 100, false);
    assert_int_equal(length_of(list), 1);
    open_traces_done(open, list);
    assert_true(open_traces_have_room(open, 1));
    buffer_release(&bytes);
    open_traces_free(open);
}

/* What is stored is what came: the same spans, in some order. */
static void check_body(void **state)
{
    struct open_traces *open;
    struct buffer bytes, plain, again;
    struct body_packer *packer;
    struct text packed;
    struct spans spans;
    (void)state;
    make_bytes(&bytes, 9, 1, 300);
    assert_int_equal(open_traces_new(&open, BYTES_MAX, SETTLE_NS), STATUS_OK);
    add_bytes(open, &bytes, 1000);
    struct open_trace *list = open_traces_settle(open, 0, 1000, true);
    buffer_init(&plain, BYTES_MAX);
    buffer_init(&again, BYTES_MAX);
    open_trace_write(list, &plain);
    assert_int_equal(plain.failed, STATUS_OK);
    assert_int_equal(body_packer_new(&packer), STATUS_OK);
    const enum body_coding coding = body_pack(packer, text_of_buffer(&plain), &packed);
    assert_int_equal(coding, BODY_DEFLATE);
    assert_true(packed.length < plain.length_bytes);
    assert_int_equal(body_unpack(coding, packed, &again), STATUS_OK);
    assert_int_equal(again.length_bytes, plain.length_bytes);
    assert_memory_equal(again.data, plain.data, plain.length_bytes);
    assert_int_equal(body_unpack(coding, (struct text){packed.data, packed.length / 2}, &again),
                     STATUS_INVALID);
    spans_init(&spans, COUNT_MAX, BYTES_MAX);
    assert_int_equal(otlp_proto_read(&spans, plain.data, plain.length_bytes, NULL, NULL),
                     STATUS_OK);
    assert_int_equal(spans.count, 300);
    spans_release(&spans);
    body_packer_free(packer);
    open_traces_done(open, list);
    open_traces_free(open);
    buffer_release(&bytes);
    buffer_release(&plain);
    buffer_release(&again);
}

/* ---- calls between services */

struct call_span {
    const char *service;
    uint8_t id, parent, kind, link;
    const char *address, *database;
};

struct call_row {
    const char *it;
    struct call_span spans[4];
    size_t count;
    const char *edges; /* "parent>child " in order */
};

static const struct call_row call_rows[] = {
    {"it counts a client and its server",
     {{"a", 1, 0, 3, 0, "b", NULL}, {"b", 2, 1, 2, 0, NULL, NULL}},
     2,
     "a>b "},
    {"it counts a client that nobody answers by its address",
     {{"a", 1, 0, 3, 0, "tax", NULL}},
     1,
     "a>tax "},
    {"it counts no database", {{"a", 1, 0, 3, 0, "db", "sqlite"}}, 1, ""},
    {"it counts no client without an address", {{"a", 1, 0, 3, 0, NULL, NULL}}, 1, ""},
    {"it counts a producer and its consumer",
     {{"a", 1, 0, 4, 0, NULL, NULL}, {"b", 2, 1, 5, 0, NULL, NULL}},
     2,
     "a>b "},
    {"it counts a consumer that only links",
     {{"a", 1, 0, 4, 0, NULL, NULL}, {"b", 2, 0, 5, 1, NULL, NULL}},
     2,
     "a>b "},
    {"it counts a consumer that links and descends once",
     {{"a", 1, 0, 4, 0, NULL, NULL}, {"b", 2, 1, 5, 1, NULL, NULL}},
     2,
     "a>b "},
    {"it counts nothing within a service",
     {{"a", 1, 0, 3, 0, NULL, NULL}, {"a", 2, 1, 2, 0, NULL, NULL}},
     2,
     ""},
    {"it counts two calls twice",
     {{"a", 1, 0, 3, 0, NULL, NULL},
      {"b", 2, 1, 2, 0, NULL, NULL},
      {"a", 3, 0, 3, 0, NULL, NULL},
      {"b", 4, 3, 2, 0, NULL, NULL}},
     4,
     "a>b a>b "},
    {"it is not fooled by a span that is its own parent", {{"a", 1, 1, 2, 0, NULL, NULL}}, 1, ""},
};

static struct otlp_attributes attributes_of(struct spans *spans, const char *keys[2],
                                            const char *values[2])
{
    struct otlp_attribute *items = arena_alloc_array(&spans->arena, 2, sizeof(*items));
    struct otlp_attributes out = {items, 0, 0};
    for (int i = 0; i < 2; i++) {
        if (!values[i])
            continue;
        items[out.count].key = spans_intern(spans, text_of(keys[i]));
        items[out.count++].value =
            (struct otlp_value){.type = OTLP_TEXT, .text = spans_text(spans, text_of(values[i]))};
    }
    return out;
}

static void add_call(struct spans *spans, const struct call_span *call)
{
    struct otlp_link link = {
        .trace_id = {1}, .span_id = {[7] = call->link}, .trace_state = {"", 0}};
    struct otlp_span span = {.trace_id = {1},
                             .span_id = {[7] = call->id},
                             .parent_id = {[7] = call->parent},
                             .kind = call->kind,
                             .name = text_of("op"),
                             .status_message = {"", 0},
                             .trace_state = {"", 0},
                             .links = &link,
                             .link_count = call->link != 0};
    const char *service_keys[2] = {"service.name", ""}, *services[2] = {call->service, NULL};
    const char *keys[2] = {"server.address", "db.system.name"};
    const char *values[2] = {call->address, call->database};
    const struct otlp_attributes resource = attributes_of(spans, service_keys, services);
    span.resource = spans_origin_resource(spans, &resource);
    span.scope = spans_origin_scope(spans, text_of(""), text_of(""));
    span.attributes = attributes_of(spans, keys, values);
    assert_int_equal(spans_copy(spans, &span), STATUS_OK);
}

static void check_calls(void **state)
{
    const struct call_row *row = *state;
    struct open_traces *open;
    struct digest digest;
    struct spans spans;
    struct buffer bytes, edges;
    spans_init(&spans, COUNT_MAX, BYTES_MAX);
    for (size_t i = 0; i < row->count; i++)
        add_call(&spans, &row->spans[i]);
    write_of(&spans, &bytes);
    assert_int_equal(open_traces_new(&open, BYTES_MAX, SETTLE_NS), STATUS_OK);
    add_bytes(open, &bytes, 1);
    struct open_trace *list = open_traces_settle(open, 0, 100, true);
    digest_init(&digest);
    assert_int_equal(digest_read(&digest, list), STATUS_OK);
    buffer_init(&edges, 4096);
    for (size_t i = 0; i < digest_edge_count(&digest); i++)
        buffer_printf(&edges, "%.*s>%.*s ", TEXT_ARGS(digest_edges(&digest)[i].parent),
                      TEXT_ARGS(digest_edges(&digest)[i].child));
    assert_string_equal(buffer_text(&edges), row->edges);
    digest_release(&digest);
    open_traces_done(open, list);
    open_traces_free(open);
    spans_release(&spans);
    buffer_release(&bytes);
    buffer_release(&edges);
}

int main(void)
{
    static struct rows all;
    rows_one(&all, "it takes nothing that cannot be read", check_agreement);
    rows_one(&all, "it settles traces and opens them again", check_settling);
    rows_one(&all, "it waits anew after each span", check_touching);
    rows_one(&all, "it settles at once under pressure", check_pressure);
    rows_one(&all, "it stores what came", check_body);
    ROWS(&all, call_rows, check_calls);
    return rows_run("collector_traces", &all);
}
