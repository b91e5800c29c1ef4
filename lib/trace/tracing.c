#include "trace/tracing.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "trace/asymmetric.h"
#include "trace/exporter.h"
#include "trace/span_batch.h"
#include "trace/span_pool.h"
#include "trace/span_queue.h"
#include "trace/timeline.h"
#include "trace/trace_thread.h"

/* A span takes some 200 to 500 bytes: by default 1 MiB in all. */
enum { POOL_BYTES_A_SPAN = 512, POOL_BLOCKS_MIN = 256 };

static struct {
    pthread_mutex_t lock; /* starts, shutdowns and forks come one after the other */
    bool is_started;
} tracing = {.lock = PTHREAD_MUTEX_INITIALIZER};

atomic_bool tracing_gate;
struct tracing_policy tracing_policy;

static pthread_once_t fork_once = PTHREAD_ONCE_INIT;
static pthread_once_t exit_once = PTHREAD_ONCE_INIT;
static const uint64_t exit_ns = 2 * NS_PER_S; /* what a program that just ends waits at the most */

void tracing_wake(void)
{
    exporter_wake();
}

void tracing_press(void)
{
    if (tracing_is_on())
        exporter_press();
}

/* ---- fork: the child has no exporter and must not send its parent's spans again. It records
 * nothing until it calls tracing_start itself. */

static void before_fork(void)
{
    pthread_mutex_lock(&tracing.lock);
    exporter_before_fork();
    trace_thread_before_fork();
}

static void in_parent(void)
{
    trace_thread_after_fork(false);
    exporter_after_fork(false);
    pthread_mutex_unlock(&tracing.lock);
}

static atomic_bool forked;

bool tracing_is_forked(void)
{
    return atomic_load_explicit(&forked, memory_order_relaxed);
}

static void in_child(void)
{
    atomic_store(&forked, true);
    atomic_store(&tracing_gate, false);
    tracing.is_started = false;
    trace_thread_after_fork(true);
    exporter_after_fork(true);
    span_queue_forget();
    span_pool_forget();
    pthread_mutex_unlock(&tracing.lock);
}

static void register_fork(void)
{
    /* Fails only for want of memory at the first start; forks are then as unsafe as without it. */
    (void)pthread_atfork(before_fork, in_parent, in_child);
}

/* ---- provider */

static size_t pool_blocks(const struct tracing_config *config)
{
    size_t blocks = (size_t)config->batch.queue_count * POOL_BYTES_A_SPAN / SPAN_BLOCK_BYTES;
    blocks = blocks > POOL_BLOCKS_MIN ? blocks : POOL_BLOCKS_MIN;
    return blocks < SPAN_POOL_BLOCKS_MAX ? blocks : SPAN_POOL_BLOCKS_MAX;
}

static enum status check(const struct tracing_config *config, struct error *error)
{
    if (tracing.is_started)
        return error_set(error, STATUS_EXISTS, "tracing was started already");
    if (config->batch.batch_count == 0 || config->batch.batch_count > config->batch.queue_count ||
        config->batch.batch_count > SPAN_BATCH_COUNT_MAX)
        return error_set(error, STATUS_INVALID,
                         "queue of %u spans, batches of %u: want 0 < batch <= queue, batch <= %d",
                         config->batch.queue_count, config->batch.batch_count,
                         SPAN_BATCH_COUNT_MAX);
    const struct sampling *sampling = &config->sampling;
    const struct sampler_rule *rules[] = {&sampling->root, &sampling->remote_sampled,
                                          &sampling->remote_unsampled, &sampling->local_sampled,
                                          &sampling->local_unsampled};
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (!(rules[i]->ratio >= 0 && rules[i]->ratio <= 1))
            return error_set(error, STATUS_INVALID, "sampler ratio %g: want 0 to 1",
                             rules[i]->ratio);
        if (rules[i]->kind == SAMPLER_CUSTOM && rules[i]->custom == NULL)
            return error_set(error, STATUS_INVALID, "a custom sampler is missing");
    }
    return STATUS_OK;
}

