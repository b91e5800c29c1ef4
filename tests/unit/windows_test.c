#include "services/collector/windows.h"

#include <string.h>

#include "base/clock.h"
#include "tests/unit/rows.h"

static const uint64_t now_ns = 1000000 * NS_PER_S; /* 1970-01-12T13:46:40Z */

struct range_row {
    const char *it;
    struct windows_words words;
    uint64_t start_s, end_s, base_start_s, base_end_s; /* base_end_s 0: no baseline */
    uint32_t limit;
};

static const struct range_row range_rows[] = {
    {"it takes the last 15 minutes unasked", {0}, 999100, 1000000, 0, 0, 1000},
    {"it takes empty words for none", {"", "", "", "", "", ""}, 999100, 1000000, 0, 0, 1000},
    {"it takes a length up to now", {.last = "30s"}, 999970, 1000000, 0, 0, 1000},
    {"it takes a length up to an end",
     {.last = "1h", .end = "1970-01-12T00:00:00Z"},
     946800,
     950400,
     0,
     0,
     1000},
    {"it takes a start up to now", {.start = "1970-01-12T00:00:00Z"}, 950400, 1000000, 0, 0, 1000},
    {"it takes a start and an end",
     {.start = "1970-01-11T00:00:00Z", .end = "1970-01-12T00:00:00+01:00"},
     864000,
     946800,
     0,
     0,
     1000},
    {"it takes a length beyond 1970 for everything", {.last = "9000h"}, 0, 1000000, 0, 0, 1000},
    {"it takes a baseline",
     {.last = "10s", .base_start = "1970-01-11T00:00:00Z", .base_end = "1970-01-11T00:01:00Z"},
     999990,
     1000000,
     864000,
     864060,
     1000},
    {"it takes a limit", {.limit = "7"}, 999100, 1000000, 0, 0, 7},
    {"it bounds the limit", {.limit = "999999999"}, 999100, 1000000, 0, 0, WINDOWS_TRACES_MAX},
};

static void check_range(void **state)
{
    const struct range_row *row = *state;
    struct windows windows;
    struct error error = {{0}};
    assert_int_equal(windows_read(&row->words, now_ns, &windows, &error), STATUS_OK);
    assert_int_equal(windows.current.start_ns, row->start_s * NS_PER_S);
    assert_int_equal(windows.current.end_ns, row->end_s * NS_PER_S);
    assert_int_equal(windows.has_baseline, row->base_end_s > 0);
    assert_int_equal(windows.baseline.start_ns, row->base_start_s * NS_PER_S);
    assert_int_equal(windows.baseline.end_ns, row->base_end_s * NS_PER_S);
    assert_int_equal(windows.limit, row->limit);
}

struct refused_row {
    const char *it;
    struct windows_words words;
    const char *says;
};

static const struct refused_row refused_rows[] = {
    {"it refuses a length without a unit", {.last = "15"}, "last must"},
    {"it refuses no length at all", {.last = "0"}, "last must"},
    {"it refuses a length and a start",
     {.last = "1m", .start = "1970-01-11T00:00:00Z"},
     "not both"},
    {"it refuses a start that is no time", {.start = "yesterday"}, "start must"},
    {"it refuses an end that is no time", {.end = "1970-13-01T00:00:00Z"}, "end must"},
    {"it refuses a start behind the end",
     {.start = "1970-01-11T00:00:00Z", .end = "1970-01-10T00:00:00Z"},
     "before end"},
    {"it refuses an empty window",
     {.start = "1970-01-11T00:00:00Z", .end = "1970-01-11T00:00:00Z"},
     "before end"},
    {"it refuses half a baseline", {.base_start = "1970-01-11T00:00:00Z"}, "belong together"},
    {"it refuses the other half", {.base_end = "1970-01-11T00:00:00Z"}, "belong together"},
    {"it refuses a baseline that is no time",
     {.base_start = "x", .base_end = "1970-01-11T00:00:00Z"},
     "baseline_start must"},
    {"it refuses a baseline the wrong way round",
     {.base_start = "1970-01-11T00:01:00Z", .base_end = "1970-01-11T00:00:00Z"},
     "before baseline_end"},
    {"it refuses no traces", {.limit = "0"}, "limit must"},
    {"it refuses a limit below zero", {.limit = "-1"}, "limit must"},
    {"it refuses a limit in words", {.limit = "all"}, "limit must"},
};

static void check_refused(void **state)
{
    const struct refused_row *row = *state;
    struct windows windows;
    struct error error = {{0}};
    assert_int_equal(windows_read(&row->words, now_ns, &windows, &error), STATUS_INVALID);
    if (!strstr(error.text, row->says))
        fail_msg("\"%s\" does not say \"%s\"", error.text, row->says);
}

int main(void)
{
    struct rows all = {0};
    ROWS(&all, range_rows, check_range);
    ROWS(&all, refused_rows, check_refused);
    return rows_run("windows", &all);
}
