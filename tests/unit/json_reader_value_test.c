/* What a token of the JSON reader holds: text made plain, and numbers. */
#include "base/json_reader.h"

#include <math.h>
#include <string.h>

#include "tests/unit/guard.h"
#include "tests/unit/rows.h"

struct plain_row {
    const char *it, *json, *plain;
    size_t length;
};

static const struct plain_row plain_rows[] = {
    {"it leaves plain text", "\"abc\"", "abc", 3},
    {"it makes an empty text plain", "\"\"", "", 0},
    {"it makes short escapes plain", "\"a\\\"\\\\\\/\\b\\f\\n\\r\\tz\"", "a\"\\/\b\f\n\r\tz", 10},
    {"it makes \\u of one byte plain", "\"\\u0041\\u007f\"", "A\x7f", 2},
    {"it makes \\u of two bytes plain", "\"\\u0080\\u07FF\"", "\xc2\x80\xdf\xbf", 4},
    {"it makes \\u of three bytes plain", "\"\\u0800\\uffff\"", "\xe0\xa0\x80\xef\xbf\xbf", 6},
    {"it makes pairs plain", "\"\\ud800\\udc00\\uDBFF\\uDFFF\"", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
     8},
    {"it makes NUL plain", "\"a\\u0000b\"", "a\0b", 3},
    {"it makes a run between escapes plain", "\"\\nabc\\ndef\"", "\nabc\ndef", 8},
};

static void check_plain(void **state)
{
    const struct plain_row *row = *state;
    struct json_reader reader;
    char out[64];
    json_reader_init(&reader, row->json, strlen(row->json));
    assert_int_equal(json_reader_next(&reader), JSON_STRING);
    assert_true(reader.text.length == strlen(row->json) - 2);
    struct guard room = guard_copy(out, reader.text.length); /* no more than that is needed */
    assert_int_equal(json_reader_unescape(&reader, (char *)room.bytes), row->length);
    assert_memory_equal(room.bytes, row->plain, row->length);
    if (strlen(row->plain) == row->length)
        assert_true(json_reader_is(&reader, row->plain));
    assert_false(json_reader_is(&reader, "something else"));
    assert_int_equal(reader.has_escapes, strchr(row->json, '\\') != NULL);
    guard_release(&room);
}

static void check_is(void **state)
{
    (void)state;
    static const char json[] = "\"a\\u0062c\"";
    struct json_reader reader;
    json_reader_init(&reader, json, sizeof(json) - 1);
    json_reader_next(&reader);
    assert_true(json_reader_is(&reader, "abc"));
    assert_false(json_reader_is(&reader, "ab"));
    assert_false(json_reader_is(&reader, "abcd"));
    assert_false(json_reader_is(&reader, ""));
    assert_false(json_reader_is(&reader, "abd"));
}

struct number_row {
    const char *it, *json;
    enum status i64_status;
    int64_t i64;
    enum status u64_status;
    uint64_t u64;
    enum status double_status;
    double number;
};

static const struct number_row number_rows[] = {
    {"it reads 12", "12", STATUS_OK, 12, STATUS_OK, 12, STATUS_OK, 12},
    {"it reads a number in quotes", "\"12\"", STATUS_OK, 12, STATUS_OK, 12, STATUS_OK, 12},
    {"it reads an escaped number", "\"\\u0031\\u0032\"", STATUS_OK, 12, STATUS_OK, 12, STATUS_OK,
     12},
    {"it reads -5", "-5", STATUS_OK, -5, STATUS_INVALID, 0, STATUS_OK, -5},
    {"it reads the largest u64", "18446744073709551615", STATUS_TOO_LARGE, 0, STATUS_OK, UINT64_MAX,
     STATUS_OK, 18446744073709551615.0},
    {"it reads 1.0 as whole", "1.0", STATUS_OK, 1, STATUS_OK, 1, STATUS_OK, 1},
    {"it reads 1e3 as whole", "1e3", STATUS_OK, 1000, STATUS_OK, 1000, STATUS_OK, 1000},
    {"it reads -1e3 as whole", "-1e3", STATUS_OK, -1000, STATUS_INVALID, 0, STATUS_OK, -1000},
    {"it reads 1.5 as a double only", "1.5", STATUS_INVALID, 0, STATUS_INVALID, 0, STATUS_OK, 1.5},
    {"it finds 1e300 too large to be whole", "1e300", STATUS_TOO_LARGE, 0, STATUS_TOO_LARGE, 0,
     STATUS_OK, 1e300},
    {"it finds 1e999 too large", "1e999", STATUS_TOO_LARGE, 0, STATUS_TOO_LARGE, 0,
     STATUS_TOO_LARGE, 0},
    {"it reads infinity in quotes", "\"-Infinity\"", STATUS_INVALID, 0, STATUS_INVALID, 0,
     STATUS_OK, -INFINITY},
    {"it refuses words", "\"abc\"", STATUS_INVALID, 0, STATUS_INVALID, 0, STATUS_INVALID, 0},
    {"it refuses an empty string", "\"\"", STATUS_INVALID, 0, STATUS_INVALID, 0, STATUS_INVALID, 0},
    {"it refuses true", "true", STATUS_INVALID, 0, STATUS_INVALID, 0, STATUS_INVALID, 0},
};

static void check_number(void **state)
{
    const struct number_row *row = *state;
    struct json_reader reader;
    int64_t i64 = 0;
    uint64_t u64 = 0;
    double number = 0;
    json_reader_init(&reader, row->json, strlen(row->json));
    json_reader_next(&reader);
    assert_int_equal(json_reader_i64(&reader, &i64), row->i64_status);
    assert_int_equal(json_reader_u64(&reader, &u64), row->u64_status);
    assert_int_equal(json_reader_double(&reader, &number), row->double_status);
    if (row->i64_status == STATUS_OK)
        assert_true(i64 == row->i64);
    if (row->u64_status == STATUS_OK)
        assert_true(u64 == row->u64);
    if (row->double_status == STATUS_OK)
        assert_true(number == row->number);
}

static void check_nan(void **state)
{
    (void)state;
    struct json_reader reader;
    double number = 0;
    json_reader_init(&reader, "\"NaN\"", 5);
    json_reader_next(&reader);
    assert_int_equal(json_reader_double(&reader, &number), STATUS_OK);
    assert_true(isnan(number));
}

int main(void)
{
    static struct rows all;
    ROWS(&all, plain_rows, check_plain);
    rows_one(&all, "it compares escaped text", check_is);
    ROWS(&all, number_rows, check_number);
    rows_one(&all, "it reads NaN in quotes", check_nan);
    return rows_run("json_reader_value", &all);
}
