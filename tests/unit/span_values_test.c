/* Values of every kind and depth, and the limits on them, as they arrive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "trace_sink.h"

static const struct tracer tracer = {.name = "values-test"};
static struct sink sink;

enum { PRINTED = 4096 };

static char printed[PRINTED];

static void print(const char *format, ...)
{
    va_list arguments;
    size_t length = strlen(printed);
    va_start(arguments, format);
    (void)vsnprintf(printed + length, sizeof printed - length, format, arguments);
    va_end(arguments);
}

static void print_value(struct text value);

static void print_list(struct text list, bool is_map)
{
    struct wire_reader reader = wire_reader_of(list.data, list.length);
    struct wire_field field, part;
    const char *between = "";
    print(is_map ? "{" : "[");
    while (wire_next(&reader, &field) == STATUS_OK) {
        print("%s", between);
        between = ",";
        if (!is_map) {
            print_value(field.bytes);
            continue;
        }
        struct wire_reader pair = wire_reader_of(field.bytes.data, field.bytes.length);
        while (wire_next(&pair, &part) == STATUS_OK) {
            if (part.number == OTLP_KEY_VALUE_KEY)
                print("%.*s:", TEXT_ARGS(part.bytes));
            else
                print_value(part.bytes);
        }
    }
    print(is_map ? "}" : "]");
}

static void print_value(struct text value)
{
    struct wire_reader reader = wire_reader_of(value.data, value.length);
    struct wire_field field;
    if (wire_next(&reader, &field) != STATUS_OK) {
        print("-");
        return;
    }
    double number;
    memcpy(&number, &field.value, sizeof number);
    if (field.number == OTLP_VALUE_STRING)
        print("'%.*s'", TEXT_ARGS(field.bytes));
    else if (field.number == OTLP_VALUE_BYTES)
        print("<%.*s>", TEXT_ARGS(field.bytes));
    else if (field.number == OTLP_VALUE_BOOL)
        print(field.value ? "true" : "false");
    else if (field.number == OTLP_VALUE_INT)
        print("%ld", (long)field.value);
    else if (field.number == OTLP_VALUE_DOUBLE)
        print("%g", number);
    else
        print_list(field.bytes, field.number == OTLP_VALUE_KVLIST);
}

enum { USUAL = 1000 }; /* in place of a limit: the one of the specification */

static uint32_t value_max, value_depth = USUAL;

static void limit_values(struct tracing_config *config)
{
    config->limits.value_length = value_max;
    if (value_depth != USUAL)
        config->limits.value_depth = value_depth;
}

/* All attributes of a span message: "key=value key=value". */
static bool print_span(const struct sink_span *span, void *unused)
{
    (void)unused;
    struct wire_reader reader = wire_reader_of(span->message.data, span->message.length);
    struct wire_field field, part;
    while (wire_next(&reader, &field) == STATUS_OK) {
        if (field.number != OTLP_SPAN_ATTRIBUTES)
            continue;
        struct wire_reader pair = wire_reader_of(field.bytes.data, field.bytes.length);
        while (wire_next(&pair, &part) == STATUS_OK) {
            if (part.number == OTLP_KEY_VALUE_KEY)
                print("%s%.*s=", printed[0] ? " " : "", TEXT_ARGS(part.bytes));
            else
                print_value(part.bytes);
        }
    }
    return true;
}

static const char *export(const struct attribute *attribute, uint32_t limit)
{
    static const char *const script[] = {SINK_OK};
    value_max = limit;
    printed[0] = '\0';
    sink_start(&sink, script, 1);
    sink_trace(&sink, limit_values);
    struct span *span = span_start(&tracer, "s", NULL);
    span_set(span, attribute);
    span_end(span);
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    sink_visit(&sink, print_span, NULL);
    sink_stop(&sink);
    return printed;
}

#define KEY       .key = TEXT_CONSTANT("k")
#define STRING(s) .type = ATTRIBUTE_TEXT, .text = TEXT_CONSTANT(s)
#define ITEMS(...)                                                                                 \
    .items = (const struct attribute[]){__VA_ARGS__},                                              \
    .item_count = sizeof((const struct attribute[]){__VA_ARGS__}) / sizeof(struct attribute)

