/* traceparent, tracestate and baggage, in and out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "base/clock.h"
#include "trace/propagation.h"

#define TID "0af7651916cd43dd8448eb211c80319c"
#define SID "b7ad6b7169203331"
#define IDS TID "-" SID

/* ---- a carrier of header lines */

struct lines {
    const char *const *pairs; /* name, value, ..., NULL */
};

static void visit(void *carrier, const char *name, void (*take)(void *into, struct text value),
                  void *into)
{
    const struct lines *lines = carrier;
    for (size_t i = 0; lines->pairs[i] != NULL; i += 2)
        if (strcasecmp(lines->pairs[i], name) == 0)
            take(into, text_of(lines->pairs[i + 1]));
}

static void extract(const char *const *pairs, struct remote_context *out)
{
    struct lines lines = {pairs};
    struct header_source source = {&lines, visit};
    memset(out, 0x5a, sizeof *out); /* whatever was there before must not show */
    propagation_extract(&source, out);
}

/* ---- traceparent */

static void reads_traceparent(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
        int flags; /* -1: no parent */
    } rows[] = {
        {"it takes a sampled one", "00-" IDS "-01", 1},
        {"it takes an unsampled one", "00-" IDS "-00", 0},
        {"it keeps the random flag", "00-" IDS "-02", 2},
        {"it keeps both flags", "00-" IDS "-03", 3},
        {"it drops flags without a meaning", "00-" IDS "-ff", 3},
        {"it strips white space around it", " \t00-" IDS "-01\t ", 1},
        {"it takes ids of digits alone", "00-12345678901234567890123456789012-1234567890123456-01",
         1},
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
        {"it refuses other digits in the trace id",
         "00-.af7651916cd43dd8448eb211c80319c-" SID "-01", -1},
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
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *pairs[] = {"TraceParent", rows[i].value, NULL};
        struct remote_context remote;
        extract(pairs, &remote);
        bool valid = span_context_is_valid(&remote.span);
        if (valid != (rows[i].flags >= 0) || (valid && remote.span.flags != rows[i].flags) ||
            (valid && !remote.span.is_remote))
            fail_msg("%s", rows[i].name);
        propagation_extract_texts(text_of(rows[i].value), text_of(NULL), text_of(NULL), &remote);
        if (valid != span_context_is_valid(&remote.span))
            fail_msg("%s, as a text", rows[i].name);
    }
}

static void needs_one_traceparent(void **state)
{
    (void)state;
    static const char *const twice[] = {"traceparent",   "00-" IDS "-01", "traceparent",
                                        "00-" IDS "-01", "tracestate",    "a=1",
                                        "baggage",       "k=v",           NULL};
    struct remote_context remote;
    extract(twice, &remote);
    assert_false(span_context_is_valid(&remote.span));
    assert_int_equal(remote.span.trace_state.length, 0);
    assert_string_equal(remote.trace_state, "");
    assert_int_equal(remote.baggage.length_bytes, 3); /* it stands alone */
}

/* ---- tracestate */

#define KEY_256                                                                                    \
    "k23456789012345678901234567890123456789012345678901234567890123456789012345678901"            \
    "23456789012345678901234567890123456789012345678901234567890123456789012345678901"             \
    "2345678901234567890123456789012345678901234567890123456789012345678901234567890"              \
    "1234567890abcdef"
#define TEN(a)                                                                                     \
    a "0=1," a "1=1," a "2=1," a "3=1," a "4=1," a "5=1," a "6=1," a "7=1," a "8=1," a "9=1,"

static void reads_tracestate(void **state)
{
    (void)state;
    assert_int_equal(strlen(KEY_256), 256);
    static const struct {
        const char *name, *lines[3], *expected;
    } rows[] = {
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
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *pairs[9] = {"traceparent", "00-" IDS "-01"};
        size_t count = 2;
        for (size_t j = 0; j < 3 && rows[i].lines[j] != NULL; j++) {
            pairs[count++] = "tracestate";
            pairs[count++] = rows[i].lines[j];
        }
        struct remote_context remote;
        extract(pairs, &remote);
        if (!span_context_is_valid(&remote.span) ||
            !text_is(remote.span.trace_state, rows[i].expected) ||
            strcmp(remote.trace_state, rows[i].expected) != 0)
            fail_msg("%s: \"%s\"", rows[i].name, remote.trace_state);
    }
}

static void drops_tracestate_with_a_bad_parent(void **state)
{
    (void)state;
    static const char *const pairs[] = {"tracestate", "a=1", "traceparent", "00-" IDS "-1", NULL};
    struct remote_context remote;
    extract(pairs, &remote);
    assert_int_equal(remote.span.trace_state.length, 0);
    assert_string_equal(remote.trace_state, "");
}

