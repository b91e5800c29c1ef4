/* Spans as they arrive: encoded, limited, overwritten, ordered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/hex.h"
#include "trace_sink.h"

static const struct tracer tracer = {.name = "span-test", .version = "1.2"};
static struct sink sink;

static int start(void **state)
{
    (void)state;
    static const char *const script[] = {SINK_OK};
    sink_start(&sink, script, 1);
    sink_trace(&sink, NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    enum status status = tracing_shutdown(sink_soon());
    sink_stop(&sink);
    return status == STATUS_OK ? 0 : -1;
}

/* What arrived under that name, which must be one span. */
static struct sink_span arrived(const char *name)
{
    struct sink_span span;
    assert_int_equal(tracing_flush(sink_soon()), STATUS_OK);
    assert_int_equal(sink_find(&sink, name, &span), 1);
    return span;
}

static void encodes_every_part(void **state)
{
    (void)state;
    const struct attribute first = {
        .key = TEXT_LITERAL("at.start"), .type = ATTRIBUTE_BOOL, .boolean = true};
    struct span_options options = {
        .kind = SPAN_SERVER, .root = true, .attributes = &first, .attribute_count = 1};
    struct span *span = span_start(&tracer, "all", &options);
    struct span_context context = span_context_of(span);
    assert_true(span_is_recording(span));
    assert_int_equal(context.flags, TRACE_FLAG_SAMPLED | TRACE_FLAG_RANDOM);
    span_set_text(span, SPAN_KEY("text"), TEXT_LITERAL("value"));
    span_set_text(span, SPAN_KEY("empty"), TEXT_LITERAL(""));
    span_set_i64(span, SPAN_KEY("negative"), -7);
    span_set_double(span, SPAN_KEY("half"), 0.5);
    span_set_bool(span, SPAN_KEY("no"), false);
    span_set_text(span, SPAN_KEY(""), TEXT_LITERAL("ignored"));
    const struct attribute detail = {.key = TEXT_LITERAL("k"), .type = ATTRIBUTE_I64, .i64 = 3};
    span_add_event(span, TEXT_LITERAL("happened"), &detail, 1);
    struct span_link link = {.context = context, .attributes = &detail, .attribute_count = 1};
    span_add_link(span, &link);
    span_end(span);

    struct sink_span got = arrived("all");
    assert_memory_equal(got.trace_id, context.trace_id.bytes, 16);
    assert_memory_equal(got.span_id, context.span_id.bytes, 8);
    assert_false(got.has_parent);
    assert_int_equal(got.kind, OTLP_KIND_SERVER);
    assert_int_equal(got.flags, 0x103);
    assert_true(got.end_ns >= got.start_ns);
    uint64_t wall_ns = clock_wall_ns();
    assert_true(got.start_ns <= wall_ns + NS_PER_S && got.start_ns + 30 * NS_PER_S > wall_ns);
    assert_int_equal(got.attribute_count, 6);
    assert_int_equal(sink_attribute(&got, "at.start")->value_field, OTLP_VALUE_BOOL);
    assert_true(sink_has_text(&got, "text", "value"));
    assert_true(sink_has_text(&got, "empty", ""));
    assert_true(sink_has_i64(&got, "negative", -7));
    double half;
    memcpy(&half, &sink_attribute(&got, "half")->number, sizeof half);
    assert_true(half == 0.5);
    assert_int_equal(sink_attribute(&got, "no")->value_field, OTLP_VALUE_BOOL);
    assert_int_equal(sink_attribute(&got, "no")->number, 0);
    assert_int_equal(got.event_count, 1);
    assert_int_equal(got.link_count, 1);
    assert_int_equal(got.status_code, OTLP_STATUS_UNSET);
    assert_int_equal(got.dropped_attributes + got.dropped_events + got.dropped_links, 0);
}

