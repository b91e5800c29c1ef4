#include "base/text.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/guard.h"
#include "tests/unit/rows.h"

struct u64_row {
    const char *it;
    const char *input;
    enum status status;
    uint64_t value;
};

static const struct u64_row u64_rows[] = {
    {"it reads 0", "0", STATUS_OK, 0},
    {"it reads leading zeros", "007", STATUS_OK, 7},
    {"it reads the largest u64", "18446744073709551615", STATUS_OK, UINT64_MAX},
    {"it refuses the largest u64 plus one", "18446744073709551616", STATUS_TOO_LARGE, 0},
    {"it refuses a u64 of thirty digits", "999999999999999999999999999999", STATUS_TOO_LARGE, 0},
    {"it calls a too long u64 with a letter invalid", "99999999999999999999999x", STATUS_INVALID,
     0},
    {"it refuses an empty u64", "", STATUS_INVALID, 0},
    {"it refuses a sign before a u64", "+1", STATUS_INVALID, 0},
    {"it refuses a negative u64", "-1", STATUS_INVALID, 0},
    {"it refuses a space before a u64", " 1", STATUS_INVALID, 0},
    {"it refuses a space behind a u64", "1 ", STATUS_INVALID, 0},
    {"it refuses hex", "0x10", STATUS_INVALID, 0},
};

static void check_u64(void **state)
{
    const struct u64_row *row = *state;
    uint64_t value = 77;
    assert_int_equal(text_to_u64(text_of(row->input), &value), row->status);
    assert_true(value == (row->status == STATUS_OK ? row->value : 77));
}

/* Around every number of digits. */
static void check_from_u64(void **state)
{
    (void)state;
    uint64_t value = 0, power = 1;
    for (unsigned digits = 1; digits <= 20; digits++, power *= 10) {
        const uint64_t values[] = {power - 1, power, power + 7, UINT64_MAX - power};
        for (size_t i = 0; i < 4; i++) {
            char wanted[32], out[TEXT_U64_SIZE];
            int length = snprintf(wanted, sizeof(wanted), "%llu", (unsigned long long)values[i]);
            assert_int_equal(text_from_u64(values[i], out), length);
            assert_string_equal(out, wanted);
            assert_int_equal(text_to_u64(text_of(out), &value), STATUS_OK);
            assert_true(value == values[i]);
        }
    }
    char longest[TEXT_U64_SIZE];
    assert_int_equal(text_from_u64(UINT64_MAX, longest), TEXT_U64_SIZE - 1);
}

struct i64_row {
    const char *it;
    const char *input;
    enum status status;
    int64_t value;
};

static const struct i64_row i64_rows[] = {
    {"it reads a negative number", "-42", STATUS_OK, -42},
    {"it reads the smallest i64", "-9223372036854775808", STATUS_OK, INT64_MIN},
    {"it reads the largest i64", "9223372036854775807", STATUS_OK, INT64_MAX},
    {"it refuses the smallest i64 less one", "-9223372036854775809", STATUS_TOO_LARGE, 0},
    {"it refuses the largest i64 plus one", "9223372036854775808", STATUS_TOO_LARGE, 0},
    {"it refuses a lone minus", "-", STATUS_INVALID, 0},
    {"it refuses two signs", "--1", STATUS_INVALID, 0},
};

static void check_i64(void **state)
{
    const struct i64_row *row = *state;
    int64_t value = 77;
    assert_int_equal(text_to_i64(text_of(row->input), &value), row->status);
    assert_true(value == (row->status == STATUS_OK ? row->value : 77));
}

struct double_row {
    const char *it;
    const char *input;
    enum status status;
    double value;
};

