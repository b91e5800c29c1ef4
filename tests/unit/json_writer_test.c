#include "base/json_writer.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "tests/unit/rows.h"

struct text_row {
    const char *it, *input, *json;
};

static const struct text_row text_rows[] = {
    {"it writes plain text", "abc", "\"abc\""},
    {"it writes an empty text", "", "\"\""},
    {"it escapes quotes and backslashes", "a\"b\\c", "\"a\\\"b\\\\c\""},
    {"it leaves slashes", "a/b", "\"a/b\""},
    {"it escapes the short controls", "\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\""},
    {"it escapes the other controls", "\x01\x1f", "\"\\u0001\\u001f\""},
    {"it leaves DEL", "\x7f", "\"\x7f\""},
    {"it leaves UTF-8", "\xc3\xa4\xf0\x9f\x98\x80", "\"\xc3\xa4\xf0\x9f\x98\x80\""},
    {"it replaces each bad byte",
     "a\xff\xfe"
     "b",
     "\"a\xef\xbf\xbd\xef\xbf\xbd"
     "b\""},
    {"it replaces a cut character", "a\xe2\x82", "\"a\xef\xbf\xbd\xef\xbf\xbd\""},
};

static void check_text(void **state)
{
    const struct text_row *row = *state;
    struct buffer out;
    struct json_writer writer;
    buffer_init(&out, 1000);
    json_writer_init(&writer, &out, 0);
    json_cstring(&writer, row->input);
    assert_string_equal(buffer_text(&out), row->json);
    buffer_release(&out);
}

struct double_row {
    const char *it;
    double value;
    const char *json;
};

static const struct double_row double_rows[] = {
    {"it writes 0.1 short", 0.1, "0.1"},
    {"it writes a third with what it needs", 1.0 / 3, "0.3333333333333333"},
    {"it writes 17 digits where they are needed", 0.1 + 0.2, "0.30000000000000004"},
    {"it writes whole doubles without a point", 3, "3"},
    {"it writes minus 0", -0.0, "-0"},
    {"it writes the largest double", DBL_MAX, "1.7976931348623157e+308"},
    {"it writes NaN as a string", NAN, "\"NaN\""},
    {"it writes infinity as a string", INFINITY, "\"Infinity\""},
    {"it writes minus infinity as a string", -INFINITY, "\"-Infinity\""},
};

static void check_double(void **state)
{
    const struct double_row *row = *state;
    struct buffer out;
    struct json_writer writer;
    buffer_init(&out, 1000);
    json_writer_init(&writer, &out, 0);
    json_double(&writer, row->value);
    assert_string_equal(buffer_text(&out), row->json);
    buffer_release(&out);
}

static void check_double_round_trip(void **state)
{
    (void)state;
    struct rng rng;
    struct buffer out;
    struct json_writer writer;
    buffer_init(&out, 1000);
    rng_seed(&rng, 6);
    for (int i = 0; i < 20000; i++) {
        const uint64_t bits = rng_next(&rng);
        double value, again = 0;
        memcpy(&value, &bits, sizeof(value));
        if (!isfinite(value))
            continue;
        buffer_clear(&out);
        json_writer_init(&writer, &out, 0);
        json_double(&writer, value);
        assert_true(strtod(buffer_text(&out), NULL) == value);
        assert_int_equal(text_to_double(text_of(buffer_text(&out)), &again), STATUS_OK);
        assert_true(again == value);
    }
    buffer_release(&out);
}

struct fixed_row {
    const char *it;
    double value;
    int decimals;
    const char *json;
};

static const struct fixed_row fixed_rows[] = {
    {"it writes two decimals", 1.005, 2, "1.00"},
    {"it writes no decimals", 2.6, 0, "3"},
    {"it takes fewer than no decimals as none", 2.6, -1, "3"},
    {"it writes no minus before nothing", -0.001, 2, "0.00"},
    {"it writes a minus before something", -0.01, 2, "-0.01"},
    {"it writes fixed NaN as a string", NAN, 2, "\"NaN\""},
};

static void check_fixed(void **state)
{
    const struct fixed_row *row = *state;
    struct buffer out;
    struct json_writer writer;
    buffer_init(&out, 1000);
    json_writer_init(&writer, &out, 0);
    json_fixed(&writer, row->value, row->decimals);
    assert_string_equal(buffer_text(&out), row->json);
    buffer_release(&out);
}

struct base64_row {
    const char *it, *input, *json;
};

