#include "loadgen/load/load_sample.h"

#include "loadgen/engine/engine.h"
#include "tests/unit/rows.h"

struct row {
    const char *it;
    enum status engine_outcome;
    enum load_outcome outcome;
    bool censored;
};

static const struct row rows[] = {
    {"it takes a whole answer for one", STATUS_OK, LOAD_OK, false},
    {"it tells a refused connection", STATUS_REFUSED, LOAD_CONNECT, true},
    {"it tells a connection cut off", STATUS_CLOSED, LOAD_CLOSED, true},
    {"it tells a time-out", STATUS_TIMEOUT, LOAD_TIMEOUT, true},
    {"it tells what was never sent", STATUS_BUSY, LOAD_DROPPED, true},
    {"it tells what was in flight at the end", STATUS_INTERRUPTED, LOAD_UNFINISHED, true},
    {"it tells garbage", STATUS_INVALID, LOAD_PROTOCOL, true},
    {"it tells an answer over a limit", STATUS_TOO_LARGE, LOAD_PROTOCOL, true},
};

static void check_row(void **state)
{
    const struct row *row = *state;
    const struct engine_request request = {
        .sent_ns = 130, .first_byte_ns = 150, .done_ns = 170, .connect_ns = 5, .sent_bytes = 40};
    enum load_outcome outcome = load_outcome_of(row->engine_outcome);
    struct load_sample sample = load_sample_of(&request, 100, outcome);
    assert_int_equal(outcome, row->outcome);
    assert_int_equal(sample.censored, row->censored);
    assert_int_equal(load_sample_latency_ns(&sample), 70);
    assert_int_equal(load_sample_lag_ns(&sample), 30);
    assert_int_equal(load_sample_service_ns(&sample), 40);
    assert_true(load_outcome_words(outcome)[0] != '\0');
}

static void check_never_sent(void **state)
{
    (void)state;
    const struct engine_request request = {.done_ns = 170};
    struct load_sample sample = load_sample_of(&request, 100, LOAD_DROPPED);
    assert_int_equal(load_sample_lag_ns(&sample), 70);
    assert_int_equal(load_sample_latency_ns(&sample), 70);
    assert_int_equal(load_sample_service_ns(&sample), 0);
}

static void check_wrong_answers(void **state)
{
    (void)state;
    assert_false(load_outcome_is_censored(LOAD_STATUS));
    assert_false(load_outcome_is_censored(LOAD_BODY));
}

int main(void)
{
    static struct rows all;
    ROWS(&all, rows, check_row);
    rows_one(&all, "it counts the wait of what was never sent", check_never_sent);
    rows_one(&all, "it knows the latency of a wrong answer", check_wrong_answers);
    return rows_run("load_sample", &all);
}
