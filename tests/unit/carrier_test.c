/* Carriers: lines of text, and the environment. */
#include <string.h>

#include "fields.h"
#include "rows.h"
#include "trace/carrier_environment.h"
#include "trace/propagation.h"

static char seen[512];

static void take(void *into, struct text text)
{
    (void)into;
    strncat(strncat(seen, text.data ? text.data : "", text.length), "|", 2);
}

/* ---- lines */

static const struct lines_row {
    const char *it, *text, *name, *expected, *keys;
} lines_rows[] = {
    {"it reads one", "a: 1\r\n", "a", "1|", "a|"},
    {"it reads each of a name", "a: 1\r\nb: 2\r\nA: 3\r\n", "a", "1|3|", "a|b|A|"},
    {"it reads lines ended by LF alone", "a: 1\nb: 2", "b", "2|", "a|b|"},
    {"it reads an empty value", "a:\r\n", "a", "|", "a|"},
    {"it reads a value with a colon", "a: b:c\r\n", "a", "b:c|", "a|"},
    {"it reads values without white space around", "a:\t 1 \r\n", "a", "1|", "a|"},
    {"it passes over a line without a colon", "a\r\nb: 2\r\n", "a", "", "b|"},
    {"it passes over a line without a name", ": 1\r\n", "", "", ""},
    {"it passes over empty lines", "\r\n\r\na: 1\r\n", "a", "1|", "a|"},
    {"it reads nothing in nothing", "", "a", "", ""},
};

static void check_lines(void **state)
{
    const struct lines_row *row = *state;
    struct guard guard = guard_copy(row->text, strlen(row->text));
    struct text text = {(char *)guard.bytes, strlen(row->text)};
    struct carrier_source source = carrier_lines_source(&text);
    seen[0] = '\0';
    source.get_all(source.carrier, row->name, take, NULL);
    assert_string_equal(seen, row->expected);
    seen[0] = '\0';
    source.keys(source.carrier, take, NULL);
    assert_string_equal(seen, row->keys);
    guard_release(&guard);
}

static void writes_whole_lines(void **state)
{
    (void)state;
    char text[16] = "";
    struct carrier_lines lines = {text, sizeof text};
    struct carrier_sink sink = carrier_lines_sink(&lines);
    sink.set(sink.carrier, "abc", TEXT_LITERAL("123456789")); /* 16 with its end, and a NUL */
    assert_string_equal(text, "");
    sink.set(sink.carrier, "abc", TEXT_LITERAL(""));
    assert_string_equal(text, "abc: \r\n");
    sink.set(sink.carrier, "d", TEXT_LITERAL("1234"));
    assert_string_equal(text, "abc: \r\n");
    sink.set(sink.carrier, "d", TEXT_LITERAL("123"));
    assert_string_equal(text, "abc: \r\nd: 123\r\n");
    assert_int_equal(strlen(text), sizeof text - 1);
    sink.set(sink.carrier, "", TEXT_LITERAL(""));
    assert_string_equal(text, "abc: \r\nd: 123\r\n");
}

static void finds_the_only_one(void **state)
{
    (void)state;
    struct text text = TEXT_LITERAL("a: 1\r\nb: 2\r\na: 3\r\n"), value;
    struct carrier_source source = carrier_lines_source(&text);
    assert_true(text_is(carrier_get(&source, "A"), "1"));
    assert_null(carrier_get(&source, "c").data);
    assert_true(carrier_get_one(&source, "b", &value));
    assert_true(text_is(value, "2"));
    assert_false(carrier_get_one(&source, "a", &value));
    assert_false(carrier_get_one(&source, "c", &value));
}

/* ---- environment */

#define PARENT "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

/* A variable as environ has it: not constant. */
#define VARIABLE(text) ((char[]){text})

static void use(const char *const *names)
{
    const struct propagator *list[PROPAGATORS_MAX] = {NULL};
    for (; *names != NULL; names++)
        propagator_list_add(list, propagator_find(text_of(*names)));
    propagation_use(list);
}