static enum status start(const struct tracing_config *config, struct error *error)
{
    (void)asymmetric_start();
    timeline_start(!config->plain_clock);
    enum status status = span_pool_start(pool_blocks(config));
    if (status != STATUS_OK)
        return error_set(error, status, "no memory for the span pool");
    tracing_policy = (struct tracing_policy){
        .sampler = sampler_of(&config->sampling),
        .limits = config->limits,
        .ids = config->ids,
        .exports_at_end = config->exports_at_end,
        .export_timeout_ns = config->batch.timeout_ms * NS_PER_MS,
    };
    memcpy(tracing_policy.processors, config->processors, sizeof config->processors);
    span_queue_configure(config->batch.queue_count, config->batch.batch_count);
    trace_thread_reset_totals();
    return exporter_start(config, error);
}

/* Nobody would get a span. */
static bool is_off(const struct tracing_config *config)
{
    return config->disabled || (config->exporters == 0 && config->more_exporters[0] == NULL &&
                                config->processors[0] == NULL);
}

static void at_exit(void)
{
    (void)tracing_shutdown(clock_mono_ns() + exit_ns);
}

static void register_exit(void)
{
    (void)atexit(
        at_exit); /* for want of memory: a program then shuts down itself, or loses spans */
}

enum status tracing_start(const struct tracing_config *config, struct error *error)
{
    pthread_once(&fork_once, register_fork);
    pthread_mutex_lock(&tracing.lock);
    enum status status = check(config, error);
    if (status == STATUS_OK && !is_off(config))
        status = start(config, error);
    if (status == STATUS_OK)
        propagation_use(config->propagators);
    if (status == STATUS_OK) {
        tracing.is_started = true;
        atomic_store(&forked, false);
        atomic_store_explicit(&tracing_gate, !is_off(config), memory_order_release);
    }
    pthread_mutex_unlock(&tracing.lock);
    /* After the exporters, so that it runs before the handlers of what they use. */
    pthread_once(&exit_once, register_exit);
    return status;
}

/* The first that did not go well. */
static enum status worse(enum status first, enum status second)
{
    return first != STATUS_OK ? first : second;
}

static enum status flush_processors(uint64_t deadline_ns)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; tracing_policy.processors[i] != NULL; i++) {
        const struct span_processor *one = tracing_policy.processors[i];
        if (one->flush != NULL)
            status = worse(status, one->flush(one->self, deadline_ns));
    }
    return status;
}

static void shut_processors(uint64_t deadline_ns)
{
    for (size_t i = 0; tracing_policy.processors[i] != NULL; i++) {
        const struct span_processor *one = tracing_policy.processors[i];
        if (one->shutdown != NULL)
            one->shutdown(one->self, deadline_ns);
    }
}

enum status tracing_flush(uint64_t deadline_ns)
{
    if (!tracing_is_on())
        return STATUS_OK;
    enum status status = flush_processors(deadline_ns);
    return worse(status, exporter_flush(deadline_ns));
}

enum status tracing_shutdown(uint64_t deadline_ns)
{
    enum status status = STATUS_OK;
    pthread_mutex_lock(&tracing.lock);
    if (tracing.is_started) {
        atomic_store(&tracing_gate, false);
        status = flush_processors(deadline_ns);
        shut_processors(deadline_ns);
        status = worse(status, exporter_stop(deadline_ns));
        tracing.is_started = false;
    }
    pthread_mutex_unlock(&tracing.lock);
    return status;
}

struct tracing_stats tracing_stats(void)
{
    struct tracing_stats stats = {0};
    uint64_t totals[TRACE_COUNTERS];
    exporter_stats(&stats);
    trace_thread_totals(totals);
    uint32_t credit = trace_thread_credit();
    stats.queued -= stats.queued < credit ? stats.queued : credit;
    stats.started = totals[TRACE_STARTED];
    stats.unsampled = totals[TRACE_UNSAMPLED];
    stats.ended = totals[TRACE_ENDED];
    stats.dropped_queue_full = totals[TRACE_DROPPED];
    stats.limited = totals[TRACE_LIMITED];
    return stats;
}

const char *tracing_exporter_stats(size_t index, struct span_exporter_stats *stats)
{
    return exporter_stats_of(index, stats);
}
