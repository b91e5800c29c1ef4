#include "loadgen/stack/backend.h"

#include "tests/unit/rows.h"

struct parse_row {
    const char *it;
    const char *json;
    bool good;
    size_t count;
};

static const struct parse_row parse_rows[] = {
    {"it reads buckets",
     "{\"trace_latency\":{\"count\":3,\"buckets\":[[1.5,1],[2.5,3]]},\"other\":1}", true, 2},
    {"it reads no bucket", "{\"trace_latency\":{\"buckets\":[]}}", true, 0},
    {"it refuses what is no JSON", "{", false, 0},
    {"it refuses a status without buckets", "{\"trace_latency\":{}}", false, 0},
    {"it refuses counts that fall", "{\"trace_latency\":{\"buckets\":[[1,5],[2,3]]}}", false, 0},
    {"it refuses bounds that fall", "{\"trace_latency\":{\"buckets\":[[2,1],[1,3]]}}", false, 0},
    {"it refuses words", "{\"trace_latency\":{\"buckets\":[[\"a\",1]]}}", false, 0},
};

static void check_parse(void **state)
{
    const struct parse_row *row = *state;
    static struct backend_buckets buckets;
    assert_int_equal(backend_parse(text_of(row->json), &buckets), row->good);
    if (row->good)
        assert_int_equal(buckets.count, row->count);
}

static void check_difference(void **state)
{
    (void)state;
    static struct backend_buckets before, after;
    struct backend_latency got;
    assert_true(
        backend_parse(text_of("{\"trace_latency\":{\"buckets\":[[10,100],[500,110]]}}"), &before));
    /* 90 came at most 20 ms late, 9 at most 40 ms, one 300 ms */
    assert_true(backend_parse(text_of("{\"trace_latency\":{\"buckets\":"
                                      "[[10,100],[20,190],[40,199],[300,200],[500,210]]}}"),
                              &after));
    backend_difference(&before, &after, &got);
    assert_true(got.is_known);
    assert_int_equal(got.count, 100);
    assert_true(got.p50_ms == 20);
    assert_true(got.p90_ms == 20);
    assert_true(got.p99_ms == 40);
    assert_true(got.max_ms == 300);
    backend_difference(&after, &after, &got);
    assert_false(got.is_known);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, parse_rows, check_parse);
    rows_one(&all, "it tells what came between two points in time", check_difference);
    return rows_run("backend", &all);
}