static void reads_events_and_links(void **state)
{
    (void)state;
    struct span *span = span_start(&tracer, "event", NULL);
    struct span_context context = span_context_of(span);
    struct attribute twice[] = {
        {.key = TEXT_LITERAL("same"), .type = ATTRIBUTE_I64, .i64 = 1},
        {.key = TEXT_LITERAL("same"), .type = ATTRIBUTE_I64, .i64 = 2},
    };
    span_add_event(span, TEXT_LITERAL("e"), twice, 2);
    struct span_link link = {.context = context};
    link.context.is_remote = true;
    link.context.trace_state = TEXT_LITERAL("a=b");
    span_add_link(span, &link);
    link.context = (struct span_context){0};
    span_add_link(span, &link); /* says nothing: left out */
    span_end(span);

    struct sink_span got = arrived("event");
    struct wire_field field;
    struct sink_attribute attribute = {0};
    unsigned attributes = 0;
    struct wire_reader reader = wire_reader_of(got.first_event.data, got.first_event.length);
    while (wire_next(&reader, &field) == STATUS_OK) {
        if (field.number == OTLP_EVENT_TIME)
            assert_true(field.value >= got.start_ns && field.value <= got.end_ns);
        if (field.number == OTLP_EVENT_ATTRIBUTES && ++attributes)
            sink_read_attribute(field.bytes, &attribute);
    }
    assert_int_equal(attributes, 1);
    assert_int_equal(attribute.number, 2);
    assert_int_equal(got.link_count, 1);
    reader = wire_reader_of(got.first_link.data, got.first_link.length);
    uint64_t flags = 0;
    struct text link_state = {0};
    while (wire_next(&reader, &field) == STATUS_OK) {
        if (field.number == OTLP_LINK_FLAGS)
            flags = field.value;
        if (field.number == OTLP_LINK_TRACE_STATE)
            link_state = field.bytes;
    }
    assert_int_equal(flags, 0x303);
    assert_true(text_is(link_state, "a=b"));
}

static void ignores_what_comes_after_the_end(void **state)
{
    (void)state;
    uint64_t before = tracing_stats().ended;
    struct span *span = span_start(&tracer, "over", NULL);
    span_end(span);
    assert_false(span_is_recording(span));
    span_end(span);
    span_set_i64(span, SPAN_KEY("late"), 1);
    span_update_name(span, TEXT_LITERAL("late"));
    span_set_status(span, SPAN_ERROR, TEXT_LITERAL("late"));
    span_add_event(span, TEXT_LITERAL("late"), NULL, 0);
    assert_int_equal(tracing_stats().ended, before + 1);
    struct span *one = span_start(&tracer, "one", NULL),
                *other = span_start(&tracer, "other", NULL);
    assert_ptr_not_equal(one, other);
    span_end(other);
    span_end(one);
    struct sink_span got = arrived("over");
    assert_int_equal(got.attribute_count, 0);
    assert_int_equal(got.event_count, 0);
    assert_int_equal(got.status_code, OTLP_STATUS_UNSET);
}

static void keeps_status_order(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum span_status set[4];
        size_t count;
        uint64_t code;
        const char *message;
    } rows[] = {
        {"it starts unset", {SPAN_UNSET}, 0, 0, ""},
        {"it takes an error", {SPAN_ERROR}, 1, 2, "why 0"},
        {"it takes the later error", {SPAN_ERROR, SPAN_ERROR}, 2, 2, "why 1"},
        {"it ignores unset after error", {SPAN_ERROR, SPAN_UNSET}, 2, 2, "why 0"},
        {"it lets ok win over error", {SPAN_ERROR, SPAN_OK}, 2, 1, ""},
        {"it keeps ok for good", {SPAN_OK, SPAN_ERROR, SPAN_UNSET}, 3, 1, ""},
        {"it drops the words of ok", {SPAN_OK}, 1, 1, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct span *span = span_start(&tracer, rows[i].name, NULL);
        for (size_t j = 0; j < rows[i].count; j++) {
            char words[32];
            snprintf(words, sizeof words, "why %zu", j);
            span_set_status(span, rows[i].set[j], text_of(words));
        }
        span_end(span);
        struct sink_span got = arrived(rows[i].name);
        if (got.status_code != rows[i].code || !text_is(got.status_message, rows[i].message))
            fail_msg("%s", rows[i].name);
    }
}