static void reads_variables(void **state)
{
    (void)state;
    static const char *const all[] = {"tracecontext", "baggage", NULL};
    char *list[] = {VARIABLE("PATH=/bin"),
                    VARIABLE("TRACEPARENT=" PARENT),
                    VARIABLE("traceparent=00-bad"),
                    VARIABLE("TRACESTATE=a=1,b=2"),
                    VARIABLE("BAGGAGE=k=v"),
                    VARIABLE("TRACEPARENTX=1"),
                    VARIABLE("odd"),
                    NULL};
    static struct remote_context remote;
    struct carrier_source source = carrier_environment_source(list);
    use(all);
    propagation_extract(&source, &remote);
    assert_int_equal(remote.span.trace_id.bytes[0], 0x0a);
    assert_true(text_is(remote.span.trace_state, "a=1,b=2"));
    assert_int_equal(remote.baggage.length_bytes, 3);
    seen[0] = '\0';
    source.keys(source.carrier, take, NULL);
    assert_string_equal(seen, "PATH|TRACEPARENT|traceparent|TRACESTATE|BAGGAGE|TRACEPARENTX|odd|");
}

static void writes_variables(void **state)
{
    (void)state;
    static const char *const all[] = {"tracecontext", "baggage", "b3multi", NULL};
    char *list[] = {VARIABLE("PATH=/bin"),        VARIABLE("TRACEPARENT=old"),
                    VARIABLE("TRACESTATE=old=1"), VARIABLE("X_B3_FLAGS=1"),
                    VARIABLE("BAGGAGER=1"),       NULL};
    static struct carrier_environment environment;
    struct carrier_sink sink = carrier_environment_sink(&environment);
    struct span_context span = {{{1}}, {{2}}, 1, false, false, {NULL, 0}};
    struct baggage baggage = {.length_bytes = 3, .text = "k=v"};
    char *out[8];
    use(all);
    propagation_inject(&span, &baggage, &sink);
    assert_int_equal(carrier_environment_list(&environment, list, out, 8), STATUS_OK);
    static const char *const expected[] = {
        "PATH=/bin",
        "BAGGAGER=1",
        "TRACEPARENT=00-01000000000000000000000000000000-0200000000000000-01",
        "BAGGAGE=k=v",
        "X_B3_TRACEID=01000000000000000000000000000000",
        "X_B3_SPANID=0200000000000000",
        "X_B3_SAMPLED=1"};
    for (size_t i = 0; i < 7; i++)
        assert_string_equal(out[i], expected[i]);
    assert_null(out[7]);
    for (size_t count = 0; count < 8; count++)
        assert_int_equal(carrier_environment_list(&environment, list, out, count),
                         STATUS_TOO_LARGE);
    static struct remote_context remote; /* and a child reads it */
    assert_int_equal(carrier_environment_list(&environment, list, out, 8), STATUS_OK);
    struct carrier_source source = carrier_environment_source(out);
    propagation_extract(&source, &remote);
    assert_memory_equal(remote.span.trace_id.bytes, span.trace_id.bytes, 16);
    assert_int_equal(remote.baggage.length_bytes, 3);
}

static void bounds_variables(void **state)
{
    (void)state;
    static struct carrier_environment environment;
    static char big[CARRIER_LINES_MAX];
    struct carrier_sink sink = carrier_environment_sink(&environment);
    memset(big, 'x', sizeof big);
    sink.set(sink.carrier, "a", (struct text){big, sizeof big - 2}); /* and a NUL: one too many */
    assert_int_equal(environment.count, 0);
    sink.set(sink.carrier, "a", (struct text){big, sizeof big - 3});
    assert_int_equal(environment.count, 1);
    assert_int_equal(strlen(environment.variables[0]), sizeof big - 1);
    sink.set(sink.carrier, "b", TEXT_LITERAL(""));
    assert_int_equal(environment.count, 1);
    environment = (struct carrier_environment){.count = 0};
    for (int i = 0; i <= CARRIER_ENVIRONMENT_FIELDS_MAX; i++)
        sink.set(sink.carrier, "a", TEXT_LITERAL("1"));
    assert_int_equal(environment.count, CARRIER_ENVIRONMENT_FIELDS_MAX);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, lines_rows, check_lines);
    rows_one(&all, "it writes whole lines", writes_whole_lines);
    rows_one(&all, "it finds the only one of a name", finds_the_only_one);
    rows_one(&all, "it reads variables", reads_variables);
    rows_one(&all, "it writes variables for a child", writes_variables);
    rows_one(&all, "it bounds variables", bounds_variables);
    return rows_run("carrier", &all);
}
