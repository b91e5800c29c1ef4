#include "trace/rounds.h"

#include "base/clock.h"
#include "tests/unit/rows.h"

static struct rounds rounds = {.lock = PTHREAD_MUTEX_INITIALIZER};
static unsigned worked;

static uint64_t soon_ns(void)
{
    return clock_mono_ns() + 20 * NS_PER_S;
}

static void *work(void *unused)
{
    (void)unused;
    for (bool stopping = false; !stopping;) {
        const uint64_t flush = rounds_wait(&rounds, UINT64_MAX);
        worked++;
        stopping = rounds_finish(&rounds, flush);
    }
    rounds_end(&rounds);
    return NULL;
}

static void waits_for_what_is_asked(void **state)
{
    (void)state;
    pthread_t thread;
    rounds_reset(&rounds);
    worked = 0;
    assert_int_equal(pthread_create(&thread, NULL, work, NULL), 0);
    for (unsigned i = 0; i < 3; i++)
        assert_true(rounds_flush(&rounds, soon_ns()));
    assert_false(rounds_has_ended(&rounds));
    assert_true(rounds_stop(&rounds, soon_ns()));
    assert_true(rounds_has_ended(&rounds));
    pthread_join(thread, NULL);
    assert_in_range(worked, 3, 4);
    assert_true(rounds_flush(&rounds, soon_ns())); /* nobody is there to be waited for */
}

static void gives_up_at_the_deadline(void **state)
{
    (void)state;
    rounds_reset(&rounds);
    assert_false(rounds_flush(&rounds, clock_mono_ns()));
    assert_false(rounds_stop(&rounds, clock_mono_ns()));
}

static void begins_anew(void **state)
{
    (void)state;
    rounds_reset(&rounds);
    assert_int_equal(rounds_wait(&rounds, clock_mono_ns()), rounds.flush_done);
    assert_false(rounds_finish(&rounds, rounds.flush_done));
    assert_false(rounds_has_ended(&rounds));
}

static void sleeps_not_when_it_was_woken_before(void **state)
{
    (void)state;
    rounds_reset(&rounds);
    rounds_wake(&rounds);
    rounds_wake(&rounds);
    (void)rounds_wait(&rounds, UINT64_MAX);
    assert_false(atomic_load(&rounds.is_woken));
}

int main(void)
{
    static struct rows all;
    rounds_init(&rounds);
    rows_one(&all, "it waits for what is asked", waits_for_what_is_asked);
    rows_one(&all, "it gives up at the deadline", gives_up_at_the_deadline);
    rows_one(&all, "it begins anew", begins_anew);
    rows_one(&all, "it does not sleep when it was woken before",
             sleeps_not_when_it_was_woken_before);
    return rows_run("rounds", &all);
}
