#include "trace/tracing.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "trace/asymmetric.h"
#include "trace/deadline_wait.h"
#include "trace/exporter.h"
#include "trace/hooks.h"
#include "trace/span_batch.h"
#include "trace/span_pool.h"
#include "trace/span_queue.h"
#include "trace/timeline.h"
#include "trace/trace_thread.h"

/* A span takes some 200 to 500 bytes: by default 1 MiB in all. */
enum { POOL_BYTES_A_SPAN = 512, POOL_BLOCKS_MIN = 256 };

enum life { LIFE_OFF, LIFE_ON, LIFE_CHANGING };

/* Nothing of the program's own is called with the lock: a hook may start, flush, shut down or
 * fork. */
static struct {
    pthread_mutex_t lock; /* guards the rest; starts and forks come one after the other */
    pthread_cond_t changed;
    bool has_condition;
    enum life life;
    pthread_t changer; /* while LIFE_CHANGING: who does it, without the lock */
    uint32_t last_generation;
} tracing = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* In turn. A start that chooses what an earlier one did has the same, so that a place is written to
 * anew only after as many that all differ: a thread may still look at it however late. */
enum { POLICIES = 64 };
static struct tracing_policy policies[POLICIES];
static uint32_t policy_count; /* ever chosen, all different from those beside them */
const struct tracing_policy *_Atomic tracing_policy_last = &policies[0];

atomic_bool tracing_gate;
_Atomic uint32_t tracing_generation;
static _Atomic uint32_t first_own_generation;

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

void tracing_export_now(const struct tracing_policy *policy)
{
    (void)exporter_flush(clock_mono_ns() + policy->export_timeout_ns);
}

static void open_gate(uint32_t generation)
{
    atomic_store(&tracing_generation, generation);
    atomic_store_explicit(&tracing_gate, true, memory_order_release);
}

