#include "services/collector/counters.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "services/collector/batch.h"

enum { NAME_MAX_BYTES = 128 };

static const struct {
    const char *key, *help;
} rows[COUNTER_COUNT] = {
#define COUNTERS_ROW(name, key, help) {key, help},
    COUNTERS_LIST(COUNTERS_ROW)
#undef COUNTERS_ROW
};

void counters_init(struct counters *counters)
{
    for (size_t i = 0; i < COUNTER_COUNT; i++)
        atomic_init(&counters->values[i], 0);
    pthread_mutex_init(&counters->lock, NULL);
    histogram_clear(&counters->latency);
}

void counters_release(struct counters *counters)
{
    pthread_mutex_destroy(&counters->lock);
}

/* Relaxed: figures for people; nothing else is read on their strength. */
void counters_add(struct counters *counters, enum counter which, uint64_t more)
{
    atomic_fetch_add_explicit(&counters->values[which], more, memory_order_relaxed);
}

uint64_t counters_get(const struct counters *counters, enum counter which)
{
    return atomic_load_explicit(&counters->values[which], memory_order_relaxed);
}

void counters_add_latency(struct counters *counters, const struct batch *batch, uint64_t now_ns)
{
    pthread_mutex_lock(&counters->lock);
    for (size_t i = 0; i < batch->count; i++) {
        const uint64_t end_ns = batch->spans[i].end_ns;
        histogram_add(&counters->latency, end_ns < now_ns ? now_ns - end_ns : 0);
    }
    pthread_mutex_unlock(&counters->lock);
}

void counters_write(const struct counters *counters, struct json_writer *writer)
{
    for (size_t i = 0; i < COUNTER_COUNT; i++)
        json_field_u64(writer, rows[i].key, counters_get(counters, (enum counter)i));
}

static double ms_of(uint64_t ns)
{
    return (double)ns / (double)NS_PER_MS;
}

static void write_buckets(const struct histogram *latency, struct json_writer *writer)
{
    uint64_t sum = 0;
    json_key(writer, "buckets");
    json_begin_array(writer);
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (latency->buckets[i] == 0)
            continue;
        sum += latency->buckets[i];
        json_begin_array(writer);
        json_fixed(writer, ms_of(histogram_highest_ns(i)), 6);
        json_u64(writer, sum);
        json_end_array(writer);
    }
    json_end_array(writer);
}

void counters_write_latency(struct counters *counters, struct json_writer *writer)
{
    static const struct {
        const char *key;
        double quantile;
    } quantiles[] = {{"p50_ms", 0.5}, {"p90_ms", 0.9}, {"p99_ms", 0.99}};
    struct histogram *copy = malloc(sizeof(*copy)); /* too big for a connection's stack */
    if (!copy) {
        json_nil(writer);
        return;
    }
    pthread_mutex_lock(&counters->lock);
    *copy = counters->latency;
    pthread_mutex_unlock(&counters->lock);
    json_begin_object(writer);
    json_field_u64(writer, "count", copy->count);
    for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++)
        json_field_fixed(writer, quantiles[i].key,
                         ms_of(histogram_quantile_ns(copy, quantiles[i].quantile)), 3);
    json_field_fixed(writer, "max_ms", ms_of(copy->max_ns), 3);
    write_buckets(copy, writer);
    json_end_object(writer);
    free(copy);
}

void counters_write_metrics(const struct counters *counters, const struct metrics_text *text)
{
    for (size_t i = 0; i < COUNTER_COUNT; i++) {
        char name[NAME_MAX_BYTES];
        snprintf(name, sizeof(name), "collector_%s_total", rows[i].key);
        metrics_text_family(text, name, METRICS_COUNTER, rows[i].help);
        metrics_text_u64(text, name, "", counters_get(counters, (enum counter)i));
    }
}
