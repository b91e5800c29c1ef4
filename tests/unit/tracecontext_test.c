/* traceparent and tracestate, in and out. */
#include <stdio.h>
#include <string.h>

#include "fields.h"
#include "rows.h"
#include "trace/trace_state.h"
#include "trace/tracecontext.h"

#define TID "0af7651916cd43dd8448eb211c80319c"
#define SID "b7ad6b7169203331"
#define IDS TID "-" SID

/* ---- traceparent */

static const struct parent {
    const char *it, *value;
    int flags; /* -1: no parent */
} parents[] = {
    {"it takes a sampled one", "00-" IDS "-01", 1},
    {"it takes an unsampled one", "00-" IDS "-00", 0},
    {"it keeps the random flag", "00-" IDS "-02", 2},
    {"it keeps both flags", "00-" IDS "-03", 3},
    {"it drops flags without a meaning", "00-" IDS "-ff", 3},
    {"it strips white space around it", " \t00-" IDS "-01\t ", 1},
    {"it takes ids of digits alone", "00-12345678901234567890123456789012-1234567890123456-01", 1},
    {"it takes a future version", "cc-" IDS "-01", 1},
    {"it takes a future version with more", "cc-" IDS "-01-what-the-future", 1},
    {"it takes a future version ending in a dash", "cc-" IDS "-01-", 1},
    {"it refuses a future version that goes on otherwise", "cc-" IDS "-01.what", -1},
    {"it refuses version ff", "ff-" IDS "-01", -1},
    {"it refuses version 00 with more", "00-" IDS "-01-what", -1},
    {"it refuses version 00 with a dash", "00-" IDS "-01-", -1},
    {"it refuses an upper-case trace id", "00-0AF7651916CD43DD8448EB211C80319C-" SID "-01", -1},
    {"it refuses an upper-case span id", "00-" TID "-B7AD6B7169203331-01", -1},
    {"it refuses upper-case flags", "00-" IDS "-0A", -1},
    {"it refuses an upper-case version", "CC-" IDS "-01", -1},
    {"it refuses a trace id of zeros", "00-00000000000000000000000000000000-" SID "-01", -1},
    {"it refuses a span id of zeros", "00-" TID "-0000000000000000-01", -1},
    {"it refuses other digits in the trace id", "00-.af7651916cd43dd8448eb211c80319c-" SID "-01",
     -1},
    {"it refuses other digits in the span id", "00-" TID "-.7ad6b7169203331-01", -1},
    {"it refuses other digits in the flags", "00-" IDS "-.0", -1},
    {"it refuses other digits in the version", ".0-" IDS "-01", -1},
    {"it refuses short flags", "00-" IDS "-1", -1},
    {"it refuses a short trace id", "00-0af7651916cd43dd8448eb211c80319-" SID "-01", -1},
    {"it refuses a long trace id", "00-" TID "0-" SID "-01", -1},
    {"it refuses a short version", "0-" IDS "-01", -1},
    {"it refuses a long version", "000-" IDS "-01", -1},
    {"it refuses other separators", "00_" TID "_" SID "_01", -1},
    {"it refuses nothing at all", "", -1},
    {"it refuses white space alone", "   ", -1},
    {"it refuses a list", "00-" IDS "-01,00-" IDS "-01", -1},
    {"it refuses 8-bit text",
     "00-\xff\xff"
     "7651916cd43dd8448eb211c80319c-" SID "-01",
     -1},
};

static void check_parent(void **state)
{
    const struct parent *row = *state;
    struct guarded_field field = guarded_field_of("TraceParent", row->value);
    struct carrier_source source = {&field, guarded_field_get_all, NULL};
    struct remote_context remote = {.span = {.flags = 0x5a}};
    tracecontext_extract(&source, &remote);
    guard_release(&field.guard);
    if (row->flags < 0) { /* what was there is left alone */
        assert_int_equal(remote.span.flags, 0x5a);
        return;
    }
    assert_true(span_context_is_valid(&remote.span));
    assert_true(remote.span.is_remote);
    assert_false(remote.span.is_debug);
    assert_int_equal(remote.span.flags, row->flags);
}

static void reads_the_ids(void **state)
{
    (void)state;
    static struct fields fields;
    struct carrier_source source = fields_source(&fields);
    struct remote_context remote;
    memset(&remote, 0x5a, sizeof remote);
    fields_add(&fields, "traceparent", "00-" IDS "-01");
    tracecontext_extract(&source, &remote);
    assert_memory_equal(remote.span.trace_id.bytes,
                        "\x0a\xf7\x65\x19\x16\xcd\x43\xdd\x84\x48\xeb\x21\x1c\x80\x31\x9c", 16);
    assert_memory_equal(remote.span.span_id.bytes, "\xb7\xad\x6b\x71\x69\x20\x33\x31", 8);
    assert_int_equal(remote.span.trace_state.length, 0);
    assert_string_equal(remote.trace_state, "");
}

/* ---- both */

