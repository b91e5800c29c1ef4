/* The only file that reads a clock or sleeps. Callable from any thread; never allocates. */
#ifndef CULPRIT_BASE_CLOCK_H
#define CULPRIT_BASE_CLOCK_H

#include <stdint.h>

#define NS_PER_MS 1000000ull
#define NS_PER_S  1000000000ull

/* Of a duration, as people read it. */
static inline double clock_ms(uint64_t ns)
{
    return (double)ns / (double)NS_PER_MS;
}

/* CLOCK_MONOTONIC. A deadline is such a point in time. */
uint64_t clock_mono_ns(void);

/* CLOCK_REALTIME, nanoseconds since 1970. */
uint64_t clock_wall_ns(void);

/* CPU time of the calling thread. */
uint64_t clock_thread_cpu_ns(void);

/* Sleeps until `deadline_ns` on the monotonic clock; returns at once when it has passed. Goes on
 * sleeping after a signal. */
void clock_sleep_until_ns(uint64_t deadline_ns);

/* What remains until the deadline in whole milliseconds, rounded up; 0 when it has passed. For
 * poll() and friends. At most INT_MAX. */
int clock_remaining_ms(uint64_t deadline_ns);

#endif
