#include "loadgen/base/recent.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/unit/rows.h"

enum { STEPS_MAX = 8 };

/* What happens until a tick. */
struct step {
    uint64_t elapsed_ms, ended, failed, censored;
    uint64_t latency_ms; /* of all that ended and are known */
};

struct row {
    const char *it;
    struct step steps[STEPS_MAX];
    size_t ticks;
    double rate;
    uint64_t p50_ms, max_ms; /* within 2 % */
    bool max_is_open;
    uint64_t last_failed;
};

static const struct row rows[] = {
    {"it knows nothing before the first tick", {{0}}, 0, 0, 0, 0, false, 0},
    {"it measures one tick", {{250, 50, 2, 0, 10}}, 1, 200, 10, 10, false, 2},
    {"it adds up what comes too soon",
     {{250, 50, 1, 0, 10}, {300, 50, 1, 0, 10}, {500, 50, 1, 0, 10}},
     2,
     300,
     10,
     10,
     false,
     2},
    {"it measures the rate over a second",
     {{1000, 1000, 0, 0, 1}, {1500, 0, 0, 0, 1}, {2000, 100, 0, 0, 1}},
     3,
     100,
     1,
     1,
     false,
     0},
    {"it forgets latencies of more than five seconds ago",
     {{1000, 100, 0, 0, 500}, {6000, 100, 0, 0, 10}, {6500, 0, 0, 0, 0}},
     3,
     100.0 / 5.5,
     10,
     10,
     false,
     0},
    {"it remembers latencies of less than five seconds ago",
     {{1000, 10, 0, 0, 500}, {2000, 100, 0, 0, 10}, {5500, 0, 0, 0, 0}},
     3,
     0,
     10,
     500,
     false,
     0},
    {"it puts unknown latencies above the others",
     {{1000, 100, 2, 2, 10}},
     1,
     100,
     10,
     10,
     true,
     2},
    {"it shows that nothing ended any more",
     {{1000, 100, 0, 0, 10}, {2000, 0, 0, 0, 0}, {7000, 0, 0, 0, 0}},
     3,
     0,
     0,
     0,
     false,
     0},
};

static void feed(struct recent *recent, const struct step *steps, struct histogram *latency)
{
    struct recent_so_far so_far = {.latency = latency};
    for (size_t i = 0; i < STEPS_MAX && steps[i].elapsed_ms > 0; i++) {
        so_far.elapsed_ms = steps[i].elapsed_ms;
        so_far.ended += steps[i].ended;
        so_far.failed += steps[i].failed;
        so_far.censored += steps[i].censored;
        for (uint64_t n = steps[i].censored; n < steps[i].ended; n++)
            histogram_add(latency, steps[i].latency_ms * NS_PER_MS);
        recent_add(recent, &so_far);
    }
}

static void assert_near(uint64_t value_ns, uint64_t ms)
{
    assert_true(value_ns >= ms * NS_PER_MS / 100 * 98 && value_ns <= ms * NS_PER_MS / 100 * 102);
}

static void check_row(void **state)
{
    const struct row *row = *state;
    struct recent *recent = malloc(sizeof(*recent));
    struct histogram *latency = calloc(1, sizeof(*latency));
    bool is_open;
    recent_init(recent);
    feed(recent, row->steps, latency);
    assert_int_equal(recent_tick_count(recent), row->ticks);
    assert_float_equal(recent_rate(recent), row->rate, 0.001);
    assert_near(recent_quantile_ns(recent, 0.5, &is_open), row->p50_ms);
    assert_false(is_open);
    assert_near(recent_quantile_ns(recent, 1, &is_open), row->max_ms);
    assert_int_equal(is_open, row->max_is_open);
    if (row->ticks > 0)
        assert_int_equal(recent_tick(recent, row->ticks - 1)->failed, row->last_failed);
    free(latency);
    free(recent);
}

/* Far over the ring of states and that of ticks. */
static void check_long(void **state)
{
    (void)state;
    struct recent *recent = malloc(sizeof(*recent));
    struct histogram *latency = calloc(1, sizeof(*latency));
    bool is_open;
    recent_init(recent);
    for (uint64_t i = 1; i <= 1000; i++) {
        for (unsigned n = 0; n < 25; n++)
            histogram_add(latency, (i <= 900 ? 100 : 1) * NS_PER_MS);
        recent_add(recent, &(struct recent_so_far){
                               .elapsed_ms = 250 * i, .ended = 25 * i, .latency = latency});
    }
    assert_int_equal(recent_tick_count(recent), RECENT_TICKS_MAX);
    assert_near(recent_tick(recent, 0)->p99_ns, 100);
    assert_near(recent_tick(recent, RECENT_TICKS_MAX - 1)->p99_ns, 1);
    assert_near(recent_quantile_ns(recent, 1, &is_open), 1);
    assert_float_equal(recent_rate(recent), 100, 0.001);
    free(latency);
    free(recent);
}

int main(void)
{
    struct rows all = {0};
    ROWS(&all, rows, check_row);
    rows_one(&all, "it keeps the last ticks of a long run", check_long);
    return rows_run("recent", &all);
}