static const struct pair {
    const char *it, *parents[3], *states[3];
    bool valid;
    const char *expected; /* tracestate */
} pairs[] = {
    {"it refuses two parents, and the state with them",
     {"00-" IDS "-01", "00-" IDS "-01"},
     {"a=1"},
     false,
     NULL},
    {"it refuses a state without a parent", {NULL}, {"a=1"}, false, NULL},
    {"it refuses a state with a bad parent", {"00-" IDS "-1"}, {"a=1"}, false, NULL},
    {"it takes a parent with a bad state", {"00-" IDS "-01"}, {"A=1"}, true, ""},
    {"it takes a parent without a state", {"00-" IDS "-01"}, {NULL}, true, ""},
    {"it takes both", {"00-" IDS "-01"}, {"a=1", "b=2"}, true, "a=1,b=2"},
};

static void check_pair(void **state)
{
    const struct pair *row = *state;
    static struct fields fields;
    struct carrier_source source = fields_source(&fields);
    struct remote_context remote = {.trace_state = "old=1"};
    remote.span.trace_state = (struct text){remote.trace_state, 5};
    fields.count = 0;
    for (size_t i = 0; row->states[i] != NULL; i++)
        fields_add(&fields, "TRACESTATE", row->states[i]);
    for (size_t i = 0; row->parents[i] != NULL; i++)
        fields_add(&fields, "traceparent", row->parents[i]);
    tracecontext_extract(&source, &remote);
    assert_int_equal(span_context_is_valid(&remote.span), row->valid);
    assert_string_equal(remote.trace_state, row->expected ? row->expected : "old=1");
    assert_true(text_is(remote.span.trace_state, remote.trace_state));
}

/* ---- tracestate */

#define KEY_256                                                                                    \
    "k23456789012345678901234567890123456789012345678901234567890123456789012345678901"            \
    "23456789012345678901234567890123456789012345678901234567890123456789012345678901"             \
    "2345678901234567890123456789012345678901234567890123456789012345678901234567890"              \
    "1234567890abcdef"
#define TEN(a)                                                                                     \
    a "0=1," a "1=1," a "2=1," a "3=1," a "4=1," a "5=1," a "6=1," a "7=1," a "8=1," a "9=1,"

static const struct state {
    const char *it, *lines[3], *expected;
} states[] = {
    {"it keeps a list", {"foo=1,bar=2"}, "foo=1,bar=2"},
    {"it joins lines in order", {"foo=1", "bar=2", "baz=3"}, "foo=1,bar=2,baz=3"},
    {"it strips white space around members", {" foo=1 \t,\tbar=2 "}, "foo=1,bar=2"},
    {"it ignores empty members", {"foo=1,,bar=2, ,", ""}, "foo=1,bar=2"},
    {"it keeps the first of equal keys", {"foo=1,bar=2", "foo=3"}, "foo=1,bar=2"},
    {"it takes every character of a key", {"a_b-c*d/e@f0=1"}, "a_b-c*d/e@f0=1"},
    {"it takes a key that starts with a digit", {"0a=1"}, "0a=1"},
    {"it takes a key ending in @", {"foo@=1"}, "foo@=1"},
    {"it takes two @ in a row", {"foo@@bar=1"}, "foo@@bar=1"},
    {"it takes three parts with @", {"a@b@c=1"}, "a@b@c=1"},
    {"it takes a key of 256", {KEY_256 "=1"}, KEY_256 "=1"},
    {"it takes spaces inside values", {"foo=a b"}, "foo=a b"},
    {"it takes odd but allowed values",
     {"foo=~!\"#$%&'()*+-./:;<>?@[\\]^_`{|}"},
     "foo=~!\"#$%&'()*+-./:;<>?@[\\]^_`{|}"},
    {"it takes 32 members",
     {TEN("a") TEN("b") TEN("c") "x=1,y=1"},
     TEN("a") TEN("b") TEN("c") "x=1,y=1"},
    {"it refuses 33 members", {TEN("a") TEN("b") TEN("c") "x=1,y=1,z=1"}, ""},
    {"it refuses all for one bad member", {"foo=1", "BAD=2"}, ""},
    {"it refuses a key of 257", {KEY_256 "f=1"}, ""},
    {"it refuses an upper-case key", {"Foo=1"}, ""},
    {"it refuses a dot in a key", {"foo.bar=1"}, ""},
    {"it refuses a space in a key", {"foo bar=1"}, ""},
    {"it refuses a space before =", {"foo =1"}, ""},
    {"it refuses a key that starts with @", {"@foo=1"}, ""},
    {"it refuses a key that starts with _", {"_foo=1"}, ""},
    {"it refuses an empty key", {"=1"}, ""},
    {"it refuses an empty value", {"foo="}, ""},
    {"it refuses = in a value", {"foo=a=b"}, ""},
    {"it refuses a member without =", {"foo"}, ""},
    {"it refuses a control character", {"foo=a\tb"}, ""},
    {"it refuses a line end", {"foo=a\r\nX-Evil: 1"}, ""},
    {"it refuses 8-bit text", {"foo=\xc3\xbc"}, ""},
};

