/* B3, one header and several, in and out. */
#include <string.h>

#include "fields.h"
#include "rows.h"
#include "trace/b3.h"

#define TID   "0af7651916cd43dd8448eb211c80319c"
#define SHORT "8448eb211c80319c"
#define SID   "b7ad6b7169203331"
#define PAR   "00f067aa0ba902b7"

enum { NONE = -1, SAMPLED = TRACE_FLAG_SAMPLED, DEBUG_SAMPLED = 0x11 };

static void check_found(const struct remote_context *remote, int expected, bool is_short)
{
    if (expected == NONE) { /* what was there is left alone */
        assert_int_equal(remote->span.flags, 0x5a);
        assert_string_equal(remote->trace_state, "old=1");
        return;
    }
    static const uint8_t trace[16] = {0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd,
                                      0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31, 0x9c};
    uint8_t wanted[16] = {0};
    memcpy(wanted + (is_short ? 8 : 0), trace + (is_short ? 8 : 0), is_short ? 8 : 16);
    assert_memory_equal(remote->span.trace_id.bytes, wanted, 16);
    assert_memory_equal(remote->span.span_id.bytes, "\xb7\xad\x6b\x71\x69\x20\x33\x31", 8);
    assert_true(remote->span.is_remote);
    assert_int_equal(remote->span.flags, expected & SAMPLED);
    assert_int_equal(remote->span.is_debug, expected == DEBUG_SAMPLED);
    assert_int_equal(remote->span.trace_state.length, 0);
    assert_string_equal(remote->trace_state, "");
}

static struct remote_context before(void)
{
    return (struct remote_context){.span = {.flags = 0x5a}, .trace_state = "old=1"};
}

/* ---- one header */

static const struct single {
    const char *it, *value;
    int expected;
    bool is_short;
} singles[] = {
    {"it takes a sampled one", TID "-" SID "-1", SAMPLED, false},
    {"it takes an unsampled one", TID "-" SID "-0", 0, false},
    {"it takes a debug one", TID "-" SID "-d", DEBUG_SAMPLED, false},
    {"it takes one with a parent", TID "-" SID "-1-" PAR, SAMPLED, false},
    {"it takes a debug one with a parent", TID "-" SID "-d-" PAR, DEBUG_SAMPLED, false},
    {"it takes no word on sampling for no", TID "-" SID, 0, false},
    {"it fills a short trace id up", SHORT "-" SID "-1", SAMPLED, true},
    {"it strips white space around it", " \t" TID "-" SID "-1 ", SAMPLED, false},
    {"it takes 0 alone for no trace", "0", NONE, false},
    {"it takes 1 alone for no trace", "1", NONE, false},
    {"it takes d alone for no trace", "d", NONE, false},
    {"it refuses an upper-case trace id", "0AF7651916CD43DD8448EB211C80319C-" SID "-1", NONE,
     false},
    {"it refuses an upper-case span id", TID "-B7AD6B7169203331-1", NONE, false},
    {"it refuses an upper-case debug flag", TID "-" SID "-D", NONE, false},
    {"it refuses a trace id of zeros", "00000000000000000000000000000000-" SID "-1", NONE, false},
    {"it refuses a short trace id of zeros", "0000000000000000-" SID "-1", NONE, false},
    {"it refuses a span id of zeros", TID "-0000000000000000-1", NONE, false},
    {"it refuses a trace id of 31 digits", "af7651916cd43dd8448eb211c80319c-" SID "-1", NONE,
     false},
    {"it refuses a trace id of 24 digits", "16cd43dd8448eb211c80319c-" SID "-1", NONE, false},
    {"it refuses a trace id of 33 digits", "0" TID "-" SID "-1", NONE, false},
    {"it refuses a short span id", TID "-b7ad6b716920333-1", NONE, false},
    {"it refuses a long span id", TID "-b7ad6b71692033310-1", NONE, false},
    {"it refuses other digits", "0xf7651916cd43dd8448eb211c80319c-" SID "-1", NONE, false},
    {"it refuses another state", TID "-" SID "-2", NONE, false},
    {"it refuses a word for a state", TID "-" SID "-true", NONE, false},
    {"it refuses an empty state", TID "-" SID "-", NONE, false},
    {"it refuses a parent in place of the state", TID "-" SID "-" PAR, NONE, false},
    {"it refuses a short parent", TID "-" SID "-1-00f067aa", NONE, false},
    {"it refuses an empty parent", TID "-" SID "-1-", NONE, false},
    {"it refuses more than a parent", TID "-" SID "-1-" PAR "-1", NONE, false},
    {"it refuses a trace id alone", TID, NONE, false},
    {"it refuses a trace id and a dash", TID "-", NONE, false},
    {"it refuses other separators", TID "_" SID "_1", NONE, false},
    {"it refuses nothing", "", NONE, false},
    {"it refuses a dash", "-", NONE, false},
    {"it refuses dashes", "----", NONE, false},
    {"it refuses another digit", "2", NONE, false},
};