static void overwrites_by_key(void **state)
{
    (void)state;
    struct span *span = span_start(&tracer, "before", NULL);
    char key[16];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 40; i++) {
            snprintf(key, sizeof key, "key.%d", i);
            span_set_i64(span, text_of(key), round * 1000 + i);
        }
    }
    span_set_text(span, SPAN_KEY("key.3"), TEXT_LITERAL("now a much longer text"));
    span_set_text(span, SPAN_KEY("key.39"), TEXT_LITERAL("and so is this one"));
    span_set_text(span, SPAN_KEY("key.39"), TEXT_LITERAL("and so is this two"));
    span_update_name(span, TEXT_LITERAL("after, and longer"));
    span_end(span);
    struct sink_span got = arrived("after, and longer");
    assert_int_equal(got.attribute_count, 40);
    assert_true(sink_has_text(&got, "key.3", "now a much longer text"));
    assert_true(sink_has_text(&got, "key.39", "and so is this two"));
    assert_true(sink_has_i64(&got, "key.0", 2000));
    assert_true(sink_has_i64(&got, "key.38", 2038));
    assert_int_equal(got.dropped_attributes, 0);
}

/* As the usual span does: few keys, written the short way. */
static void overwrites_few_keys(void **state)
{
    (void)state;
    struct span *span = span_start(&tracer, "few", NULL);
    for (int i = 0; i < 3; i++) {
        span_set_text(span, SPAN_KEY("text"), i == 2 ? TEXT_LITERAL("longer") : TEXT_LITERAL("t"));
        span_set_i64(span, SPAN_KEY("number"), i == 2 ? 100000 : i);
        span_set_bool(span, SPAN_KEY("bool"), i == 2);
    }
    span_end(span);
    struct sink_span got = arrived("few");
    assert_int_equal(got.attribute_count, 3);
    assert_true(sink_has_text(&got, "text", "longer"));
    assert_true(sink_has_i64(&got, "number", 100000));
    assert_int_equal(sink_attribute(&got, "bool")->number, 1);
}

/* Each change leaves a hole; together they would be many times what a span may hold. */
/* Lengths around those that take more bytes on the wire, and more than one block. */
static void keeps_texts_of_any_length(void **state)
{
    (void)state;
    static char text[1400];
    memset(text, 'x', sizeof text);
    for (size_t length = 80; length < sizeof text; length += length < 300 ? 1 : 77) {
        char name[32];
        struct text value = {text, length}, other = {text + 1, length - 1};
        snprintf(name, sizeof name, "length %zu", length);
        struct span *span = span_start(&tracer, name, NULL);
        span_set_text(span, SPAN_KEY("statement"), value);
        span_set_bool(span, SPAN_KEY("bool"), true);
        span_set_text(span, SPAN_KEY("again"), value);
        span_set_text(span, SPAN_KEY("again"), other);
        text[length - 1] = '\xff'; /* no UTF-8 */
        span_set_text(span, SPAN_KEY("odd"), value);
        span_end(span);
        struct sink_span got = arrived(name);
        text[length - 1] = '?';
        const struct sink_attribute *odd = sink_attribute(&got, "odd");
        assert_true(odd != NULL && text_equal(odd->text, value));
        text[length - 1] = 'x';
        const struct sink_attribute *statement = sink_attribute(&got, "statement");
        const struct sink_attribute *again = sink_attribute(&got, "again");
        assert_true(statement != NULL && text_equal(statement->text, value));
        assert_true(again != NULL && text_equal(again->text, other));
        assert_int_equal(sink_attribute(&got, "bool")->number, 1);
        assert_int_equal(got.attribute_count, 4);
    }
}

static void closes_holes_before_it_drops(void **state)
{
    (void)state;
    static char long_text[3000];
    char key[16];
    memset(long_text, 'l', sizeof long_text - 1);
    struct span *span = span_start(&tracer, "short", NULL);
    for (int i = 0; i < 20; i++) {
        snprintf(key, sizeof key, "k%d", i);
        span_set_i64(span, text_of(key), i);
    }
    for (int i = 0; i < 500; i++) {
        struct text value = {long_text, (size_t)(i % 7) * 400 + 10};
        span_set_text(span, SPAN_KEY("k3"), value);
        span_set_text(span, SPAN_KEY("k18"), value);
        span_set_status(span, SPAN_ERROR, value);
        span_update_name(span, i % 2 ? TEXT_LITERAL("longer") : TEXT_LITERAL("holes"));
    }
    span_end(span);
    struct sink_span got = arrived("longer");
    assert_int_equal(got.attribute_count, 20);
    assert_int_equal(got.dropped_attributes, 0);
    assert_int_equal(sink_attribute(&got, "k3")->text.length, 499 % 7 * 400 + 10);
    assert_int_equal(sink_attribute(&got, "k18")->text.length, 499 % 7 * 400 + 10);
    assert_int_equal(got.status_message.length, 499 % 7 * 400 + 10);
    for (int i = 0; i < 20; i++) {
        snprintf(key, sizeof key, "k%d", i);
        assert_true(i == 3 || i == 18 || sink_has_i64(&got, key, i));
    }
}