static const struct base64_row base64_rows[] = {
    {"it writes no bytes in base64", "", "\"\""}, /* the rows are RFC 4648's, section 10 */
    {"it writes one byte in base64", "f", "\"Zg==\""},
    {"it writes two bytes in base64", "fo", "\"Zm8=\""},
    {"it writes three bytes in base64", "foo", "\"Zm9v\""},
    {"it writes six bytes in base64", "foobar", "\"Zm9vYmFy\""},
    {"it uses plus and slash in base64", "\xfb\xff\xbf", "\"+/+/\""},
};

static void check_base64(void **state)
{
    const struct base64_row *row = *state;
    struct buffer out;
    struct json_writer writer;
    buffer_init(&out, 1000);
    json_writer_init(&writer, &out, 0);
    json_base64(&writer, (const uint8_t *)row->input, strlen(row->input));
    assert_string_equal(buffer_text(&out), row->json);
    buffer_release(&out);
}

static void write_all(struct json_writer *writer)
{
    static const uint8_t bytes[] = {0, 0xab};
    json_begin_object(writer);
    json_key(writer, "list");
    json_begin_array(writer);
    json_i64(writer, INT64_MIN);
    json_u64(writer, UINT64_MAX);
    json_u64_string(writer, UINT64_MAX);
    json_i64_string(writer, -1);
    json_bool(writer, true);
    json_bool(writer, false);
    json_cstring(writer, NULL);
    json_begin_object(writer);
    json_end_object(writer);
    json_begin_array(writer);
    json_end_array(writer);
    json_end_array(writer);
    json_key_text(writer, TEXT_LITERAL("k\"ey"));
    json_hex(writer, bytes, sizeof(bytes));
    json_key(writer, "raw");
    json_raw(writer, TEXT_LITERAL("{\"a\":1}"));
    json_end_object(writer);
}

static void check_compact(void **state)
{
    (void)state;
    struct buffer out;
    struct json_writer writer;
    buffer_init(&out, 1000);
    json_writer_init(&writer, &out, 0);
    write_all(&writer);
    assert_string_equal(buffer_text(&out), "{\"list\":[-9223372036854775808,18446744073709551615,"
                                           "\"18446744073709551615\",\"-1\",true,false,null,{},[]],"
                                           "\"k\\\"ey\":\"00ab\",\"raw\":{\"a\":1}}");
    buffer_release(&out);
}

static void check_indent(void **state)
{
    (void)state;
    struct buffer out;
    struct json_writer writer;
    buffer_init(&out, 1000);
    json_writer_init(&writer, &out, 2);
    json_begin_object(&writer);
    json_key(&writer, "a");
    json_begin_array(&writer);
    json_i64(&writer, 1);
    json_i64(&writer, 2);
    json_end_array(&writer);
    json_key(&writer, "b");
    json_begin_object(&writer);
    json_end_object(&writer);
    json_end_object(&writer);
    assert_string_equal(buffer_text(&out), "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {}\n}");
    buffer_release(&out);
}

static void check_deep(void **state)
{
    (void)state;
    struct buffer out;
    struct json_writer writer;
    buffer_init(&out, 100000);
    json_writer_init(&writer, &out, 1);
    for (int i = 0; i < 64; i++)
        json_begin_array(&writer);
    json_i64(&writer, 1);
    json_i64(&writer, 2);
    for (int i = 0; i < 64; i++)
        json_end_array(&writer);
    const char *end = buffer_text(&out) + out.length_bytes;
    assert_int_equal(end[-1], ']');
    assert_int_equal(end[-3], ']');
    assert_non_null(strstr(buffer_text(&out), " 1,\n"));
    assert_null(strstr(buffer_text(&out), "],"));
    buffer_release(&out);
}

static void check_overflow(void **state)
{
    (void)state;
    for (size_t max = 1; max < 120; max++) {
        struct buffer out;
        struct json_writer writer;
        buffer_init(&out, max);
        json_writer_init(&writer, &out, 0);
        write_all(&writer);
        assert_int_equal(out.failed, STATUS_TOO_LARGE);
        assert_true(out.length_bytes <= max);
        buffer_release(&out);
    }
}

int main(void)
{
    static struct rows all;
    ROWS(&all, text_rows, check_text);
    ROWS(&all, double_rows, check_double);
    rows_one(&all, "it writes doubles that read back", check_double_round_trip);
    ROWS(&all, fixed_rows, check_fixed);
    ROWS(&all, base64_rows, check_base64);
    rows_one(&all, "it puts commas and colons", check_compact);
    rows_one(&all, "it indents", check_indent);
    rows_one(&all, "it nests 64 deep", check_deep);
    rows_one(&all, "it leaves its failure in the buffer", check_overflow);
    return rows_run("json_writer", &all);
}
