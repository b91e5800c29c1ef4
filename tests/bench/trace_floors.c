/* What this machine itself takes for the steps that a span cannot do without: the least of many
 * loops, in nanoseconds, as one line of JSON. */
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

enum { LOOPS = 60, TIMES = 20000, SPAN_BYTES = 214, RING_BYTES = 1 << 20 };

static _Atomic uint64_t counter;
static uint8_t ring[RING_BYTES], record[SPAN_BYTES];
static volatile uint64_t sink;

static void read_monotonic(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
}

static void read_wall(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
}

static void read_thread_cpu(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
}

static void read_tsc(void)
{
#if defined(__x86_64__)
    sink = __builtin_ia32_rdtsc();
#endif
}

/* To ever new places, as spans are. */
static void copy_span(void)
{
    static size_t at;
    at = at + 2 * SPAN_BYTES < RING_BYTES ? at + SPAN_BYTES : 0;
    memcpy(ring + at, record, SPAN_BYTES);
    atomic_signal_fence(memory_order_seq_cst);
}

static void add_atomically(void)
{
    atomic_fetch_add_explicit(&counter, 1, memory_order_relaxed);
}

static void nothing(void)
{
    atomic_signal_fence(memory_order_seq_cst);
}

static double least_ns(void (*step)(void))
{
    double least = 1e9;
    for (int i = 0; i < LOOPS; i++) {
        const uint64_t began_ns = clock_mono_ns();
        for (int j = 0; j < TIMES; j++)
            step();
        const double each = (double)(clock_mono_ns() - began_ns) / TIMES;
        least = each < least ? each : least;
    }
    return least;
}

int main(void)
{
    static const struct {
        const char *name;
        void (*step)(void);
    } rows[] = {
        {"clock_gettime(MONOTONIC)", read_monotonic},
        {"clock_gettime(REALTIME)", read_wall},
        {"clock_gettime(THREAD_CPUTIME)", read_thread_cpu},
        {"rdtsc", read_tsc},
        {"memcpy 214 B", copy_span},
        {"atomic add", add_atomically},
    };
    void (*volatile empty)(void) = nothing;
    const double call_ns = least_ns(empty);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        void (*volatile step)(void) = rows[i].step;
        const double ns = least_ns(step) - call_ns;
        printf("%s\"%s\":%.1f", i == 0 ? "{" : ",", rows[i].name, ns > 0 ? ns : 0);
    }
    printf("}\n");
    return 0;
}
