/* What a run was like lately: for each of its last ticks the rate, the failures and the 99th
 * percentile, and quantiles over the last seconds. Fed with what was counted since the start; the
 * differences are its own work. Latencies are kept in buckets of 5 sub-bucket bits (at most 1.6 %
 * off the middle). Pure; plain value of about 100 KB; never allocates. One thread. */
#ifndef CULPRIT_LOADGEN_BASE_RECENT_H
#define CULPRIT_LOADGEN_BASE_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/histogram.h"

enum {
    RECENT_TICKS_MAX = 120,
    RECENT_TICK_LEAST_MS = 200, /* what comes sooner is counted in the next one */
    RECENT_WINDOW_MS = 5000,    /* what quantiles are over */
    RECENT_RATE_MS = 1000,      /* what rates are over; both longer where ticks are rare */
    RECENT_STATES = RECENT_WINDOW_MS / RECENT_TICK_LEAST_MS + 1,
    RECENT_FINE_BUCKETS = 8, /* of the histogram in one of these */
    RECENT_BUCKETS = HISTOGRAM_BUCKETS / RECENT_FINE_BUCKETS,
};

/* Since the start. */
struct recent_so_far {
    uint64_t elapsed_ms;
    uint64_t ended, failed;          /* flows */
    uint64_t censored;               /* requests of unknown latency: above all others */
    const struct histogram *latency; /* of the rest; NULL: not known */
};

struct recent_tick {
    double rate; /* that ended, a second */
    uint64_t failed;
    uint64_t p99_ns; /* 0: nothing ended */
    bool is_open;    /* p99_ns: above this */
};

struct recent_state {
    uint64_t elapsed_ms, ended, failed, censored;
    uint32_t buckets[RECENT_BUCKETS];
};

struct recent {
    struct recent_state states[RECENT_STATES]; /* a ring: state n is at n % RECENT_STATES */
    struct recent_tick ticks[RECENT_TICKS_MAX];
    uint64_t count; /* of ticks so far; state 0 is the start, state n follows tick n - 1 */
};

void recent_init(struct recent *recent);
void recent_add(struct recent *recent, const struct recent_so_far *so_far);

/* How many ticks are kept, and one of them: 0 is the oldest kept. */
size_t recent_tick_count(const struct recent *recent);
const struct recent_tick *recent_tick(const struct recent *recent, size_t index);

/* Flows that ended, a second, lately. */
double recent_rate(const struct recent *recent);

/* Nearest rank over the window, q of 1: the longest; *is_open: it falls among those of unknown
 * latency, and the value (the longest that is known) is its lower bound. 0 while empty. */
uint64_t recent_quantile_ns(const struct recent *recent, double q, bool *is_open);

#endif
