#include "loadgen/base/sample.h"

#include "tests/unit/rows.h"

static void add_span(struct spans *spans, uint8_t id, uint64_t start_ns, uint64_t end_ns)
{
    static const struct otlp_resource resource;
    static const struct otlp_scope scope;
    struct otlp_span span = {.resource = &resource,
                             .scope = &scope,
                             .name = text_of("GET /x"),
                             .start_ns = start_ns,
                             .end_ns = end_ns};
    span.trace_id[0] = span.span_id[0] = id;
    assert_int_equal(spans_copy(spans, &span), STATUS_OK);
}

struct row {
    const char *it;
    uint64_t flows;
    uint64_t least, most; /* that are kept */
};

static const struct row rows[] = {
    {"it keeps every flow of a few", 900, 900, 900},
    {"it keeps every flow of as many as it may", 1000, 1000, 1000},
    {"it keeps about a thousand of many", 100000, 850, 1150},
};

static void check_choice(void **state)
{
    const struct row *row = *state;
    struct sample sample;
    uint64_t kept = 0;
    sample_init(&sample, row->flows);
    for (uint64_t flow = 0; flow < row->flows; flow++)
        kept += sample_wants(&sample, flow);
    assert_in_range(kept, row->least, row->most);
    assert_int_equal(sample_is_whole(&sample), row->flows <= SAMPLE_FLOWS_MAX);
    sample_release(&sample);
}

static void check_round_trip(void **state)
{
    (void)state;
    struct spans in, out;
    struct sample sample;
    spans_init(&in, 10, 1 << 20);
    spans_init(&out, 10, 1 << 20);
    for (uint8_t i = 1; i <= 4; i++)
        add_span(&in, i, 100u * i, 100u * i + 50);
    sample_init(&sample, 10);
    sample_add(&sample, 7, &in, 1, 2);
    sample_add(&sample, UINT64_MAX, &in, 3, 1);
    assert_int_equal(sample_decode(&sample, &out), STATUS_OK);
    assert_int_equal(out.count, 3);
    assert_int_equal(out.items[0].span_id[0], 2);
    assert_int_equal(out.items[2].span_id[0], 4);
    assert_true(text_is(out.items[2].name, "GET /x"));
    assert_true(sample_covers(&sample, 210, 340));
    assert_false(sample_covers(&sample, 190, 340));
    assert_false(sample_covers(&sample, 410, 420)); /* a fragment covers nothing */
    spans_release(&in);
    spans_release(&out);
    sample_release(&sample);
    sample_release(&sample);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, rows, check_choice);
    rows_one(&all, "it gives back what it was given", check_round_trip);
    return rows_run("sample", &all);
}
