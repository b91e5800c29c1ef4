#include "services/collector/params.h"

#include <string.h>

#include "base/clock.h"
#include "tests/unit/rows.h"

struct time_row {
    const char *it;
    const char *text;
    bool fine;
    uint64_t ns;
};

static const struct time_row time_rows[] = {
    {"it reads the epoch", "1970-01-01T00:00:00Z", true, 0},
    {"it reads a time with a fraction", "2024-02-29T12:30:45.25Z", true, 1709209845250000000u},
    {"it reads nine digits", "2024-02-29T12:30:45.000000001Z", true, 1709209845000000001u},
    {"it passes over more than nine digits", "1970-01-01T00:00:00.0000000019Z", true, 1},
    {"it reads an offset east", "1970-01-01T02:00:00+02:00", true, 0},
    {"it reads an offset west", "1969-12-31T23:00:00-01:00", false, 0},
    {"it reads a plus that came as a space", "1970-01-01T02:00:00 02:00", true, 0},
    {"it reads small letters", "1970-01-01t00:00:01z", true, NS_PER_S},
    {"it reads a leap second", "1970-01-01T00:00:60Z", true, 60 * NS_PER_S},
    {"it refuses no zone", "1970-01-01T00:00:00", false, 0},
    {"it refuses a month 13", "1970-13-01T00:00:00Z", false, 0},
    {"it refuses an hour 24", "1970-01-01T24:00:00Z", false, 0},
    {"it refuses a time before the epoch", "1969-12-31T23:59:59Z", false, 0},
    {"it refuses years past 64 bits", "9999-01-01T00:00:00Z", false, 0},
    {"it refuses a date alone", "1970-01-01", false, 0},
    {"it refuses what follows", "1970-01-01T00:00:00Zx", false, 0},
    {"it refuses an empty time", "", false, 0},
};

static void check_time(void **state)
{
    const struct time_row *row = *state;
    uint64_t ns = 1;
    assert_int_equal(params_time(row->text, &ns), row->fine);
    if (row->fine)
        assert_true(ns == row->ns);
}

static const struct time_row duration_rows[] = {
    {"it reads nothing at all as 0", "0", true, 0},
    {"it reads milliseconds", "10ms", true, 10 * NS_PER_MS},
    {"it reads a fraction", "1.5s", true, 1500 * NS_PER_MS},
    {"it reads several units", "1h2m3s", true, 3723 * NS_PER_S},
    {"it reads microseconds", "7us", true, 7000},
    {"it reads the micro sign", "7\xc2\xb5s", true, 7000},
    {"it reads the Greek letter", "7\xce\xbcs", true, 7000},
    {"it reads nanoseconds", "7ns", true, 7},
    {"it refuses a number without a unit", "10", false, 0},
    {"it refuses a unit without a number", "ms", false, 0},
    {"it refuses a negative one", "-1s", false, 0},
    {"it refuses one over 2^63 ns", "9999999h", false, 0},
    {"it refuses an empty one", "", false, 0},
    {"it refuses words", "ten ms", false, 0},
};

static void check_duration(void **state)
{
    const struct time_row *row = *state;
    uint64_t ns = 1;
    assert_int_equal(params_duration(row->text, &ns), row->fine);
    if (row->fine)
        assert_true(ns == row->ns);
}

struct id_row {
    const char *it;
    const char *text;
    bool fine;
    uint8_t first, last;
};

static const struct id_row id_rows[] = {
    {"it reads 32 digits", "0102030405060708090a0b0c0d0e0f10", true, 1, 16},
    {"it reads upper case", "AB02030405060708090A0B0C0D0E0FCD", true, 0xab, 0xcd},
    {"it reads one digit", "7", true, 0, 7},
    {"it reads 16 digits", "0102030405060708", true, 0, 8},
    {"it reads base64", "AQIDBAUGBwgJCgsMDQ4PEA==", true, 1, 16},
    {"it reads base64 without padding", "AQIDBAUGBwgJCgsMDQ4PEA", true, 1, 16},
    {"it reads base64 with a plus as a space", "  ID  UGBwgJCgsMDQ4PEA==", true, 0xfb, 16},
    {"it refuses zeros", "00000000000000000000000000000000", false, 0, 0},
    {"it refuses 33 digits", "010203040506070809000a0b0c0d0e0f1", false, 0, 0},
    {"it refuses other letters", "xyz", false, 0, 0},
    {"it refuses base64 of more bits", "AQIDBAUGBwgJCgsMDQ4PEB==", false, 0, 0},
    {"it refuses nothing", "", false, 0, 0},
};

static void check_id(void **state)
{
    const struct id_row *row = *state;
    uint8_t id[16];
    assert_int_equal(params_trace_id(row->text, id), row->fine);
    if (row->fine) {
        assert_int_equal(id[0], row->first);
        assert_int_equal(id[15], row->last);
    }
}

static void check_kind(void **state)
{
    (void)state;
    assert_int_equal(params_kind("server"), 2);
    assert_int_equal(params_kind("SPAN_KIND_CLIENT"), 3);
    assert_int_equal(params_kind("Consumer"), 5);
    assert_int_equal(params_kind("x"), 0xff);
    assert_string_equal(params_kind_word(0), "internal");
    assert_string_equal(params_kind_word(4), "producer");
    assert_string_equal(params_kind_word(200), "internal");
}

int main(void)
{
    static struct rows all;
    ROWS(&all, time_rows, check_time);
    ROWS(&all, duration_rows, check_duration);
    ROWS(&all, id_rows, check_id);
    rows_one(&all, "it knows the kinds and their words", check_kind);
    return rows_run("collector_params", &all);
}