static void counts_what_is_over_the_limits(void **state)
{
    (void)state;
    struct span *span = span_start(&tracer, "limits", NULL);
    char key[16];
    for (int i = 0; i < 130; i++) {
        snprintf(key, sizeof key, "k%d", i);
        span_set_i64(span, text_of(key), i);
        span_add_event(span, TEXT_LITERAL("e"), NULL, 0);
        struct span_link link = {.context = span_context_of(span)};
        span_add_link(span, &link);
    }
    span_set_i64(span, SPAN_KEY("k127"), 1); /* not new: still allowed */
    span_end(span);
    struct sink_span got = arrived("limits");
    assert_int_equal(got.attribute_count, 128);
    assert_int_equal(got.event_count, 128);
    assert_int_equal(got.link_count, 128);
    assert_int_equal(got.dropped_attributes, 2);
    assert_int_equal(got.dropped_events, 2);
    assert_int_equal(got.dropped_links, 2);
    assert_true(sink_has_i64(&got, "k127", 1));
}

static void counts_event_attributes_over_the_limit(void **state)
{
    (void)state;
    struct attribute many[131];
    static char keys[131][16];
    for (int i = 0; i < 131; i++) {
        snprintf(keys[i], sizeof keys[i], "k%d", i);
        many[i] = (struct attribute){.key = text_of(keys[i]), .type = ATTRIBUTE_I64, .i64 = i};
    }
    struct span *span = span_start(&tracer, "event limits", NULL);
    span_add_event(span, TEXT_LITERAL("e"), many, 131);
    span_end(span);
    struct sink_span got = arrived("event limits");
    struct wire_field field;
    unsigned attributes = 0;
    uint64_t dropped = 0;
    struct wire_reader reader = wire_reader_of(got.first_event.data, got.first_event.length);
    while (wire_next(&reader, &field) == STATUS_OK) {
        attributes += field.number == OTLP_EVENT_ATTRIBUTES;
        if (field.number == OTLP_EVENT_DROPPED_ATTRIBUTES)
            dropped = field.value;
    }
    assert_int_equal(attributes, 128);
    assert_int_equal(dropped, 3);
}

static void keeps_big_spans_whole(void **state)
{
    (void)state;
    static char long_text[20000];
    memset(long_text, 'x', sizeof long_text - 1);
    struct span *span = span_start(&tracer, "big", NULL);
    span_set_text(span, SPAN_KEY("long"), text_of(long_text));
    span_set_text(span, SPAN_KEY("after"), TEXT_LITERAL("1"));
    long_text[19998] = 'y';
    span_set_text(span, SPAN_KEY("long"), text_of(long_text)); /* in place, over blocks */
    long_text[10000] = '\0';
    span_set_text(span, SPAN_KEY("after"), text_of(long_text)); /* leaves a hole */
    span_end(span);
    struct sink_span got = arrived("big");
    assert_int_equal(got.attribute_count, 2);
    assert_int_equal(sink_attribute(&got, "long")->text.length, 19999);
    assert_int_equal(sink_attribute(&got, "long")->text.data[19998], 'y');
    assert_int_equal(sink_attribute(&got, "after")->text.length, 10000);
}

static void drops_what_no_span_can_hold(void **state)
{
    (void)state;
    static char huge[100000];
    memset(huge, 'x', sizeof huge - 1);
    struct span *span = span_start(&tracer, "huge", NULL);
    span_set_text(span, SPAN_KEY("small"), TEXT_LITERAL("kept"));
    span_set_text(span, SPAN_KEY("huge"), text_of(huge));
    span_set_text(span, SPAN_KEY("small"), text_of(huge)); /* the old value stays */
    span_add_event(span, text_of(huge), NULL, 0);
    span_end(span);
    struct sink_span got = arrived("huge");
    assert_true(sink_has_text(&got, "small", "kept"));
    assert_int_equal(got.attribute_count, 1);
    assert_int_equal(got.dropped_attributes, 2);
    assert_int_equal(got.dropped_events, 1);
}

