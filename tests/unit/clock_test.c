#include "base/clock.h"

#include <limits.h>
#include <signal.h>
#include <sys/time.h>

#include "tests/unit/rows.h"

static void check_monotonic(void **state)
{
    (void)state;
    uint64_t before = clock_mono_ns();
    for (int i = 0; i < 1000; i++) {
        const uint64_t now = clock_mono_ns();
        assert_true(now >= before);
        before = now;
    }
}

static void check_wall(void **state)
{
    (void)state;
    assert_true(clock_wall_ns() > 1577836800ull * NS_PER_S); /* 2020-01-01 */
}

static void check_cpu(void **state)
{
    (void)state;
    const uint64_t before = clock_thread_cpu_ns();
    volatile uint64_t sum = 0;
    const uint64_t deadline = clock_mono_ns() + 10 * NS_PER_S;
    while (clock_thread_cpu_ns() == before && clock_mono_ns() < deadline)
        sum += 1;
    assert_true(clock_thread_cpu_ns() > before);
}

static void check_past_deadline(void **state)
{
    (void)state;
    clock_sleep_until_ns(0);
    clock_sleep_until_ns(clock_mono_ns());
}

static volatile sig_atomic_t alarms;

static void on_alarm(int number)
{
    (void)number;
    alarms++;
}

static void check_signal(void **state)
{
    (void)state;
    const struct sigaction action = {.sa_handler = on_alarm};
    const struct itimerval tick = {{0, 2000}, {0, 2000}};
    const struct itimerval off = {{0, 0}, {0, 0}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &tick, NULL);
    const uint64_t deadline = clock_mono_ns() + 30 * NS_PER_MS;
    clock_sleep_until_ns(deadline);
    const uint64_t woken = clock_mono_ns();
    setitimer(ITIMER_REAL, &off, NULL);
    assert_true(alarms > 0);
    assert_true(woken >= deadline);
}

static void check_remaining(void **state)
{
    (void)state;
    assert_int_equal(clock_remaining_ms(0), 0);
    assert_int_equal(clock_remaining_ms(clock_mono_ns()), 0);
    assert_int_equal(clock_remaining_ms(UINT64_MAX), INT_MAX);
}

static void check_round_up(void **state)
{
    (void)state;
    const uint64_t before = clock_mono_ns();
    const uint64_t deadline = before + 3600 * NS_PER_S + 1;
    const int left_ms = clock_remaining_ms(deadline);
    const uint64_t after = clock_mono_ns();
    /* Sleeping that long must reach the deadline, and not be a whole millisecond too long. */
    assert_true((uint64_t)left_ms * NS_PER_MS >= deadline - after);
    assert_true((uint64_t)(left_ms - 1) * NS_PER_MS < deadline - before);
}

int main(void)
{
    static struct rows all;
    rows_one(&all, "it never goes back", check_monotonic);
    rows_one(&all, "it knows the wall time", check_wall);
    rows_one(&all, "it counts the thread's work", check_cpu);
    rows_one(&all, "it returns at once when the deadline has passed", check_past_deadline);
    rows_one(&all, "it goes on sleeping after a signal", check_signal);
    rows_one(&all, "it holds what remains within 0 and INT_MAX", check_remaining);
    rows_one(&all, "it rounds what remains up", check_round_up);
    return rows_run("clock", &all);
}
