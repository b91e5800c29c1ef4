/* OpenTelemetry's own entry of a tracestate. */
#include <string.h>

#include "guard.h"
#include "rows.h"
#include "trace/trace_state_ot.h"

#define NONE                                                                                       \
    {                                                                                              \
        false, false, 0, 0                                                                         \
    }
#define TH(t)                                                                                      \
    {                                                                                              \
        true, false, t, 0                                                                          \
    }
#define RV(r)                                                                                      \
    {                                                                                              \
        false, true, 0, r                                                                          \
    }
#define BOTH(t, r)                                                                                 \
    {                                                                                              \
        true, true, t, r                                                                           \
    }

static const struct reading {
    const char *it, *list;
    struct trace_state_ot expected;
} readings[] = {
    {"it reads a threshold", "ot=th:c", TH(0xc0000000000000)},
    {"it reads a threshold of zero", "ot=th:0", TH(0)},
    {"it reads a threshold of 14 digits", "ot=th:0123456789abcd", TH(0x0123456789abcd)},
    {"it reads the largest threshold", "ot=th:ffffffffffffff", TH(0xffffffffffffff)},
    {"it reads upper-case digits", "ot=th:C8", TH(0xc8000000000000)},
    {"it reads a randomness", "ot=rv:0123456789abcd", RV(0x0123456789abcd)},
    {"it reads both", "ot=rv:00000000000001;th:8", BOTH(0x80000000000000, 1)},
    {"it reads them among others", "a=1,ot=x:y;th:8;z:,b=2", TH(0x80000000000000)},
    {"it finds nothing without the entry", "a=1", NONE},
    {"it finds nothing in nothing", "", NONE},
    {"it finds nothing in another's entry", "ott=th:8,x@ot=th:8", NONE},
    {"it passes over a threshold of 15 digits", "ot=th:0123456789abcde", NONE},
    {"it passes over an empty threshold", "ot=th:", NONE},
    {"it passes over other digits", "ot=th:g", NONE},
    {"it passes over a short randomness", "ot=rv:0123456789abc;th:8", TH(0x80000000000000)},
    {"it passes over a long randomness", "ot=rv:0123456789abcde", NONE},
    {"it passes over a threshold that comes twice", "ot=th:8;th:c;rv:00000000000001", RV(1)},
    {"it passes over what has no colon", "ot=th;8", NONE},
    {"it passes over an upper-case sub-key", "ot=TH:8", NONE},
    {"it passes over a sub-key that begins with a digit", "ot=1h:8", NONE},
    {"it passes over blanks in a value", "ot=th:8 1", NONE},
    {"it passes over the entry of a list that is not valid", "ot=th:8,BAD", NONE},
};

static void check_reading(void **state)
{
    const struct reading *row = *state;
    struct guard guard = guard_copy(row->list, strlen(row->list));
    struct trace_state_ot got;
    memset(&got, 0x5a, sizeof got);
    bool any = trace_state_ot_read((struct text){(char *)guard.bytes, strlen(row->list)}, &got);
    guard_release(&guard);
    assert_int_equal(got.has_threshold, row->expected.has_threshold);
    assert_int_equal(got.has_randomness, row->expected.has_randomness);
    assert_int_equal(any, got.has_threshold || got.has_randomness);
    if (got.has_threshold)
        assert_true(got.threshold == row->expected.threshold);
    if (got.has_randomness)
        assert_true(got.randomness == row->expected.randomness);
}

#define V50  "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"
#define V249 V50 V50 V50 V50 "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"