/* Over 512 characters: long members go first, from the end; then short ones from the end. */
static void shortens_a_long_tracestate(void **state)
{
    (void)state;
    char line[2048], value[257], expected[600];
    struct remote_context remote;
    memset(value, 'v', 256);
    value[256] = '\0';
    snprintf(line, sizeof line, "a=1,b=%.200s,c=2,d=%.200s,e=%.100s,f=%.100s,g=3", value, value,
             value, value);
    snprintf(expected, sizeof expected, "a=1,b=%.200s,c=2,e=%.100s,f=%.100s,g=3", value, value,
             value);
    propagation_extract_texts(TEXT_LITERAL("00-" IDS "-01"), text_of(line), text_of(NULL), &remote);
    assert_string_equal(remote.trace_state, expected);
    size_t length = 0;
    for (int i = 0; i < 6; i++)
        length += (size_t)snprintf(line + length, sizeof line - length, "k%d=%.97s,", i, value);
    propagation_extract_texts(TEXT_LITERAL("00-" IDS "-01"), text_of(line), text_of(NULL), &remote);
    assert_int_equal(remote.span.trace_state.length, 5 * 100 + 4);
    assert_memory_equal(remote.trace_state, "k0=v", 4);
}

/* ---- baggage */

static void reads_baggage(void **state)
{
    (void)state;
    static const struct {
        const char *name, *lines[3], *expected;
    } rows[] = {
        {"it keeps members", {"a=1,b=2"}, "a=1,b=2"},
        {"it joins lines", {"a=1", "b=2", "c=3"}, "a=1,b=2,c=3"},
        {"it strips white space", {" a = 1 ; p = x ;\tq , b = 2 "}, "a=1;p=x;q,b=2"},
        {"it keeps properties", {"a=1;p;q=%20"}, "a=1;p;q=%20"},
        {"it lets the last of equal keys win", {"a=1,b=2", "a=3"}, "b=2,a=3"},
        {"it lets the last win alone", {"a=1,a=2,a=3"}, "a=3"},
        {"it tells keys apart by case", {"a=1,A=2"}, "a=1,A=2"},
        {"it takes an empty value", {"a="}, "a="},
        {"it takes = in a value", {"a=b=c"}, "a=b=c"},
        {"it takes percent-encoding", {"a=%C3%BC%2c"}, "a=%C3%BC%2c"},
        {"it leaves out a broken escape", {"a=%G0,b=1"}, "b=1"},
        {"it leaves out a cut escape", {"a=%2,b=1"}, "b=1"},
        {"it leaves out a member without =", {"a,b=1"}, "b=1"},
        {"it leaves out an empty key", {"=1,b=1"}, "b=1"},
        {"it leaves out a key that is no token", {"a b=1,(c)=1,b=1"}, "b=1"},
        {"it leaves out a quote in a value", {"a=\"x\",b=1"}, "b=1"},
        {"it leaves out a space in a value", {"a=x y,b=1"}, "b=1"},
        {"it leaves out a backslash", {"a=x\\y,b=1"}, "b=1"},
        {"it leaves out 8-bit text", {"a=\xc3\xbc,b=1"}, "b=1"},
        {"it leaves out line ends", {"a=1\r\nX-Evil: 2,b=1"}, "b=1"},
        {"it leaves out a bad property's member", {"a=1;=x,c=1;p q,b=1"}, "b=1"},
        {"it ignores empty members", {",, ,a=1,", ""}, "a=1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *pairs[7] = {NULL};
        size_t count = 0;
        for (size_t j = 0; j < 3 && rows[i].lines[j] != NULL; j++) {
            pairs[count++] = "Baggage";
            pairs[count++] = rows[i].lines[j];
        }
        struct remote_context remote;
        extract(pairs, &remote);
        struct text got = {remote.baggage.text, remote.baggage.length_bytes};
        if (!text_is(got, rows[i].expected))
            fail_msg("%s: \"%.*s\"", rows[i].name, TEXT_ARGS(got));
    }
}

static void bounds_baggage(void **state)
{
    (void)state;
    static char line[1 << 20];
    struct remote_context remote;
    size_t length = 0;
    for (int i = 0; i < 10000; i++)
        length += (size_t)snprintf(line + length, sizeof line - length, "k%d=v,", i);
    propagation_extract_texts(text_of(NULL), text_of(NULL), text_of(line), &remote);
    char value[8];
    assert_int_equal(baggage_find(&remote.baggage, "k63", value, sizeof value), STATUS_OK);
    assert_int_equal(baggage_find(&remote.baggage, "k64", value, sizeof value), STATUS_NOT_FOUND);
    memset(line, 'x', sizeof line - 1);
    memcpy(line, "a=1,b=", 6); /* the second member is a megabyte long */
    propagation_extract_texts(text_of(NULL), text_of(NULL), text_of(line), &remote);
    assert_true(text_is((struct text){remote.baggage.text, remote.baggage.length_bytes}, "a=1"));
}

/* At the limit, and with a flood over many lines, in no time worth naming: the bound is loose
 * enough for a slow machine and a sanitizer, and far below what quadratic work would take. */
static void reads_a_flood_of_baggage_quickly(void **state)
{
    (void)state;
    static const char *pairs[2001];
    for (int i = 0; i < 2000; i += 2) {
        pairs[i] = "baggage";
        pairs[i + 1] = "k=v,l=w;x;y;z,,,,,,,,m=%20";
    }
    struct remote_context remote;
    uint64_t before_ns = clock_thread_cpu_ns();
    for (int i = 0; i < 100; i++)
        extract(pairs, &remote);
    assert_true(clock_thread_cpu_ns() - before_ns < 2 * NS_PER_S);
    assert_true(remote.baggage.length_bytes > 0);
}

static void finds_baggage(void **state)
{
    (void)state;
    struct remote_context remote;
    char value[8];
    propagation_extract_texts(text_of(NULL), text_of(NULL),
                              TEXT_LITERAL("a=%C3%BC;p=1,empty=,b=12345678,c=1234567"), &remote);
    assert_int_equal(baggage_find(&remote.baggage, "a", value, sizeof value), STATUS_OK);
    assert_string_equal(value, "\xc3\xbc");
    assert_int_equal(baggage_find(&remote.baggage, "empty", value, sizeof value), STATUS_OK);
    assert_string_equal(value, "");
    assert_int_equal(baggage_find(&remote.baggage, "b", value, sizeof value), STATUS_TOO_LARGE);
    assert_int_equal(baggage_find(&remote.baggage, "c", value, sizeof value), STATUS_OK);
    assert_string_equal(value, "1234567");
    assert_int_equal(baggage_find(&remote.baggage, "p", value, sizeof value), STATUS_NOT_FOUND);
    remote.baggage.length_bytes = 0;
    assert_int_equal(baggage_find(&remote.baggage, "a", value, sizeof value), STATUS_NOT_FOUND);
}

/* ---- out */

static void writes_what_it_read(void **state)
{
    (void)state;
    static const char *const pairs[] = {
        "traceparent", "cc-" IDS "-03-more", "tracestate", " a=1 , b=2",
        "baggage",     "k = v ; p",          NULL};
    struct remote_context remote;
    struct propagation_headers headers;
    extract(pairs, &remote);
    propagation_inject(&remote.span, &remote.baggage, &headers);
    assert_string_equal(headers.traceparent, "00-" IDS "-03");
    assert_string_equal(headers.trace_state, "a=1,b=2");
    assert_string_equal(headers.baggage, "k=v;p");
}

static void writes_nothing_where_there_is_nothing(void **state)
{
    (void)state;
    struct propagation_headers headers;
    struct span_context none = {.flags = 1};
    struct baggage empty = {0};
    memset(&headers, 0x5a, sizeof headers);
    propagation_inject(NULL, NULL, &headers);
    assert_string_equal(headers.traceparent, "");
    assert_string_equal(headers.trace_state, "");
    assert_null(headers.baggage);
    propagation_inject(&none, &empty, &headers);
    assert_string_equal(headers.traceparent, "");
    assert_null(headers.baggage);
}

static void never_writes_a_line_end(void **state)
{
    (void)state;
    struct propagation_headers headers;
    struct span_context context = {.flags = 0xff, .trace_state = TEXT_LITERAL("a=1\r\nX: y")};
    memset(context.trace_id.bytes, 1, 16);
    memset(context.span_id.bytes, 2, 8);
    propagation_inject(&context, NULL, &headers);
    assert_string_equal(headers.trace_state, "");
    assert_string_equal(headers.traceparent,
                        "00-01010101010101010101010101010101-0202020202020202-03");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_traceparent),
        cmocka_unit_test(needs_one_traceparent),
        cmocka_unit_test(reads_tracestate),
        cmocka_unit_test(drops_tracestate_with_a_bad_parent),
        cmocka_unit_test(shortens_a_long_tracestate),
        cmocka_unit_test(reads_baggage),
        cmocka_unit_test(bounds_baggage),
        cmocka_unit_test(reads_a_flood_of_baggage_quickly),
        cmocka_unit_test(finds_baggage),
        cmocka_unit_test(writes_what_it_read),
        cmocka_unit_test(writes_nothing_where_there_is_nothing),
        cmocka_unit_test(never_writes_a_line_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