static void close_gate(void)
{
    atomic_store(&tracing_gate, false);
    atomic_store(&tracing_generation, 0);
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

bool tracing_is_inherited(uint32_t generation)
{
    return generation != 0 &&
           generation < atomic_load_explicit(&first_own_generation, memory_order_relaxed);
}

/* A shutdown in which a hook forked goes on in the child too. */
static bool is_own_change(void)
{
    return tracing.life == LIFE_CHANGING && pthread_equal(tracing.changer, pthread_self());
}

static void in_child(void)
{
    close_gate();
    atomic_store(&first_own_generation, tracing.last_generation + 1);
    if (!is_own_change())
        tracing.life = LIFE_OFF;
    if (tracing.has_condition)
        deadline_wait_init(&tracing.changed);
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
    pthread_mutex_lock(&tracing.lock);
    deadline_wait_init(&tracing.changed);
    tracing.has_condition = true;
    pthread_mutex_unlock(&tracing.lock);
}

/* Caller has the lock and gives it up until change_end. */
static void change_begin(void)
{
    tracing.life = LIFE_CHANGING;
    tracing.changer = pthread_self();
    pthread_mutex_unlock(&tracing.lock);
}

static void change_end(void)
{
    pthread_mutex_lock(&tracing.lock);
    tracing.life = LIFE_OFF;
    pthread_cond_broadcast(&tracing.changed);
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
    if (tracing.life == LIFE_ON)
        return error_set(error, STATUS_EXISTS, "tracing was started already");
    if (tracing.life == LIFE_CHANGING)
        return error_set(error, STATUS_BUSY, "tracing is being shut down");
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

static bool has_custom_sampler(const struct sampler *sampler)
{
    for (size_t i = 0; i < SAMPLER_CASES; i++)
        if (sampler->cases[i].kind == SAMPLER_CUSTOM)
            return true;
    return false;
}

static uint32_t next_generation(void)
{
    if (++tracing.last_generation == 0)
        tracing.last_generation = 1;
    return tracing.last_generation;
}

static void fill_policy(const struct tracing_config *config, struct tracing_policy *policy)
{
    memset(policy, 0, sizeof *policy);
    policy->sampler = sampler_of(&config->sampling);
    policy->limits = config->limits;
    policy->ids = config->ids;
    memcpy(policy->processors, config->processors, sizeof config->processors);
    policy->export_timeout_ns = config->batch.timeout_ms * NS_PER_MS;
    policy->exports_at_end = config->exports_at_end;
    policy->has_hooks = policy->processors[0] != NULL || policy->ids != NULL ||
                        has_custom_sampler(&policy->sampler);
}

/* Bytes between members are 0, or else it is one more that differs. */
static bool is_same(const void *one, const void *other)
{
    return memcmp(one, other, sizeof(struct tracing_policy)) == 0;
}

static void choose_policy(const struct tracing_config *config)
{
    struct tracing_policy policy;
    fill_policy(config, &policy);
    size_t kept = policy_count < POLICIES ? policy_count : POLICIES, at = 0;
    while (at < kept && !is_same(&policies[at], &policy))
        at++;
    if (at == kept) {
        at = policy_count++ % POLICIES;
        memcpy(&policies[at], &policy, sizeof policy);
    }
    /* release: see tracing_policy */
    atomic_store_explicit(&tracing_policy_last, &policies[at], memory_order_release);
}

static enum status start(const struct tracing_config *config, struct error *error)
{
    if (!exporter_is_free())
        return error_set(error, STATUS_BUSY, "an exporter thread of before has not ended");
    (void)asymmetric_start();
    timeline_start(!config->plain_clock);
    enum status status = span_pool_start(pool_blocks(config));
    if (status != STATUS_OK)
        return error_set(error, status, "no memory for the span pool");
    choose_policy(config);
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

/* Caller has the lock: what a shutdown that timed out has left is cleared away. */
static void tidy(void)
{
    if (tracing.life != LIFE_OFF || !exporter_has_left())
        return;
    change_begin();
    exporter_tidy();
    change_end();
}

enum status tracing_start(const struct tracing_config *config, struct error *error)
{
    pthread_once(&fork_once, register_fork);
    pthread_mutex_lock(&tracing.lock);
    tidy();
    enum status status = check(config, error);
    if (status == STATUS_OK && !is_off(config))
        status = start(config, error);
    if (status == STATUS_OK) {
        propagation_use(config->propagators);
        tracing.life = LIFE_ON;
        if (!is_off(config))
            open_gate(next_generation());
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

enum status tracing_flush(uint64_t deadline_ns)
{
    if (!tracing_is_on())
        return STATUS_OK;
    enum status status = STATUS_OK;
    uint32_t generation = atomic_load(&tracing_generation);
    const struct tracing_policy *policy = tracing_policy();
    struct trace_thread *thread = trace_thread_self();
    if (policy->has_hooks && hooks_enter(thread, generation)) {
        status = hooks_flush(policy, deadline_ns);
        hooks_leave(thread);
    }
    return worse(status, exporter_flush(deadline_ns));
}

static enum status stop(uint64_t deadline_ns)
{
    const struct tracing_policy *policy = tracing_policy();
    close_gate();
    enum status status = hooks_wait(deadline_ns) ? STATUS_OK : STATUS_TIMEOUT;
    status = worse(status, hooks_flush(policy, deadline_ns));
    hooks_shutdown(policy, deadline_ns);
    return worse(status, exporter_stop(deadline_ns));
}

/* Caller has the lock. */
static enum status wait_for_change(uint64_t deadline_ns)
{
    if (is_own_change())
        return STATUS_BUSY;
    while (tracing.life == LIFE_CHANGING && clock_mono_ns() < deadline_ns)
        deadline_wait(&tracing.changed, &tracing.lock, deadline_ns);
    return tracing.life == LIFE_CHANGING ? STATUS_TIMEOUT : STATUS_OK;
}

enum status tracing_shutdown(uint64_t deadline_ns)
{
    pthread_mutex_lock(&tracing.lock);
    tidy();
    enum status status = wait_for_change(deadline_ns);
    if (tracing.life == LIFE_ON && tracing_is_on()) {
        change_begin();
        status = stop(deadline_ns);
        change_end();
    } else if (tracing.life == LIFE_ON) { /* a disabled one */
        tracing.life = LIFE_OFF;
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
    stats.dropped_shutdown = totals[TRACE_LATE];
    stats.uncarried = totals[TRACE_UNCARRIED];
    return stats;
}

const char *tracing_exporter_stats(size_t index, struct span_exporter_stats *stats)
{
    return exporter_stats_of(index, stats);
}
