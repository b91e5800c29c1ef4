/* Unix time for spans, looked at from inside: what the refreshing thread makes of its readings. */
#include "rows.h"

#include "trace/timeline.c"

static struct reading at(uint64_t mono_ns, uint64_t ticks)
{
    return (struct reading){
        .ticks = ticks, .mono_ns = mono_ns, .wall_ns = mono_ns + 5, .gap_ns = 1};
}

static void begin(void)
{
    looks.has_counter = true;
    looks.anchor = looks.last = at(0, 1);
    looks.middle.ticks = 0;
    publish((struct timeline){0, 5, 0});
}

/* A counter that runs at `hz` since the last reading. */
static struct reading later(const struct reading *last, uint64_t ns, uint64_t ticks_a_us)
{
    return at(last->mono_ns + ns, last->ticks + ns / 1000 * ticks_a_us);
}

static uint64_t ticks_a_us_of(uint64_t rate)
{
    return ((1000ull << 32) + rate / 2) / rate;
}

/* Once it can, the rate is measured from half a minute ago to a whole one: a change of it shows,
 * and no reading's error is taken over less. */
static void check_anchor(void **state)
{
    (void)state;
    begin();
    struct reading now = later(&looks.anchor, 60 * NS_PER_MS, 2000);
    use_counter(&now);
    assert_int_equal(ticks_a_us_of(timeline_take().ns_a_tick), 2000);
    assert_int_equal(looks.middle.ticks, 0);
    struct reading half = later(&now, anchor_ns / 2, 2000);
    use_counter(&half);
    assert_int_equal(looks.middle.ticks, half.ticks);
    assert_int_equal(looks.anchor.ticks, 1);
    struct reading more = later(&half, NS_PER_S, 2000);
    use_counter(&more);
    assert_int_equal(looks.middle.ticks, half.ticks); /* not moved on */
    struct reading whole = later(&half, anchor_ns / 2, 2000);
    use_counter(&whole);
    assert_int_equal(looks.anchor.ticks, half.ticks);
    assert_int_equal(looks.middle.ticks, 0);
    /* From here on the rate is another one, and measured from half a minute ago. */
    struct reading slow = later(&whole, anchor_ns / 2, 1000);
    use_counter(&slow);
    assert_int_equal(ticks_a_us_of(timeline_take().ns_a_tick), 1500);
    assert_int_equal(looks.anchor.ticks, slow.ticks);
}

static void check_young(void **state)
{
    (void)state;
    begin();
    struct reading soon = later(&looks.anchor, first_look_ns - 1000, 2000);
    use_counter(&soon);
    assert_int_equal(timeline_take().ns_a_tick, 0);
}

/* A fork caught its parent while it wrote. */
static void check_odd_version(void **state)
{
    (void)state;
    begin();
    atomic_fetch_add(&version, 1);
    assert_int_equal(atomic_load(&version) % 2, 1);
    timeline_start(false);
    assert_int_equal(atomic_load(&version) % 2, 0);
    assert_int_equal(timeline_take().ns_a_tick, 0); /* and whoever reads gets somewhere */
}

static void check_due(void **state)
{
    (void)state;
    begin();
    looks.due_ns = 1;
    timeline_refresh();
    uint64_t due_ns = looks.due_ns, now_ns = clock_mono_ns();
    assert_true(due_ns > first_look_ns && due_ns <= now_ns + first_look_ns);
    looks.has_counter = true;
    publish((struct timeline){0, 5, 0});
    assert_int_equal(timeline_due_ns(), due_ns); /* there is no rate yet */
    publish((struct timeline){1, 5, 1});
    assert_true(timeline_due_ns() == UINT64_MAX);
    publish((struct timeline){0, 5, 0});
    looks.has_counter = false;
    assert_true(timeline_due_ns() == UINT64_MAX);
}

/* A look that the machine was elsewhere in says nothing, but the next one is due all the same. */
static void check_stray(void **state)
{
    (void)state;
    begin();
    looks.last = at(NS_PER_S, 1 + 2000000000ull);
    publish((struct timeline){looks.last.ticks, looks.last.wall_ns, (1ull << 32) / 2});
    struct reading same = later(&looks.last, NS_PER_S, 2000),
                   off = later(&looks.last, NS_PER_S, 2010);
    struct reading back = at(2 * NS_PER_S, looks.last.ticks);
    assert_true(agrees(&same));
    assert_false(agrees(&off));
    assert_false(agrees(&back));
}

int main(void)
{
    static struct rows all;
    rows_one(&all, "it measures the rate over half a minute to a whole one", check_anchor);
    rows_one(&all, "it has no rate of a moment", check_young);
    rows_one(&all, "it is whole again after a fork that caught a writer", check_odd_version);
    rows_one(&all, "it is due soon until there is a rate", check_due);
    rows_one(&all, "it leaves a counter that strays", check_stray);
    return rows_run("timeline_inside", &all);
}
