#include "loadgen/experiment/saving.h"

#include "tests/unit/rows.h"

enum { FLOWS = 5 };

struct row {
    const char *it;
    uint64_t faulty_ms[FLOWS], healthy_ms[FLOWS]; /* 0: no answer */
    double saving_ms;
};

static const struct row rows[] = {
    {"it takes the median of the differences",
     {110, 150, 120, 90, 1000},
     {100, 100, 100, 100, 100},
     20},
    {"it takes the middle of two", {110, 130, 0, 0, 0}, {100, 100, 0, 0, 0}, 20},
    {"it leaves out flows that one window did not answer",
     {110, 0, 500, 0, 0},
     {100, 100, 0, 100, 0},
     10},
    {"it pairs by number, not by rank", {10, 20, 30, 40, 50}, {50, 40, 30, 20, 10}, 0},
    {"it gives 0 where nothing pairs", {1, 0, 1, 0, 0}, {0, 1, 0, 1, 1}, 0},
    {"it tells a gain", {80, 80, 80, 80, 80}, {100, 100, 100, 100, 100}, -20},
};

static void check(void **state)
{
    const struct row *row = *state;
    uint64_t faulty[FLOWS], healthy[FLOWS];
    for (int i = 0; i < FLOWS; i++) {
        faulty[i] = row->faulty_ms[i] * 1000000;
        healthy[i] = row->healthy_ms[i] * 1000000;
    }
    static struct window_result one, other;
    one.flows_due = other.flows_due = FLOWS;
    one.latency_by_flow_ns = faulty;
    other.latency_by_flow_ns = healthy;
    assert_true(saving_measured_ms(&one, &other) == row->saving_ms);
}

static void check_short(void **state)
{
    (void)state;
    uint64_t faulty[] = {30000000}, healthy[] = {10000000, 20000000};
    static struct window_result one, other;
    one.flows_due = 1;
    other.flows_due = 2;
    one.latency_by_flow_ns = faulty;
    other.latency_by_flow_ns = healthy;
    assert_true(saving_measured_ms(&one, &other) == 20);
    one.latency_by_flow_ns = NULL;
    assert_true(saving_measured_ms(&one, &other) == 0);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, rows, check);
    rows_one(&all, "it pairs a window that was cut short", check_short);
    return rows_run("saving", &all);
}