static void sends_only_utf8(void **state)
{
    (void)state;
    struct span *span = span_start(&tracer, "bad \xff name", NULL);
    span_set_text(span, SPAN_KEY("k\xc3"), TEXT_LITERAL("gr\xc3\xbc\xdf\xe2\x82"));
    span_set_text(span, SPAN_KEY("good.key"), TEXT_LITERAL("\xff"));
    span_set_text(span, SPAN_KEY("longer.key"), TEXT_LITERAL("a longer value \x80 than a word"));
    span_end(span);
    struct sink_span got = arrived("bad ? name");
    assert_true(sink_has_text(&got, "k?", "gr\xc3\xbc???"));
    assert_true(sink_has_text(&got, "good.key", "?"));
    assert_true(sink_has_text(&got, "longer.key", "a longer value ? than a word"));
}

/* Keys that are one on the wire are one. */
static void overwrites_keys_that_are_not_utf8(void **state)
{
    (void)state;
    static char long_key[300];
    struct span *span = span_start(&tracer, "odd keys", NULL);
    memset(long_key, 'k', sizeof long_key);
    long_key[0] = '\xff';
    span_set_i64(span, SPAN_KEY("k\xff"), 1);
    span_set_i64(span, SPAN_KEY("k\xff"), 2);
    span_set_text(span, SPAN_KEY("k\xfe"), TEXT_LITERAL("other"));
    span_set_i64(span, SPAN_KEY("k?"), 3);
    span_set_i64(span, SPAN_KEY("gr\xc3\xbcn"), 4);
    span_set_i64(span, SPAN_KEY("gr\xc3\xbcn"), 5);
    span_set_i64(span, (struct text){long_key, sizeof long_key}, 6);
    span_end(span);
    struct sink_span got = arrived("odd keys");
    assert_int_equal(got.attribute_count, 2);
    assert_true(sink_has_i64(&got, "k?", 3));
    assert_true(sink_has_i64(&got, "gr\xc3\xbcn", 5));
    assert_int_equal(got.dropped_attributes, 1);
}

/* Lists beyond any that fits are not looked through to their end. */
static void cuts_lists_that_fit_no_span(void **state)
{
    (void)state;
    enum { ITEMS = 20000 };
    static struct attribute items[ITEMS];
    static char keys[ITEMS][12];
    for (size_t i = 0; i < ITEMS; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "k%zu", i % 1000);
        items[i] = (struct attribute){.key = text_of(keys[i]), .type = ATTRIBUTE_EMPTY};
    }
    struct span *span = span_start(&tracer, "lists", NULL);
    span_set(span, &(struct attribute){.key = TEXT_LITERAL("fits"),
                                       .type = ATTRIBUTE_MAP,
                                       .items = items,
                                       .item_count = 3000});
    span_set(span, &(struct attribute){.key = TEXT_LITERAL("does not"),
                                       .type = ATTRIBUTE_MAP,
                                       .items = items,
                                       .item_count = ITEMS});
    span_add_event(span, TEXT_LITERAL("e"), items, ITEMS);
    span_end(span);
    struct sink_span got = arrived("lists");
    assert_int_equal(got.attribute_count, 1);
    assert_int_equal(got.dropped_attributes, 1);
    unsigned count = 0;
    struct wire_field field;
    struct wire_reader reader = wire_reader_of(got.first_event.data, got.first_event.length);
    while (wire_next(&reader, &field) == STATUS_OK) {
        count += field.number == OTLP_EVENT_ATTRIBUTES;
        if (field.number == OTLP_EVENT_DROPPED_ATTRIBUTES)
            assert_true(field.value > ITEMS / 2);
    }
    assert_int_equal(count, 128);
}

/* What is no kind and no status must not spoil the message. */
static void takes_numbers_beyond_an_enum_for_none(void **state)
{
    (void)state;
    const struct span_options options = {.kind = (enum span_kind)200};
    struct span *span = span_start(&tracer, "numbers", &options);
    span_set_status(span, (enum span_status)130, TEXT_LITERAL("none"));
    span_end(span);
    struct sink_span got = arrived("numbers");
    assert_int_equal(got.kind, SPAN_INTERNAL);
    struct wire_field field;
    struct wire_reader reader = wire_reader_of(got.message.data, got.message.length);
    while (wire_next(&reader, &field) == STATUS_OK)
        assert_int_not_equal(field.number, OTLP_SPAN_STATUS);
}