static const struct writing {
    const char *it, *list;
    struct trace_state_ot entry;
    enum status status;
    const char *expected;
} writings[] = {
    {"it writes a threshold", "", TH(0xc0000000000000), STATUS_OK, "ot=th:c"},
    {"it writes a threshold of zero", "", TH(0), STATUS_OK, "ot=th:0"},
    {"it writes a threshold of 14 digits", "", TH(0x0123456789abcd), STATUS_OK,
     "ot=th:0123456789abcd"},
    {"it trims zeros at the end alone", "", TH(0x00100000000000), STATUS_OK, "ot=th:001"},
    {"it writes a randomness whole", "", RV(0xab000000000000), STATUS_OK, "ot=rv:ab000000000000"},
    {"it writes both", "", BOTH(0x80000000000000, 1), STATUS_OK, "ot=th:8;rv:00000000000001"},
    {"it replaces what was there", "ot=th:c;rv:00000000000002", BOTH(0x80000000000000, 1),
     STATUS_OK, "ot=th:8;rv:00000000000001"},
    {"it removes what the entry has not", "ot=th:c;rv:00000000000002", RV(2), STATUS_OK,
     "ot=rv:00000000000002"},
    {"it keeps other sub-keys", "ot=p:8;th:c;r:62", TH(0x80000000000000), STATUS_OK,
     "ot=th:8;p:8;r:62"},
    {"it keeps the first of equal ones", "ot=p:8;p:9", TH(0), STATUS_OK, "ot=th:0;p:8"},
    {"it leaves out what is malformed", "ot=p8;Q:1;r:62", TH(0), STATUS_OK, "ot=th:0;r:62"},
    {"it moves the entry to the front", "a=1,ot=th:c,b=2", TH(0x80000000000000), STATUS_OK,
     "ot=th:8,a=1,b=2"},
    {"it removes an empty entry", "a=1,ot=th:c,b=2", NONE, STATUS_OK, "a=1,b=2"},
    {"it adds no empty entry", "a=1", NONE, STATUS_OK, "a=1"},
    {"it refuses a threshold of 2^56", "a=1", TH(TRACE_STATE_OT_LIMIT), STATUS_INVALID, NULL},
    {"it refuses a randomness of 2^56", "a=1", RV(TRACE_STATE_OT_LIMIT), STATUS_INVALID, NULL},
    {"it refuses what is no list", "A=1", TH(0), STATUS_INVALID, NULL},
    {"it takes an entry of 256", "ot=x:" V249, TH(0), STATUS_OK, "ot=th:0;x:" V249},
    {"it refuses an entry of 257", "ot=x:" V249, TH(0x01000000000000), STATUS_TOO_LARGE, NULL},
};

static void check_writing(void **state)
{
    const struct writing *row = *state;
    struct guard guard = guard_copy(row->list, strlen(row->list));
    struct trace_state out = {.length_bytes = 3, .text = "old"};
    struct text list = {(char *)guard.bytes, strlen(row->list)};
    assert_int_equal(trace_state_ot_write(list, &row->entry, &out), row->status);
    guard_release(&guard);
    assert_string_equal(out.text, row->expected ? row->expected : "old");
    assert_int_equal(out.length_bytes, strlen(out.text));
}

/* What is written is read as it was, over the whole range, beside other sub-keys. */
static void reads_what_it_wrote(void **state)
{
    (void)state;
    struct trace_state value = {.length_bytes = 10, .text = "a=1,ot=x:y"};
    struct trace_state_ot got;
    for (uint64_t i = 0; i < 10000; i++) {
        struct trace_state_ot entry = {.has_threshold = i % 3 != 0,
                                       .has_randomness = i % 2 != 0,
                                       .threshold = (i * 0x9e3779b97f4a7c15) >> 8,
                                       .randomness = (i * 0xbf58476d1ce4e5b9) >> 8};
        assert_int_equal(trace_state_ot_write(trace_state_list(&value), &entry, &value), STATUS_OK);
        trace_state_ot_read(trace_state_list(&value), &got);
        assert_int_equal(got.has_threshold, entry.has_threshold);
        assert_int_equal(got.has_randomness, entry.has_randomness);
        assert_true(!got.has_threshold || got.threshold == entry.threshold);
        assert_true(!got.has_randomness || got.randomness == entry.randomness);
    }
    struct text other;
    assert_true(trace_state_get(trace_state_list(&value), TEXT_LITERAL("ot"), &other));
    assert_non_null(strstr(value.text, "x:y"));
}

int main(void)
{
    static struct rows all;
    ROWS(&all, readings, check_reading);
    ROWS(&all, writings, check_writing);
    rows_one(&all, "it reads what it wrote", reads_what_it_wrote);
    return rows_run("trace_state_ot", &all);
}