static const struct double_row double_rows[] = {
    {"it reads a whole double", "12", STATUS_OK, 12},
    {"it reads a fraction", "0.1", STATUS_OK, 0.1},
    {"it reads a fraction with zeros", "-00.0625", STATUS_OK, -0.0625},
    {"it reads an exponent", "1.5e3", STATUS_OK, 1500},
    {"it reads a negative exponent", "25E-2", STATUS_OK, 0.25},
    {"it reads the largest double", "1.7976931348623157e308", STATUS_OK, DBL_MAX},
    {"it reads the smallest double", "4.9406564584124654e-324", STATUS_OK, 0x1p-1074},
    {"it rounds what is smaller still to 0", "1e-400", STATUS_OK, 0},
    {"it reads 0 with a huge exponent", "0e999999999", STATUS_OK, 0},
    {"it rounds halfway cases as strtod does", "9007199254740993", STATUS_OK, 9007199254740992.0},
    {"it refuses what is over the largest", "1e309", STATUS_TOO_LARGE, 0},
    {"it refuses a huge exponent", "1e99999999999999999999", STATUS_TOO_LARGE, 0},
    {"it refuses NaN", "nan", STATUS_INVALID, 0},
    {"it refuses infinity", "inf", STATUS_INVALID, 0},
    {"it refuses hex doubles", "0x1p3", STATUS_INVALID, 0},
    {"it refuses no double at all", "", STATUS_INVALID, 0},
    {"it refuses a lone point", ".", STATUS_INVALID, 0},
    {"it refuses a point without digits before", ".5", STATUS_INVALID, 0},
    {"it refuses a point without digits behind", "5.", STATUS_INVALID, 0},
    {"it refuses an exponent without digits", "1e", STATUS_INVALID, 0},
    {"it refuses an exponent of a sign alone", "1e+", STATUS_INVALID, 0},
    {"it refuses words behind a double", "1.5ms", STATUS_INVALID, 0},
    {"it refuses a comma as point", "1,5", STATUS_INVALID, 0},
    {"it refuses a plus", "+1", STATUS_INVALID, 0},
};

static void check_double(void **state)
{
    const struct double_row *row = *state;
    double value = 77;
    assert_int_equal(text_to_double(text_of(row->input), &value), row->status);
    assert_true(value == (row->status == STATUS_OK ? row->value : 77));
}

static void check_long_double(void **state)
{
    (void)state;
    char digits[1100];
    double value = 0;
    memset(digits, '0', sizeof(digits));
    digits[0] = '1';
    digits[1] = '.';
    assert_int_equal(text_to_double((struct text){digits, 1001}, &value), STATUS_OK);
    assert_true(value == 1.0);
    assert_int_equal(text_to_double((struct text){digits, 1002}, &value), STATUS_TOO_LARGE);
    assert_true(signbit(value) == 0);
    assert_int_equal(text_to_double(text_of("-0"), &value), STATUS_OK);
    assert_true(value == 0 && signbit(value));
}

static void check_equal(void **state)
{
    (void)state;
    const struct text none = {NULL, 0};
    assert_true(text_equal(none, text_of("")));
    assert_true(text_equal(none, text_of(NULL)));
    assert_true(text_is(none, ""));
    assert_false(text_is(text_of("ab"), "abc"));
    assert_false(text_is(text_of("abc"), "ab"));
    assert_true(text_equal_ignore_case(text_of("Content-TYPE"), text_of("content-type")));
    assert_false(text_equal_ignore_case(text_of("a"), text_of("b")));
    assert_false(text_equal_ignore_case(text_of("@"), text_of("`"))); /* 0x20 apart, no letters */
    assert_false(text_equal_ignore_case(text_of("\xc3\x84"), text_of("\xc3\xa4")));
    assert_true(text_starts_with(text_of("GET /x"), "GET "));
    assert_true(text_starts_with(none, ""));
    assert_false(text_starts_with(text_of("GE"), "GET"));
}

struct trim_row {
    const char *it, *input, *output;
};

static const struct trim_row trim_rows[] = {
    {"it trims both ends", " \t a b\t ", "a b"},
    {"it trims nothing away", "ab", "ab"},
    {"it trims all away", " \t ", ""},
    {"it leaves new lines", "\n a", "\n a"},
};

static void check_trim(void **state)
{
    const struct trim_row *row = *state;
    assert_true(text_is(text_trim(text_of(row->input)), row->output));
}

struct split_row {
    const char *it, *input;
    const char *parts[5];
};

static const struct split_row split_rows[] = {
    {"it splits", "a,bc,d", {"a", "bc", "d"}},
    {"it gives the whole where nothing separates", "abc", {"abc"}},
    {"it gives one empty part for an empty text", "", {""}},
    {"it keeps empty parts", ",a,,", {"", "a", "", ""}},
};

static void check_split(void **state)
{
    const struct split_row *row = *state;
    struct text rest = text_of(row->input);
    size_t count = 0;
    while (rest.data) {
        const struct text part = text_split(&rest, ',');
        assert_non_null(row->parts[count]);
        assert_true(text_is(part, row->parts[count]));
        count++;
    }
    assert_null(row->parts[count]);
}

struct percent_row {
    const char *it, *input;
    enum status status;
    const char *output;
};

