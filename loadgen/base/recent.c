#include "loadgen/base/recent.h"

#include <string.h>

void recent_init(struct recent *recent)
{
    memset(recent, 0, sizeof(*recent));
}

static const struct recent_state *state_at(const struct recent *recent, uint64_t number)
{
    return &recent->states[number % RECENT_STATES];
}

/* The youngest state before the last that is `age_ms` older, or the oldest that is kept. */
static const struct recent_state *state_since(const struct recent *recent, uint64_t age_ms)
{
    uint64_t number = recent->count, now_ms = state_at(recent, number)->elapsed_ms;
    uint64_t oldest = number >= RECENT_STATES ? number - RECENT_STATES + 1 : 0;
    while (number > oldest && now_ms - state_at(recent, number)->elapsed_ms < age_ms)
        number--;
    return state_at(recent, number);
}

/* Buckets below 2^9 ns hold a value each, the others are of equal width by eights: both keep their
 * order and bounds when eight become one. */
static void keep_buckets(const struct histogram *latency, uint32_t *buckets)
{
    memset(buckets, 0, RECENT_BUCKETS * sizeof(*buckets));
    if (latency == NULL || latency->count == 0)
        return;
    size_t last = histogram_index(latency->max_ns);
    for (size_t i = histogram_index(latency->min_ns); i <= last; i++)
        buckets[i / RECENT_FINE_BUCKETS] += (uint32_t)latency->buckets[i];
}

static uint64_t middle_ns(size_t bucket)
{
    uint64_t lowest = histogram_lowest_ns(bucket * RECENT_FINE_BUCKETS);
    uint64_t highest = histogram_highest_ns((bucket + 1) * RECENT_FINE_BUCKETS - 1);
    return lowest + (highest - lowest) / 2;
}

/* Between two states. Counts wrap, their differences do not. */
static uint64_t quantile_ns(const struct recent_state *from, const struct recent_state *to,
                            double q, bool *is_open)
{
    uint64_t known = 0, seen = 0;
    size_t longest = 0, bucket = 0;
    for (size_t i = 0; i < RECENT_BUCKETS; i++) {
        uint32_t count = to->buckets[i] - from->buckets[i];
        known += count;
        longest = count > 0 ? i : longest;
    }
    uint64_t all = known + to->censored - from->censored;
    double exact = q * (double)all;
    uint64_t rank = (uint64_t)exact;
    rank += (double)rank < exact || rank == 0;
    *is_open = all > 0 && rank > known;
    if (known == 0)
        return 0;
    if (*is_open)
        return middle_ns(longest);
    while (bucket < longest && (seen += to->buckets[bucket] - from->buckets[bucket]) < rank)
        bucket++;
    return middle_ns(bucket);
}

void recent_add(struct recent *recent, const struct recent_so_far *so_far)
{
    const struct recent_state *before = state_at(recent, recent->count);
    if (so_far->elapsed_ms < before->elapsed_ms + RECENT_TICK_LEAST_MS ||
        so_far->ended < before->ended)
        return;
    struct recent_state *now = &recent->states[(recent->count + 1) % RECENT_STATES];
    struct recent_tick *tick = &recent->ticks[recent->count % RECENT_TICKS_MAX];
    now->elapsed_ms = so_far->elapsed_ms;
    now->ended = so_far->ended;
    now->failed = so_far->failed;
    now->censored = so_far->censored;
    keep_buckets(so_far->latency, now->buckets);
    tick->rate = (double)(now->ended - before->ended) * 1000 /
                 (double)(now->elapsed_ms - before->elapsed_ms);
    tick->failed = now->failed - before->failed;
    tick->p99_ns = quantile_ns(before, now, 0.99, &tick->is_open);
    recent->count++;
}

size_t recent_tick_count(const struct recent *recent)
{
    return recent->count < RECENT_TICKS_MAX ? (size_t)recent->count : RECENT_TICKS_MAX;
}

const struct recent_tick *recent_tick(const struct recent *recent, size_t index)
{
    uint64_t first = recent->count - recent_tick_count(recent);
    return &recent->ticks[(first + index) % RECENT_TICKS_MAX];
}

double recent_rate(const struct recent *recent)
{
    const struct recent_state *now = state_at(recent, recent->count);
    const struct recent_state *before = state_since(recent, RECENT_RATE_MS);
    if (now->elapsed_ms == before->elapsed_ms)
        return 0;
    return (double)(now->ended - before->ended) * 1000 /
           (double)(now->elapsed_ms - before->elapsed_ms);
}

uint64_t recent_quantile_ns(const struct recent *recent, double q, bool *is_open)
{
    return quantile_ns(state_since(recent, RECENT_WINDOW_MS), state_at(recent, recent->count), q,
                       is_open);
}
