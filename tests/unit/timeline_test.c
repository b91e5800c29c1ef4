/* Unix time for spans. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "trace/timeline.h"

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

/* The least distance of several tries: between two readings a machine may do something else. */
static uint64_t distance_to_clock(const struct timeline *timeline)
{
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < 100; i++) {
        uint64_t off = distance(timeline_now_ns(timeline), clock_wall_ns());
        least = off < least ? off : least;
    }
    return least;
}

/* Waits, within two seconds, for the counter to be in use. */
static bool calibrate(void)
{
    for (int i = 0; i < 20 && !timeline_counts() && timeline_due_ns() != UINT64_MAX; i++) {
        uint64_t now_ns = clock_mono_ns(), due_ns = timeline_due_ns();
        clock_sleep_until_ns(due_ns > now_ns ? due_ns : now_ns + 10 * NS_PER_MS);
        timeline_refresh();
    }
    return timeline_counts();
}

static void tells_unix_time(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool use_counter;
    } rows[] = {{"it reads the clock when told to", false}, {"it reads the counter", true}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        timeline_start(rows[i].use_counter);
        bool counts = calibrate();
        if (counts && !rows[i].use_counter)
            fail_msg("%s: it reads the counter", rows[i].name);
        struct timeline timeline = timeline_take();
        if ((timeline.ns_a_tick != 0) != counts)
            fail_msg("%s: %lu", rows[i].name, timeline.ns_a_tick);
        if (distance_to_clock(&timeline) > NS_PER_MS)
            fail_msg("%s: %lu ns off", rows[i].name, distance_to_clock(&timeline));
    }
}

static void never_goes_backwards(void **state)
{
    (void)state;
    for (int use_counter = 0; use_counter < 2; use_counter++) {
        timeline_start(use_counter);
        (void)calibrate();
        struct timeline timeline = timeline_take();
        uint64_t before_ns = 0;
        for (int i = 0; i < 100000; i++) {
            uint64_t now_ns = timeline_now_ns(&timeline);
            assert_true(now_ns >= before_ns);
            before_ns = now_ns;
        }
    }
}

/* A span that began before the counter came into use ends by the ruler it began with. */
static void keeps_a_span_on_its_ruler(void **state)
{
    (void)state;
    timeline_start(true);
    struct timeline before = timeline_take();
    assert_int_equal(before.ns_a_tick, 0);
    if (!calibrate())
        return;
    assert_true(distance_to_clock(&before) < NS_PER_MS);
}

static void takes_a_counter_from_before_its_base_as_the_base(void **state)
{
    (void)state;
    struct timeline ahead = {UINT64_MAX / 4, 7, 1u << 31};
    assert_int_equal(timeline_now_ns(&ahead), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_unix_time),
        cmocka_unit_test(never_goes_backwards),
        cmocka_unit_test(keeps_a_span_on_its_ruler),
#if defined(__x86_64__)
        cmocka_unit_test(takes_a_counter_from_before_its_base_as_the_base),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