static const struct percent_row percent_rows[] = {
    {"it decodes escapes of both cases", "a%2Fb%2f%20", STATUS_OK, "a/b/ "},
    {"it leaves a plus", "a+b", STATUS_OK, "a+b"},
    {"it decodes an escaped percent once", "%2541", STATUS_OK, "%41"},
    {"it decodes nothing", "", STATUS_OK, ""},
    {"it refuses a cut escape", "a%2", STATUS_INVALID, NULL},
    {"it refuses a lone percent", "%", STATUS_INVALID, NULL},
    {"it refuses wrong digits", "%zz", STATUS_INVALID, NULL},
    {"it refuses a wrong second digit", "%2g", STATUS_INVALID, NULL},
};

static void check_percent(void **state)
{
    const struct percent_row *row = *state;
    struct guard guard = guard_copy(row->input, strlen(row->input));
    const struct text in = {(const char *)guard.bytes, strlen(row->input)};
    size_t length = 99;
    assert_int_equal(text_percent_decode(in, (char *)guard.bytes, &length), row->status);
    if (row->status == STATUS_OK)
        assert_true(text_is((struct text){(const char *)guard.bytes, length}, row->output));
    guard_release(&guard);
}

struct utf8_row {
    const char *it, *input;
    size_t prefix;
};

static const struct utf8_row utf8_rows[] = {
    {"it passes plain letters", "plain ASCII, more than eight", 28},
    {"it passes two, three and four bytes", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 9},
    {"it passes the last code point", "\xf4\x8f\xbf\xbf", 4},
    {"it stops at one above the last", "ab\xf4\x90\x80\x80", 2},
    {"it stops at overlong two bytes", "\xc0\xaf", 0},
    {"it stops at overlong three bytes", "\xe0\x9f\xbf", 0},
    {"it stops at overlong four bytes", "\xf0\x8f\xbf\xbf", 0},
    {"it stops at a surrogate", "a\xed\xa0\x80", 1},
    {"it passes the one before the surrogates", "\xed\x9f\xbf", 3},
    {"it stops at a lone continuation", "abcdefgh\x80", 8},
    {"it stops at a cut character", "abcdefgh\xe2\x82", 8},
    {"it stops at a wrong third byte", "\xe2\x82z", 0},
    {"it stops at 0xff", "\xff", 0},
};

static void check_utf8(void **state)
{
    const struct utf8_row *row = *state;
    struct guard guard = guard_copy(row->input, strlen(row->input));
    const struct text value = {(const char *)guard.bytes, strlen(row->input)};
    assert_int_equal(text_utf8_prefix(value), row->prefix);
    guard_release(&guard);
}

/* Against a straightforward reading of the code point, over all of three bytes. */
static void check_utf8_all(void **state)
{
    (void)state;
    for (uint32_t code = 0x800; code <= 0xffff; code++) {
        const char bytes[] = {(char)(0xe0 | code >> 12), (char)(0x80 | (code >> 6 & 63)),
                              (char)(0x80 | (code & 63))};
        const bool surrogate = code >= 0xd800 && code <= 0xdfff;
        assert_int_equal(text_utf8_length((struct text){bytes, 3}), surrogate ? 0 : 3);
        assert_int_equal(text_utf8_length((struct text){bytes, 2}), 0);
    }
}

static void check_copy(void **state)
{
    (void)state;
    char out[4] = "zzz";
    text_copy(text_of("abcdef"), out, sizeof(out));
    assert_string_equal(out, "abc");
    text_copy((struct text){NULL, 0}, out, sizeof(out));
    assert_string_equal(out, "");
    out[0] = 'q';
    text_copy(text_of("abc"), out, 0);
    assert_int_equal(out[0], 'q');
}

int main(void)
{
    static struct rows all;
    ROWS(&all, u64_rows, check_u64);
    ROWS(&all, i64_rows, check_i64);
    ROWS(&all, double_rows, check_double);
    rows_one(&all, "it reads doubles of up to 1000 digits", check_long_double);
    rows_one(&all, "it writes numbers of every length", check_from_u64);
    rows_one(&all, "it compares", check_equal);
    ROWS(&all, trim_rows, check_trim);
    ROWS(&all, split_rows, check_split);
    ROWS(&all, percent_rows, check_percent);
    ROWS(&all, utf8_rows, check_utf8);
    rows_one(&all, "it knows every character of three bytes", check_utf8_all);
    rows_one(&all, "it copies and terminates", check_copy);
    return rows_run("text", &all);
}
