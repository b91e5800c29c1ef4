#include "loadgen/load/load_trace.h"

#include <string.h>

#include "base/hex.h"
#include "base/map.h"
#include "tests/unit/rows.h"

enum { MANY = 20000 };

/* "00-" + 32 digits + "-" + 16 digits + "-03", the digits of the trace those of its id; none twice.
 */
static void check_ids(void **state)
{
    (void)state;
    const uint64_t words[3] = {0x1122334455667788u, 7, 9};
    static uint8_t ids[MANY][16];
    struct map seen;
    map_init(&seen, MANY);
    for (unsigned i = 0; i < MANY; i++) {
        char traceparent[LOAD_TRACEPARENT_LENGTH + 1];
        uint8_t trace_id[16], span_id[8];
        bool added;
        load_trace_make(words, i, ids[i], traceparent);
        assert_int_equal(strlen(traceparent), LOAD_TRACEPARENT_LENGTH);
        assert_memory_equal(traceparent, "00-", 3);
        assert_true(hex_decode(traceparent + 3, 16, false, trace_id));
        assert_true(traceparent[35] == '-' && hex_decode(traceparent + 36, 8, false, span_id));
        assert_string_equal(traceparent + 52, "-03");
        assert_memory_equal(trace_id, ids[i], 16);
        assert_non_null(map_put(&seen, ids[i], 16, &added));
        assert_true(added);
    }
    map_release(&seen);
}

static void check_runs_differ(void **state)
{
    (void)state;
    const uint64_t one[3] = {1, 2, 3}, other[3] = {1, 5, 3}, none[3] = {0, 0, 0};
    uint8_t ids[3][16], zero[16] = {0};
    char text[LOAD_TRACEPARENT_LENGTH + 1];
    load_trace_make(one, 4, ids[0], text);
    load_trace_make(other, 4, ids[1], text);
    assert_memory_not_equal(ids[0], ids[1], 16);
    load_trace_make(none, 0, ids[2], text);
    assert_memory_not_equal(ids[2], zero, 16);
    assert_string_not_equal(text + 36, "0000000000000000-03");
}

int main(void)
{
    static struct rows all;
    rows_one(&all, "it makes valid ids, each once", check_ids);
    rows_one(&all, "it makes other ids in another run, and never none", check_runs_differ);
    return rows_run("load_trace", &all);
}