static void makes_children(void **state)
{
    (void)state;
    struct span_scope outer = span_enter(&tracer, "outer");
    struct span_scope inner = span_enter(&tracer, "inner");
    assert_ptr_equal(context_current().span, inner.span);
    struct span_options root = {.root = true};
    span_end(span_start(&tracer, "root", &root));
    span_leave(&inner);
    assert_ptr_equal(context_current().span, outer.span);
    span_leave(&outer);
    assert_null(context_current().span);
    struct sink_span up = arrived("outer"), down = arrived("inner"), other = arrived("root");
    assert_memory_equal(down.parent_id, up.span_id, 8);
    assert_memory_equal(down.trace_id, up.trace_id, 16);
    assert_int_equal(down.flags, 0x103);
    assert_int_equal(down.kind, OTLP_KIND_INTERNAL);
    assert_false(other.has_parent);
    assert_memory_not_equal(other.trace_id, up.trace_id, 16);
}

static void continues_a_remote_parent(void **state)
{
    (void)state;
    static char list[TRACE_STATE_MAX + 1];
    memset(list, 'v', TRACE_STATE_MAX);
    memcpy(list, "key=", 4);
    struct span_context parent = {
        .is_remote = true, .flags = TRACE_FLAG_SAMPLED, .trace_state = text_of(list)};
    memset(parent.trace_id.bytes, 0xab, 16);
    memset(parent.span_id.bytes, 0xcd, 8);
    struct span_options options = {.parent = &parent};
    struct span *span = span_start(&tracer, "remote", &options);
    struct span_context context = span_context_of(span);
    memset(list, 'z', TRACE_STATE_MAX); /* the span has its own copy */
    assert_false(context.is_remote);
    assert_int_equal(context.flags, TRACE_FLAG_SAMPLED);
    assert_int_equal(context.trace_state.data[10], 'v');
    span_end(span);
    struct sink_span got = arrived("remote");
    assert_memory_equal(got.trace_id, parent.trace_id.bytes, 16);
    assert_memory_equal(got.parent_id, parent.span_id.bytes, 8);
    assert_int_equal(got.flags, 0x301);
    assert_int_equal(got.trace_state.length, TRACE_STATE_MAX);
    assert_int_equal(got.trace_state.data[TRACE_STATE_MAX - 1], 'v');
}

static void passes_on_an_unsampled_parent(void **state)
{
    (void)state;
    struct tracing_stats before = tracing_stats();
    struct span_context parent = {
        .is_remote = true, .flags = TRACE_FLAG_RANDOM, .trace_state = TEXT_LITERAL("a=1")};
    memset(parent.trace_id.bytes, 0xab, 16);
    memset(parent.span_id.bytes, 0xcd, 8);
    struct span_options options = {.parent = &parent};
    struct span *span = span_start(&tracer, "unsampled", &options);
    struct span_context context = span_context_of(span);
    assert_false(span_is_recording(span));
    assert_memory_equal(context.trace_id.bytes, parent.trace_id.bytes, 16);
    assert_memory_not_equal(context.span_id.bytes, parent.span_id.bytes, 8);
    assert_int_equal(context.flags, TRACE_FLAG_RANDOM);
    assert_true(text_is(context.trace_state, "a=1"));
    span_set_i64(span, SPAN_KEY("k"), 1);
    span_add_event(span, TEXT_LITERAL("e"), NULL, 0);
    span_end(span);
    struct tracing_stats after = tracing_stats();
    assert_int_equal(after.unsampled - before.unsampled, 1);
    assert_int_equal(after.started, before.started);
}

static void holds_given_times(void **state)
{
    (void)state;
    struct span_options options = {.start_wall_ns = 5000};
    span_end_at(span_start(&tracer, "backwards", &options), 4000);
    span_end_at(span_start(&tracer, "forwards", &options), 6000);
    struct sink_span got = arrived("backwards");
    assert_int_equal(got.start_ns, 5000);
    assert_int_equal(got.end_ns, 5000);
    got = arrived("forwards");
    assert_int_equal(got.end_ns, 6000);
}

static void *set_many(void *argument)
{
    for (int i = 0; i < 2000; i++) {
        span_set_i64(argument, SPAN_KEY("shared"), i);
        span_set_text(argument, SPAN_KEY("text"),
                      i % 2 ? TEXT_LITERAL("long value") : TEXT_LITERAL("s"));
    }
    return NULL;
}