static void encodes_values(void **state)
{
    (void)state;
    static const struct attribute numbers[] = {{.type = ATTRIBUTE_I64, .i64 = -1},
                                               {.type = ATTRIBUTE_I64, .i64 = 2}};
    static const struct attribute mixed[] = {
        {STRING("tomato")},
        {.type = ATTRIBUTE_ARRAY, .items = numbers, .item_count = 2},
        {.type = ATTRIBUTE_EMPTY},
        {.type = ATTRIBUTE_BOOL, .boolean = true}};
    static const struct attribute map[] = {
        {.key = TEXT_CONSTANT("a"), .type = ATTRIBUTE_DOUBLE, .number = 0.5},
        {.key = TEXT_CONSTANT("b"), STRING("first")},
        {.key = TEXT_CONSTANT("b"), .type = ATTRIBUTE_ARRAY, .items = mixed, .item_count = 4},
        {.key = TEXT_CONSTANT(""), STRING("no key")}};
    static const struct attribute odd_map[] = {{.key = TEXT_CONSTANT("b\xff"), STRING("first")},
                                               {.key = TEXT_CONSTANT("b\xfe"), STRING("last")}};
    static const struct {
        const char *name;
        struct attribute attribute;
        uint32_t value_max;
        const char *expected;
    } rows[] = {
        {"it has bytes",
         {KEY, .type = ATTRIBUTE_BYTES, .text = TEXT_CONSTANT("b\xff!")},
         UINT32_MAX,
         "k=<b\xff!>"},
        {"it has an empty value", {KEY, .type = ATTRIBUTE_EMPTY}, UINT32_MAX, "k=-"},
        {"it has an array",
         {KEY, .type = ATTRIBUTE_ARRAY, .items = numbers, .item_count = 2},
         UINT32_MAX,
         "k=[-1,2]"},
        {"it has an empty array", {KEY, .type = ATTRIBUTE_ARRAY}, UINT32_MAX, "k=[]"},
        {"it has values of all kinds in an array",
         {KEY, .type = ATTRIBUTE_ARRAY, .items = mixed, .item_count = 4},
         UINT32_MAX,
         "k=['tomato',[-1,2],-,true]"},
        {"it has a map, of equal keys the last",
         {KEY, .type = ATTRIBUTE_MAP, .items = map, .item_count = 4},
         UINT32_MAX,
         "k={a:0.5,b:['tomato',[-1,2],-,true]}"},
        {"it has a map, of keys that are one on the wire the last",
         {KEY, .type = ATTRIBUTE_MAP, .items = odd_map, .item_count = 2},
         UINT32_MAX,
         "k={b?:'last'}"},
        {"it cuts text", {KEY, STRING("tomato")}, 3, "k='tom'"},
        {"it cuts text to nothing", {KEY, STRING("tomato")}, 0, "k=''"},
        {"it leaves text of the limit's length", {KEY, STRING("tomato")}, 6, "k='tomato'"},
        {"it counts characters",
         {KEY, STRING("\u00fc\u20ac\U0001f345x")},
         3,
         "k='\u00fc\u20ac\U0001f345'"},
        {"it counts a bad byte as one",
         {KEY, STRING("a\xff\xff"
                      "b")},
         3,
         "k='a?\?'"},
        {"it cuts bytes",
         {KEY, .type = ATTRIBUTE_BYTES, .text = TEXT_CONSTANT("bytes")},
         2,
         "k=<by>"},
        {"it cuts inside arrays and maps",
         {KEY, .type = ATTRIBUTE_MAP, .items = map, .item_count = 4},
         2,
         "k={a:0.5,b:['to',[-1,2],-,true]}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(export(&rows[i].attribute, rows[i].value_max), rows[i].expected) != 0)
            fail_msg("%s: %s", rows[i].name, printed);
}

static void keeps_to_the_depth(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned limit, maps, arrays; /* maps outermost */
        unsigned kept;
    } rows[] = {
        {"it keeps 64 arrays", USUAL, 0, 64, 64},
        {"it leaves the 65th empty", USUAL, 0, 65, 64},
        {"it keeps 64 maps", USUAL, 64, 0, 64},
        {"it leaves the 65th of maps empty", USUAL, 65, 0, 64},
        {"it counts maps and arrays alike", USUAL, 30, 40, 64},
        {"it keeps as many as it is told", 31, 40, 0, 31},
        {"it keeps more than usual", 100, 0, 101, 100},
        {"it keeps at most 128", 999, 100, 29, 128},
        {"it leaves all arrays empty", 0, 0, 1, 0},
        {"it keeps what is neither array nor map", 0, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        unsigned count = rows[i].maps + rows[i].arrays, kept = rows[i].kept;
        struct attribute levels[150];
        char expected[1024] = "k=";
        value_depth = rows[i].limit;
        levels[count] = (struct attribute){.key = TEXT_LITERAL("k"), STRING("deepest")};
        for (unsigned j = count; j-- > 0;)
            levels[j] =
                (struct attribute){.key = TEXT_LITERAL("k"),
                                   .type = j < rows[i].maps ? ATTRIBUTE_MAP : ATTRIBUTE_ARRAY,
                                   .items = &levels[j + 1],
                                   .item_count = 1};
        for (unsigned j = 0; j < kept; j++)
            strcat(expected, j < rows[i].maps ? "{k:" : "[");
        strcat(expected, kept == count ? "'deepest'" : "-");
        for (unsigned j = kept; j-- > 0;)
            strcat(expected, j < rows[i].maps ? "}" : "]");
        if (strcmp(export(&levels[0], UINT32_MAX), expected) != 0)
            fail_msg("%s: %s", rows[i].name, printed);
    }
    value_depth = USUAL;
}

static struct span_limits limits;

static void set_limits(struct tracing_config *config)
{
    config->limits = limits;
}

static void drops_and_counts_over_the_limits(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct span_limits limits;
        unsigned attributes, events, links;
    } rows[] = {
        {"it keeps all within the limits", {20, 5, 5, 5, 5, UINT32_MAX, 64}, 20, 4, 4},
        {"it keeps the first two of each", {2, 2, 2, 2, 2, UINT32_MAX, 64}, 2, 2, 2},
        {"it keeps none", {0, 0, 0, 0, 0, UINT32_MAX, 64}, 0, 0, 0},
        {"it keeps more attributes than it indexes", {18, 4, 4, 4, 4, UINT32_MAX, 64}, 18, 4, 4},
    };
    static const char *const script[] = {SINK_OK};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        limits = rows[i].limits;
        sink_start(&sink, script, 1);
        sink_trace(&sink, set_limits);
        struct span *span = span_start(&tracer, "s", NULL);
        struct span_link link = {.context = span_context_of(span)};
        for (int j = 0; j < 20; j++) {
            char key[16];
            (void)snprintf(key, sizeof key, "key%d", j);
            span_set_i64(span, text_of(key), j);
            span_set_i64(span, text_of(key), j); /* the same again takes no place */
        }
        for (int j = 0; j < 4; j++) {
            span_add_event(span, TEXT_LITERAL("e"), NULL, 0);
            span_add_link(span, &link);
        }
        span_end(span);
        assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
        struct sink_span got;
        assert_int_equal(sink_find(&sink, "s", &got), 1);
        if (got.attribute_count != rows[i].attributes || got.event_count != rows[i].events ||
            got.link_count != rows[i].links)
            fail_msg("%s: %u %u %u", rows[i].name, got.attribute_count, got.event_count,
                     got.link_count);
        unsigned twice = rows[i].attributes == 0 ? 40 : 2 * (20 - rows[i].attributes);
        if (got.dropped_attributes != twice || got.dropped_events != 4 - rows[i].events ||
            got.dropped_links != 4 - rows[i].links)
            fail_msg("%s: dropped %u %u %u", rows[i].name, got.dropped_attributes,
                     got.dropped_events, got.dropped_links);
        sink_stop(&sink);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodes_values),
        cmocka_unit_test(keeps_to_the_depth),
        cmocka_unit_test(drops_and_counts_over_the_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