static void check_state(void **state)
{
    const struct state *row = *state;
    static struct fields fields;
    struct carrier_source source = fields_source(&fields);
    struct remote_context remote = {.trace_state = "old"};
    fields.count = 0;
    fields_add(&fields, "traceparent", "00-" IDS "-01");
    for (size_t j = 0; j < 3 && row->lines[j] != NULL; j++)
        fields_add(&fields, "tracestate", row->lines[j]);
    tracecontext_extract(&source, &remote);
    assert_true(span_context_is_valid(&remote.span));
    assert_string_equal(remote.trace_state, row->expected);
    assert_true(text_is(remote.span.trace_state, row->expected));
}

static void check_state_at_a_page(void **state)
{
    const struct state *row = *state;
    struct guarded_field field = guarded_field_of("tracestate", row->lines[0]);
    struct trace_state_reader reader;
    char out[TRACE_STATE_MAX + 1];
    trace_state_reader_init(&reader);
    trace_state_reader_add_line(&reader, field.value);
    (void)trace_state_reader_write(&reader, out, sizeof out);
    guard_release(&field.guard);
}

/* Over 512 characters: long members go first, from the end; then short ones from the end. */
static void shortens_a_long_state(void **state)
{
    (void)state;
    static struct fields fields;
    struct carrier_source source = fields_source(&fields);
    char line[2048], value[257], expected[600];
    struct remote_context remote;
    memset(value, 'v', 256);
    value[256] = '\0';
    fields_add(&fields, "traceparent", "00-" IDS "-01");
    fields_add(&fields, "tracestate", line);
    snprintf(line, sizeof line, "a=1,b=%.200s,c=2,d=%.200s,e=%.100s,f=%.100s,g=3", value, value,
             value, value);
    snprintf(expected, sizeof expected, "a=1,b=%.200s,c=2,e=%.100s,f=%.100s,g=3", value, value,
             value);
    tracecontext_extract(&source, &remote);
    assert_string_equal(remote.trace_state, expected);
    size_t length = 0;
    for (int i = 0; i < 6; i++)
        length += (size_t)snprintf(line + length, sizeof line - length, "k%d=%.97s,", i, value);
    tracecontext_extract(&source, &remote);
    assert_int_equal(remote.span.trace_state.length, 5 * 100 + 4);
    assert_memory_equal(remote.trace_state, "k0=v", 4);
}

/* ---- out */

static const struct output {
    const char *it;
    uint8_t first_trace_byte, first_span_byte, flags;
    const char *list, *parent, *state; /* NULL: not sent */
} outputs[] = {
    {"it writes both", 0x0a, 0xb7, 1, "a=1,b=2",
     "00-0a000000000000000000000000000000-b700000000000000-01", "a=1,b=2"},
    {"it writes no empty state", 0x0a, 0xb7, 0, "",
     "00-0a000000000000000000000000000000-b700000000000000-00", NULL},
    {"it writes known flags alone", 0x0a, 0xb7, 0xff, "",
     "00-0a000000000000000000000000000000-b700000000000000-03", NULL},
    {"it writes a state anew", 0x0a, 0xb7, 2, " a=1 ,, b=2",
     "00-0a000000000000000000000000000000-b700000000000000-02", "a=1,b=2"},
    {"it never writes a line end", 0x0a, 0xb7, 2, "a=1\r\nX-Evil: y",
     "00-0a000000000000000000000000000000-b700000000000000-02", NULL},
    {"it writes nothing without a trace id", 0, 0xb7, 1, "a=1", NULL, NULL},
    {"it writes nothing without a span id", 0x0a, 0, 1, "a=1", NULL, NULL},
};

static void check_output(void **state)
{
    const struct output *row = *state;
    static struct fields fields;
    struct carrier_sink sink = fields_sink(&fields);
    struct span_context span = {.flags = row->flags, .trace_state = text_of(row->list)};
    span.trace_id.bytes[0] = row->first_trace_byte;
    span.span_id.bytes[0] = row->first_span_byte;
    fields.count = fields.set_count = 0;
    tracecontext_inject(&span, NULL, &sink);
    assert_int_equal(fields.count, (row->parent != NULL) + (row->state != NULL));
    if (row->parent != NULL)
        assert_string_equal(fields_value(&fields, "traceparent"), row->parent);
    if (row->state != NULL)
        assert_string_equal(fields_value(&fields, "tracestate"), row->state);
}

static void writes_nothing_of_nothing(void **state)
{
    (void)state;
    static struct fields fields;
    struct carrier_sink sink = fields_sink(&fields);
    tracecontext_inject(NULL, NULL, &sink);
    assert_int_equal(fields.count, 0);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, parents, check_parent);
    rows_one(&all, "it reads the ids", reads_the_ids);
    ROWS(&all, pairs, check_pair);
    ROWS(&all, states, check_state);
    ROWS(&all, states, check_state_at_a_page);
    rows_one(&all, "it shortens a long state", shortens_a_long_state);
    ROWS(&all, outputs, check_output);
    rows_one(&all, "it writes nothing of nothing", writes_nothing_of_nothing);
    return rows_run("tracecontext", &all);
}