static void check_single(void **state)
{
    const struct single *row = *state;
    struct guarded_field field = guarded_field_of("B3", row->value);
    struct carrier_source source = {&field, guarded_field_get_all, NULL};
    struct remote_context remote = before();
    b3_extract(&source, &remote);
    guard_release(&field.guard);
    check_found(&remote, row->expected, row->is_short);
}

/* ---- several headers */

static const struct multi {
    const char *it, *trace_id, *span_id, *sampled, *flags;
    int expected;
    bool is_short;
} multis[] = {
    {"it takes a sampled one of parts", TID, SID, "1", NULL, SAMPLED, false},
    {"it takes an unsampled one of parts", TID, SID, "0", NULL, 0, false},
    {"it takes parts without a word on sampling for no", TID, SID, NULL, NULL, 0, false},
    {"it takes true", TID, SID, "true", NULL, SAMPLED, false},
    {"it takes True", TID, SID, "True", NULL, SAMPLED, false},
    {"it takes false", TID, SID, "false", NULL, 0, false},
    {"it takes a debug flag", TID, SID, NULL, "1", DEBUG_SAMPLED, false},
    {"it takes a debug flag before sampling", TID, SID, "0", "1", DEBUG_SAMPLED, false},
    {"it passes over another flag", TID, SID, "0", "0", 0, false},
    {"it passes over many flags", TID, SID, "1", "17", SAMPLED, false},
    {"it fills a short trace id part up", SHORT, SID, "1", NULL, SAMPLED, true},
    {"it strips white space around parts", " " TID "\t", " " SID, " 1 ", NULL, SAMPLED, false},
    {"it refuses another word on sampling", TID, SID, "yes", NULL, NONE, false},
    {"it refuses d for sampling", TID, SID, "d", NULL, NONE, false},
    {"it refuses an empty word on sampling", TID, SID, "", NULL, NONE, false},
    {"it refuses sampling alone", NULL, NULL, "1", NULL, NONE, false},
    {"it refuses a missing trace id", NULL, SID, "1", NULL, NONE, false},
    {"it refuses a missing span id", TID, NULL, "1", NULL, NONE, false},
    {"it refuses an upper-case trace id part", "0AF7651916CD43DD8448EB211C80319C", SID, "1", NULL,
     NONE, false},
    {"it refuses an upper-case span id part", TID, "B7AD6B7169203331", "1", NULL, NONE, false},
    {"it refuses a trace id part of zeros", "00000000000000000000000000000000", SID, "1", NULL,
     NONE, false},
    {"it refuses a span id part of zeros", TID, "0000000000000000", "1", NULL, NONE, false},
    {"it refuses a trace id part of another length", "8448eb211c80319c00", SID, "1", NULL, NONE,
     false},
    {"it refuses a span id part of another length", TID, TID, "1", NULL, NONE, false},
};

static struct fields fields;

static void add(const char *name, const char *value)
{
    if (value != NULL)
        fields_add(&fields, name, value);
}

static void check_multi(void **state)
{
    const struct multi *row = *state;
    struct carrier_source source = fields_source(&fields);
    struct remote_context remote = before();
    fields.count = 0;
    add("x-b3-traceid", row->trace_id);
    add("X-B3-SPANID", row->span_id);
    add("X-B3-ParentSpanId", "not even valid");
    add("X-B3-Sampled", row->sampled);
    add("X-B3-Flags", row->flags);
    b3_extract(&source, &remote);
    check_found(&remote, row->expected, row->is_short);
}

static const struct both {
    const char *it, *single, *second;
    int expected;
} boths[] = {
    {"it prefers the one header", "00000000000000010000000000000002-0000000000000003-0", NULL, 0},
    {"it goes on where the one header is malformed", "bad", NULL, SAMPLED},
    {"it goes on where the one header is empty", "", NULL, SAMPLED},
    {"it goes on where the one header comes twice", TID "-" SID "-0", TID "-" SID "-0", SAMPLED},
    {"it stops at 0", "0", NULL, NONE},
};

