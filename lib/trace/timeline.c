#include "trace/timeline.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

enum { TRIES = 5 };

static const uint64_t first_look_ns = 50 * NS_PER_MS; /* shorter, and the rate is too rough */
static const uint64_t anchor_ns = 60 * NS_PER_S;      /* the rate is that of so long a time */
static const uint64_t rough_ns = 5000;                /* a reading that took longer says nothing */
static const uint64_t stray_ns = 20000;
static const uint64_t stray_share = 1000; /* NTP slews by less */

struct reading {
    uint64_t ticks, mono_ns, wall_ns;
    uint64_t gap_ns; /* in which it was made */
};

/* Written by the refreshing thread alone, odd while it writes. */
static _Atomic uint64_t version;
static _Atomic uint64_t base_ticks, base_wall_ns, ns_a_tick;

/* The refreshing thread's own. */
static struct {
    bool has_counter;
    struct reading anchor; /* what the rate is measured from */
    struct reading middle; /* the next anchor, half as old; ticks 0: none yet */
    struct reading last;
    uint64_t due_ns; /* of the next look while there is no rate */
} looks;

static uint64_t read_ticks(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    return 0;
#endif
}

/* Of several tries the one with the least time between the readings is the most exact. */
static struct reading look(void)
{
    struct reading best = {.gap_ns = UINT64_MAX};
    for (int i = 0; i < TRIES; i++) {
        uint64_t before_ns = clock_mono_ns();
        uint64_t ticks = read_ticks();
        uint64_t wall_ns = clock_wall_ns();
        uint64_t gap_ns = clock_mono_ns() - before_ns;
        if (gap_ns < best.gap_ns)
            best = (struct reading){ticks, before_ns + gap_ns / 2, wall_ns, gap_ns};
    }
    return best;
}

static void publish(struct timeline next)
{
    /* Even, also where a fork caught its parent in between. */
    uint64_t before = atomic_load_explicit(&version, memory_order_relaxed) & ~1ull;
    atomic_store_explicit(&version, before + 1, memory_order_relaxed);
    /* release: nobody sees a new part with the old version */
    atomic_thread_fence(memory_order_release);
    atomic_store_explicit(&base_ticks, next.base_ticks, memory_order_relaxed);
    atomic_store_explicit(&base_wall_ns, next.base_wall_ns, memory_order_relaxed);
    atomic_store_explicit(&ns_a_tick, next.ns_a_tick, memory_order_relaxed);
    atomic_store_explicit(&version, before + 2, memory_order_release);
}

void timeline_copy(struct timeline *out)
{
    for (;;) {
        uint64_t before = atomic_load_explicit(&version, memory_order_acquire);
        out->base_ticks = atomic_load_explicit(&base_ticks, memory_order_relaxed);
        out->base_wall_ns = atomic_load_explicit(&base_wall_ns, memory_order_relaxed);
        out->ns_a_tick = atomic_load_explicit(&ns_a_tick, memory_order_relaxed);
        /* acquire: the parts are older than the second look at the version */
        atomic_thread_fence(memory_order_acquire);
        if ((before & 1) == 0 && atomic_load_explicit(&version, memory_order_relaxed) == before)
            return;
    }
}

/* ---- the counter */

/* Runs at one rate whatever the processor does, by its own word. */
static bool is_invariant(void)
{
#if defined(__x86_64__)
    unsigned a, b, c, d;
    return __get_cpuid(0x80000007, &a, &b, &c, &d) != 0 && (d & 1u << 8) != 0;
#else
    return false;
#endif
}

/* ... and by the kernel's, which compares the processors' counters with each other. */
static bool kernel_trusts_it(void)
{
    char name[16] = "";
    int file = open("/sys/devices/system/clocksource/clocksource0/current_clocksource",
                    O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    ssize_t got = read(file, name, sizeof name - 1);
    close(file);
    return got > 0 && strncmp(name, "tsc\n", 4) == 0;
}

static uint64_t rate_between(const struct reading *from, const struct reading *to)
{
    __extension__ typedef unsigned __int128 wide;
    return (uint64_t)(((wide)(to->mono_ns - from->mono_ns) << 32) / (to->ticks - from->ticks));
}

/* The counter said the same as the clock since the last look. */
static bool agrees(const struct reading *now)
{
    __extension__ typedef unsigned __int128 wide;
    uint64_t rate = atomic_load_explicit(&ns_a_tick, memory_order_relaxed);
    uint64_t elapsed_ns = now->mono_ns - looks.last.mono_ns;
    if (now->ticks <= looks.last.ticks)
        return false;
    if (rate == 0)
        return true;
    uint64_t counted_ns = (uint64_t)((wide)(now->ticks - looks.last.ticks) * rate >> 32);
    uint64_t off_ns = counted_ns > elapsed_ns ? counted_ns - elapsed_ns : elapsed_ns - counted_ns;
    return off_ns <= stray_ns + elapsed_ns / stray_share;
}

static void use_counter(const struct reading *now)
{
    uint64_t age_ns = now->mono_ns - looks.anchor.mono_ns;
    if (age_ns < first_look_ns)
        return;
    publish((struct timeline){now->ticks, now->wall_ns, rate_between(&looks.anchor, now)});
    if (looks.middle.ticks == 0 && age_ns >= anchor_ns / 2)
        looks.middle = *now;
    if (age_ns < anchor_ns)
        return;
    looks.anchor = looks.middle;
    looks.middle.ticks = 0;
}

/* ---- from outside */

void timeline_start(bool use_counter)
{
    looks.has_counter = use_counter && is_invariant() && kernel_trusts_it();
    looks.anchor = looks.last = look();
    looks.middle.ticks = 0;
    looks.due_ns = looks.last.mono_ns + first_look_ns;
    publish((struct timeline){0, looks.last.wall_ns - looks.last.mono_ns, 0});
}

void timeline_refresh(void)
{
    struct reading now = look();
    looks.due_ns = now.mono_ns + first_look_ns;
    if (looks.has_counter && now.gap_ns > rough_ns)
        return; /* the machine was elsewhere between the readings: next time */
    if (looks.has_counter && !agrees(&now))
        looks.has_counter = false;
    if (looks.has_counter && now.mono_ns - looks.anchor.mono_ns >= first_look_ns)
        use_counter(&now);
    else
        publish((struct timeline){0, now.wall_ns - now.mono_ns, 0});
    looks.last = now;
}

uint64_t timeline_due_ns(void)
{
    return looks.has_counter && !timeline_counts() ? looks.due_ns : UINT64_MAX;
}

bool timeline_counts(void)
{
    return atomic_load_explicit(&ns_a_tick, memory_order_relaxed) != 0;
}