static void takes_calls_from_several_threads(void **state)
{
    (void)state;
    struct span *span = span_start(&tracer, "shared", NULL);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, set_many, span);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    span_end(span);
    struct sink_span got = arrived("shared");
    assert_int_equal(got.attribute_count, 2);
    assert_true(sink_has_i64(&got, "shared", 1999));
}

/* A remote parent, made current for spans that do not know of it. */
static void wraps_a_context(void **state)
{
    (void)state;
    const struct span_context remote = {.trace_id = {{7}},
                                        .span_id = {{8}},
                                        .is_remote = true,
                                        .flags = TRACE_FLAG_SAMPLED,
                                        .trace_state = TEXT_LITERAL("a=b")};
    struct span *wrapped = span_wrap(&remote);
    assert_false(span_is_recording(wrapped));
    struct span_context got = span_context_of(wrapped);
    assert_memory_equal(&got.span_id, &remote.span_id, sizeof got.span_id);
    assert_true(got.is_remote && text_is(got.trace_state, "a=b"));
    struct context before = context_attach((struct context){.span = wrapped});
    span_end(span_start(&tracer, "wrapped-child", NULL));
    context_attach(before);
    span_end(wrapped);
    struct sink_span child = arrived("wrapped-child");
    assert_memory_equal(child.trace_id, remote.trace_id.bytes, 16);
    assert_memory_equal(child.parent_id, remote.span_id.bytes, 8);
    assert_int_equal(child.flags, 0x301);
    assert_ptr_equal(span_wrap(&(struct span_context){.flags = 1}),
                     span_wrap(&(struct span_context){.flags = 0})); /* of no id: of nothing */
}

static void counts_contexts_that_it_cannot_carry(void **state)
{
    (void)state;
    enum { SLOTS = 2048 };
    static struct span *wrapped[SLOTS];
    const struct span_context remote = {.trace_id = {{7}}, .span_id = {{8}}};
    uint64_t before = tracing_stats().uncarried;
    for (size_t i = 0; i < SLOTS; i++)
        wrapped[i] = span_wrap(&remote);
    struct span_context none = span_context_of(span_wrap(&remote));
    assert_false(span_context_is_valid(&none));
    assert_true(tracing_stats().uncarried > before);
    for (size_t i = 0; i < SLOTS; i++)
        span_end(wrapped[i]);
    struct span *last = span_wrap(&remote);
    struct span_context again = span_context_of(last);
    assert_true(span_context_is_valid(&again));
    span_end(last);
}

static void says_when_it_is_enabled(void **state)
{
    (void)state;
    assert_true(tracer_is_enabled(&tracer));
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    assert_false(tracer_is_enabled(&tracer));
    assert_false(span_is_recording(span_start(&tracer, "after", NULL)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodes_every_part),
        cmocka_unit_test(reads_events_and_links),
        cmocka_unit_test(ignores_what_comes_after_the_end),
        cmocka_unit_test(keeps_status_order),
        cmocka_unit_test(overwrites_by_key),
        cmocka_unit_test(overwrites_few_keys),
        cmocka_unit_test(keeps_texts_of_any_length),
        cmocka_unit_test(closes_holes_before_it_drops),
        cmocka_unit_test(counts_what_is_over_the_limits),
        cmocka_unit_test(counts_event_attributes_over_the_limit),
        cmocka_unit_test(keeps_big_spans_whole),
        cmocka_unit_test(drops_what_no_span_can_hold),
        cmocka_unit_test(sends_only_utf8),
        cmocka_unit_test(overwrites_keys_that_are_not_utf8),
        cmocka_unit_test(takes_numbers_beyond_an_enum_for_none),
        cmocka_unit_test(cuts_lists_that_fit_no_span),
        cmocka_unit_test(makes_children),
        cmocka_unit_test(continues_a_remote_parent),
        cmocka_unit_test(passes_on_an_unsampled_parent),
        cmocka_unit_test(holds_given_times),
        cmocka_unit_test(takes_calls_from_several_threads),
        cmocka_unit_test(wraps_a_context),
        cmocka_unit_test(counts_contexts_that_it_cannot_carry),
        cmocka_unit_test(says_when_it_is_enabled), /* the last: it shuts down */
    };
    return cmocka_run_group_tests(tests, start, stop);
}