static void check_both(void **state)
{
    const struct both *row = *state;
    struct carrier_source source = fields_source(&fields);
    struct remote_context remote = before();
    fields.count = 0;
    add("X-B3-TraceId", TID);
    add("X-B3-SpanId", SID);
    add("X-B3-Sampled", "1");
    add("b3", row->single);
    add("b3", row->second);
    b3_extract(&source, &remote);
    if (row->expected != 0)
        check_found(&remote, row->expected, false);
    else
        assert_int_equal(remote.span.trace_id.bytes[15], 2);
}

static void refuses_parts_that_come_twice(void **state)
{
    (void)state;
    static const char *const names[] = {"X-B3-TraceId", "X-B3-SpanId", "X-B3-Sampled"};
    static const char *const values[] = {TID, SID, "1"};
    struct carrier_source source = fields_source(&fields);
    for (size_t twice = 0; twice < 3; twice++) {
        struct remote_context remote = before();
        fields.count = 0;
        for (size_t i = 0; i < 3; i++)
            add(names[i], values[i]);
        add(names[twice], values[twice]);
        b3_extract(&source, &remote);
        check_found(&remote, NONE, false);
    }
}

/* ---- out */

static const struct output {
    const char *it;
    uint8_t flags;
    bool is_debug, is_short;
    const char *single, *sampled, *debug;
} outputs[] = {
    {"it writes a sampled one", 3, false, false, TID "-" SID "-1", "1", NULL},
    {"it writes an unsampled one", 2, false, false, TID "-" SID "-0", "0", NULL},
    {"it writes a debug one", 1, true, false, TID "-" SID "-d", NULL, "1"},
    {"it writes a short trace id filled up", 1, false, true, "0000000000000000" SHORT "-" SID "-1",
     "1", NULL},
};

static void check_value(const char *name, const char *expected)
{
    const char *value = fields_value(&fields, name);
    assert_int_equal(value == NULL, expected == NULL);
    if (expected != NULL)
        assert_string_equal(value, expected);
}

static void check_output(void **state)
{
    const struct output *row = *state;
    struct carrier_sink sink = fields_sink(&fields);
    struct span_context span = {.flags = row->flags, .is_debug = row->is_debug};
    static const uint8_t id[16] = {0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd,
                                   0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31, 0x9c};
    memcpy(span.trace_id.bytes, id, 16);
    if (row->is_short)
        memset(span.trace_id.bytes, 0, 8);
    memcpy(span.span_id.bytes, "\xb7\xad\x6b\x71\x69\x20\x33\x31", 8);
    fields.count = fields.set_count = 0;
    b3_single_inject(&span, NULL, &sink);
    assert_int_equal(fields.count, 1);
    check_value("b3", row->single);
    fields.count = fields.set_count = 0;
    b3_multi_inject(&span, NULL, &sink);
    assert_int_equal(fields.count, 3);
    check_value("X-B3-TraceId", row->is_short ? "0000000000000000" SHORT : TID);
    check_value("X-B3-SpanId", SID);
    check_value("X-B3-Sampled", row->sampled);
    check_value("X-B3-Flags", row->debug);
}

static void writes_nothing_of_nothing(void **state)
{
    (void)state;
    struct carrier_sink sink = fields_sink(&fields);
    struct span_context spans[] = {{.flags = 1}, {.trace_id = {{1}}}, {.span_id = {{1}}}};
    fields.count = 0;
    b3_single_inject(NULL, NULL, &sink);
    b3_multi_inject(NULL, NULL, &sink);
    for (size_t i = 0; i < 3; i++) {
        b3_single_inject(&spans[i], NULL, &sink);
        b3_multi_inject(&spans[i], NULL, &sink);
    }
    assert_int_equal(fields.count, 0);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, singles, check_single);
    ROWS(&all, multis, check_multi);
    ROWS(&all, boths, check_both);
    rows_one(&all, "it refuses parts that come twice", refuses_parts_that_come_twice);
    ROWS(&all, outputs, check_output);
    rows_one(&all, "it writes nothing of nothing", writes_nothing_of_nothing);
    return rows_run("b3", &all);
}
