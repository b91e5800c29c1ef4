/* The propagators in use: chosen, in their order, together; and what is sent by one side read by
 * the other, in every format. */
#include <string.h>

#include "base/rng.h"
#include "fields.h"
#include "rows.h"
#include "trace/baggage.h"
#include "trace/propagation.h"
#include "trace/trace.h"
#include "trace/trace_state.h"

#define PARENT "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
#define B3     "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1"

static struct fields fields;

/* Chooses by name, "b3,baggage". */
static void use(const char *names)
{
    const struct propagator *list[PROPAGATORS_MAX] = {NULL};
    struct text rest = text_of(names);
    while (rest.data != NULL && rest.length > 0) {
        const struct propagator *row = propagator_find(text_split(&rest, ','));
        assert_non_null(row);
        propagator_list_add(list, row);
    }
    propagation_use(list);
}

static void extract(struct remote_context *out)
{
    struct carrier_source source = fields_source(&fields);
    memset(out, 0x5a, sizeof *out); /* whatever was there before must not show */
    propagation_extract(&source, out);
}

/* ---- the table */

static void finds_rows(void **state)
{
    (void)state;
    static const char *const names[] = {"tracecontext", "baggage", "b3", "b3multi", "none"};
    assert_int_equal(propagator_row_count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(propagator_find(text_of(names[i]))->name, names[i]);
    assert_string_equal(propagator_find(TEXT_LITERAL("TraceContext"))->name, "tracecontext");
    assert_null(propagator_find(TEXT_LITERAL("b3 ")));
    assert_null(propagator_find(TEXT_LITERAL("jaeger")));
    assert_null(propagator_find(TEXT_LITERAL("")));
}

static void lists_each_once(void **state)
{
    (void)state;
    const struct propagator *list[PROPAGATORS_MAX] = {NULL};
    const struct propagator *const b3 = propagator_find(TEXT_LITERAL("b3"));
    const struct propagator *const baggage = propagator_find(TEXT_LITERAL("baggage"));
    propagator_list_add(list, b3);
    propagator_list_add(list, baggage);
    propagator_list_add(list, b3);
    assert_ptr_equal(list[0], b3);
    assert_ptr_equal(list[1], baggage);
    assert_null(list[2]);
    static const struct propagator others[PROPAGATORS_MAX];
    for (size_t i = 0; i < PROPAGATORS_MAX; i++)
        propagator_list_add(list, &others[i]);
    assert_ptr_equal(list[PROPAGATORS_MAX - 1], &others[PROPAGATORS_MAX - 3]);
    const struct propagator *const twice[PROPAGATORS_MAX] = {b3, b3, baggage};
    const struct propagator *used[PROPAGATORS_MAX];
    propagation_use(twice);
    propagation_used(used);
    assert_ptr_equal(used[0], b3);
    assert_ptr_equal(used[1], baggage);
    assert_null(used[2]);
}

/* ---- together */

static const struct choice {
    const char *it, *names, *fields; /* that may be set */
    const char *sent;                /* of a span and baggage: names of what is set */
    char trace;                      /* of both headers the first digit: which was read; 0: none */
    bool baggage;
} choices[] = {
    {"it does nothing before it is told to", "", "", "", 0, false},
    {"it does nothing with none", "none", "", "", 0, false},
    {"it uses one", "tracecontext", "traceparent tracestate ", "traceparent tracestate ", '0',
     false},
    {"it uses baggage alone", "baggage", "baggage ", "baggage ", 0, true},
    {"it uses two", "tracecontext,baggage", "traceparent tracestate baggage ",
     "traceparent tracestate baggage ", '0', true},
    {"it uses them in their order", "baggage,tracecontext", "baggage traceparent tracestate ",
     "baggage traceparent tracestate ", '0', true},
    {"it lets the later one win", "tracecontext,b3", "traceparent tracestate b3 ",
     "traceparent tracestate b3 ", '4', false},
    {"it lets the later one win the other way round", "b3,tracecontext",
     "b3 traceparent tracestate ", "b3 traceparent tracestate ", '0', false},
    {"it reads both forms of B3 with either", "b3multi",
     "X-B3-TraceId X-B3-SpanId X-B3-Sampled X-B3-Flags ", "X-B3-TraceId X-B3-SpanId X-B3-Sampled ",
     '4', false},
    {"it passes over none among others", "none,b3", "b3 ", "b3 ", '4', false},
};

static void check_choice(void **state)
{
    const struct choice *row = *state;
    const char *names[PROPAGATION_FIELDS_MAX];
    char joined[256] = "";
    static struct remote_context remote;
    use(row->names);
    size_t count = propagation_fields(names);
    for (size_t i = 0; i < count; i++)
        strcat(strcat(joined, names[i]), " ");
    assert_string_equal(joined, row->fields);

    fields.count = fields.set_count = 0;
    fields_add(&fields, "traceparent", PARENT);
    fields_add(&fields, "tracestate", "a=1");
    fields_add(&fields, "b3", B3);
    fields_add(&fields, "baggage", "k=v");
    extract(&remote);
    assert_int_equal(span_context_is_valid(&remote.span), row->trace != 0);
    if (row->trace != 0)
        assert_int_equal(remote.span.trace_id.bytes[0], row->trace == '0' ? 0x0a : 0x4b);
    assert_int_equal(remote.span.trace_state.length, row->trace == '0' ? 3 : 0);
    assert_int_equal(remote.baggage.length_bytes, row->baggage ? 3 : 0);

    struct carrier_sink sink = fields_sink(&fields);
    struct span_context span = {{{1}}, {{2}}, 1, false, false, TEXT_LITERAL("a=1")};
    struct baggage baggage = {.length_bytes = 3, .text = "k=v"};
    fields.count = fields.set_count = 0;
    joined[0] = '\0';
    propagation_inject(&span, &baggage, &sink);
    for (size_t i = 0; i < fields.count; i++)
        strcat(strcat(joined, fields.names[i]), " ");
    assert_string_equal(joined, row->sent);
}

static void keeps_a_context_where_the_next_fails(void **state)
{
    (void)state;
    static struct remote_context remote;
    use("tracecontext,b3");
    fields.count = 0;
    fields_add(&fields, "traceparent", PARENT);
    fields_add(&fields, "tracestate", "a=1");
    fields_add(&fields, "b3", "0");
    extract(&remote);
    assert_int_equal(remote.span.trace_id.bytes[0], 0x0a);
    assert_true(text_is(remote.span.trace_state, "a=1"));
    fields.values[2] = "4bf92f3577b34da6a3ce929d0e0e4736-bad-1";
    extract(&remote);
    assert_int_equal(remote.span.trace_id.bytes[0], 0x0a);
}

static void injects_what_is_current(void **state)
{
    (void)state;
    struct carrier_sink sink = fields_sink(&fields);
    struct baggage baggage = {.length_bytes = 3, .text = "k=v"};
    struct span_context parent = {{{1}}, {{2}}, 1, true, false, {NULL, 0}};
    use("tracecontext,baggage");
    fields.count = fields.set_count = 0;
    propagation_inject_current(&sink);
    assert_int_equal(fields.count, 0);
    struct span *span = span_start(NULL, "x", &(struct span_options){.parent = &parent});
    struct context before = context_attach((struct context){span, &baggage});
    propagation_inject_current(&sink);
    context_attach(before);
    span_end(span);
    assert_string_equal(fields_value(&fields, "traceparent"),
                        "00-01000000000000000000000000000000-0200000000000000-01");
    assert_string_equal(fields_value(&fields, "baggage"), "k=v");
}

/* ---- a row of the program's own */

static const char *const own_fields[] = {"X-Own", NULL};

static void own_inject(const struct span_context *span, const struct baggage *baggage,
                       const struct carrier_sink *sink)
{
    (void)span, (void)baggage;
    sink->set(sink->carrier, "X-Own", TEXT_LITERAL("1"));
}

static void own_extract(const struct carrier_source *source, struct remote_context *into)
{
    struct text value;
    into->span.flags = carrier_get_one(source, "x-own", &value) && text_is(value, "1") ? 77 : 0;
}

static void uses_a_row_of_the_program(void **state)
{
    (void)state;
    static const struct propagator own = {"own", own_fields, own_inject, own_extract};
    static struct remote_context remote;
    const struct propagator *const list[PROPAGATORS_MAX] = {&own};
    struct carrier_sink sink = fields_sink(&fields);
    propagation_use(list);
    fields.count = fields.set_count = 0;
    propagation_inject(NULL, NULL, &sink);
    assert_string_equal(fields_value(&fields, "X-Own"), "1");
    extract(&remote);
    assert_int_equal(remote.span.flags, 77);
}

/* ---- what one side sends, the other reads */

struct context_made {
    struct span_context span;
    struct trace_state list;
    struct baggage baggage;
};

static void make_text(struct rng *rng, const char *alphabet, size_t least, size_t most, char *out)
{
    size_t length = least + rng_below(rng, most - least + 1);
    for (size_t i = 0; i < length; i++)
        out[i] = alphabet[rng_below(rng, strlen(alphabet))];
    out[length] = '\0';
}

static void make_context(struct rng *rng, struct context_made *made)
{
    static const char key_chars[] = "abcxyz0189_-*/@";
    char key[32], value[64];
    made->list = (struct trace_state){.length_bytes = 0};
    made->baggage.length_bytes = 0;
    for (size_t i = 0; i < 16; i++)
        made->span.trace_id.bytes[i] = (uint8_t)rng_next(rng);
    for (size_t i = 0; i < 8; i++)
        made->span.span_id.bytes[i] = (uint8_t)rng_next(rng);
    made->span.trace_id.bytes[15] |= 1;
    made->span.span_id.bytes[7] |= 1;
    made->span.flags = (uint8_t)rng_below(rng, 4);
    made->span.is_debug = rng_below(rng, 4) == 0;
    if (made->span.is_debug)
        made->span.flags |= TRACE_FLAG_SAMPLED;
    for (size_t i = rng_below(rng, 5); i > 0; i--) {
        make_text(rng, key_chars, 0, 20, key + 1);
        key[0] = (char)('a' + rng_below(rng, 26));
        make_text(rng, "aZ09 !~;:\"\\|", 0, 40, value);
        value[strlen(value) + 1] = '\0';
        value[strlen(value)] = 'v';
        assert_int_equal(trace_state_set(trace_state_list(&made->list), text_of(key),
                                         text_of(value), &made->list),
                         STATUS_OK);
    }
    for (size_t i = rng_below(rng, 5); i > 0; i--) {
        make_text(rng, "abcXYZ019!#$%&'*+-.^_`|~", 1, 20, key);
        make_text(rng, "aZ09 ,;=\\\"%\t\x7f\xc3\xa9", 0, 30, value);
        value[text_utf8_prefix(text_of(value))] = '\0';
        assert_int_equal(baggage_set(&made->baggage, text_of(key), text_of(value),
                                     rng_below(rng, 2) ? TEXT_LITERAL("p=1;q") : TEXT_LITERAL("")),
                         STATUS_OK);
    }
    made->span.trace_state = trace_state_list(&made->list);
}

static void check_same(const struct context_made *sent, const struct remote_context *got,
                       bool is_b3)
{
    assert_memory_equal(got->span.trace_id.bytes, sent->span.trace_id.bytes, 16);
    assert_memory_equal(got->span.span_id.bytes, sent->span.span_id.bytes, 8);
    assert_true(got->span.is_remote);
    /* Each format carries its part. */
    assert_int_equal(got->span.flags,
                     is_b3 ? sent->span.flags & TRACE_FLAG_SAMPLED : sent->span.flags);
    assert_int_equal(got->span.is_debug, is_b3 && sent->span.is_debug);
    assert_true(
        text_equal(got->span.trace_state, is_b3 ? (struct text){NULL, 0} : sent->span.trace_state));
    assert_true(text_equal(baggage_list(&got->baggage), baggage_list(&sent->baggage)));
}

static const struct trip {
    const char *it, *sender, *receiver;
    bool is_b3;
} trips[] = {
    {"it is understood over W3C headers", "tracecontext,baggage", "tracecontext,baggage", false},
    {"it is understood over b3", "b3,baggage", "b3,baggage", true},
    {"it is understood over X-B3-*", "b3multi,baggage", "b3multi,baggage", true},
    {"it is understood from b3 to b3multi", "b3,baggage", "b3multi,baggage", true},
    {"it is understood from b3multi to b3", "b3multi,baggage", "b3,baggage", true},
    {"it is understood over all at once", "b3,b3multi,baggage,tracecontext",
     "b3,baggage,tracecontext", false},
};

/* Over a carrier in memory, and over lines of text. */
static void check_trip(void **state)
{
    const struct trip *row = *state;
    static struct context_made made;
    static struct remote_context remote;
    static char text[CARRIER_LINES_MAX];
    struct rng rng;
    rng_seed(&rng, 4711);
    for (int i = 0; i < 2000; i++) {
        struct carrier_lines lines = {text, sizeof text};
        struct carrier_sink sink = fields_sink(&fields), line_sink = carrier_lines_sink(&lines);
        make_context(&rng, &made);
        fields.count = fields.set_count = 0;
        text[0] = '\0';
        use(row->sender);
        propagation_inject(&made.span, &made.baggage, &sink);
        propagation_inject(&made.span, &made.baggage, &line_sink);
        use(row->receiver);
        extract(&remote);
        check_same(&made, &remote, row->is_b3);
        struct text all = text_of(text);
        struct carrier_source line_source = carrier_lines_source(&all);
        propagation_extract(&line_source, &remote);
        check_same(&made, &remote, row->is_b3);
    }
}

int main(void)
{
    static struct rows all;
    rows_one(&all, "it finds rows by name", finds_rows);
    ROWS(&all, choices, check_choice);
    rows_one(&all, "it lists each once", lists_each_once);
    rows_one(&all, "it keeps a context where the next one fails",
             keeps_a_context_where_the_next_fails);
    rows_one(&all, "it injects what is current", injects_what_is_current);
    rows_one(&all, "it uses a row of the program's own", uses_a_row_of_the_program);
    ROWS(&all, trips, check_trip);
    return rows_run("propagation", &all);
}
