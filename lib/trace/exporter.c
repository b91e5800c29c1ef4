#include "trace/exporter_inner.h"

#include <sched.h>
#include <signal.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/wire.h"
#include "trace/deadline_wait.h"
#include "trace/losses.h"
#include "trace/span_batch.h"

static const uint64_t grace_ns = 250 * NS_PER_MS; /* to fail what goes on at a deadline */

struct exporter_state exporter_own = {.lock = PTHREAD_MUTEX_INITIALIZER,
                                      .figures = PTHREAD_MUTEX_INITIALIZER};

static pthread_once_t conditions_once = PTHREAD_ONCE_INIT;

void exporter_wake(void)
{
    /* It has seen what there is, or waits: woken without the lock, it finds that free. */
    pthread_mutex_lock(&exporter_own.lock);
    pthread_mutex_unlock(&exporter_own.lock);
    pthread_cond_signal(&exporter_own.work);
}

void exporter_press(void)
{
    int none = PRESS_NONE;
    if (atomic_load_explicit(&exporter_own.press, memory_order_relaxed) == PRESS_NONE &&
        atomic_compare_exchange_strong(&exporter_own.press, &none, PRESS_PENDING))
        exporter_wake();
}

static void make_conditions(void)
{
    deadline_wait_init(&exporter_own.work);
    deadline_wait_init(&exporter_own.done);
}

/* Whoever still waits for a flush of before has had it: nothing is set back under a waiter. */
static void reset(const struct tracing_config *config)
{
    pthread_mutex_lock(&exporter_own.lock);
    exporter_own.stopping = exporter_own.has_ended = false;
    exporter_own.flush_done = exporter_own.flush_wanted;
    exporter_own.flush_status = STATUS_OK;
    pthread_mutex_unlock(&exporter_own.lock);
    exporter_own.batch_count = config->batch.batch_count;
    exporter_own.queue_count = config->batch.queue_count;
    exporter_own.delay_ns = config->batch.delay_ms * NS_PER_MS;
    exporter_own.wake_count = exporter_own.delay_ns > 0 ? exporter_own.batch_count : 1;
    span_queue_configure(config->batch.queue_count, exporter_own.wake_count);
    losses_reset();
    atomic_store(&exporter_own.press, PRESS_NONE);
}

static void build_resource(const struct tracing_config *config)
{
    struct wire_writer writer = {exporter_own.resource,
                                 exporter_own.resource + sizeof exporter_own.resource, false};
    if (resource_encode(config, &writer) != STATUS_OK)
        log_event(LOG_WARN, LOG_NO_IDS, "discarding the resource attributes of the environment",
                  LOG_TEXT("value", config->resource_attributes));
    exporter_own.resource_bytes = (size_t)(writer.at - exporter_own.resource);
}

/* The host program's signals are not for this thread. */
static enum status start_thread(struct error *error)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&exporter_own.thread, NULL, exporter_thread_run, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code != 0)
        return error_set(error, STATUS_NO_MEMORY, "cannot start the exporter thread");
    exporter_own.has_thread = true;
    return STATUS_OK;
}

static void release(void)
{
    exporters_release(&exporter_own.exporters, false);
    span_batch_release(&exporter_own.batch);
}

enum status exporter_start(const struct tracing_config *config, struct error *error)
{
    pthread_once(&conditions_once, make_conditions);
    reset(config);
    build_resource(config);
    pthread_mutex_lock(&exporter_own.figures);
    enum status status = exporters_init(&exporter_own.exporters, OTLP_TRACES, config, error);
    pthread_mutex_unlock(&exporter_own.figures);
    if (status != STATUS_OK)
        return status;
    status = span_batch_init(&exporter_own.batch, exporter_own.batch_count);
    if (status != STATUS_OK)
        error_set(error, status, "no memory for batches");
    else
        status = start_thread(error);
    if (status != STATUS_OK)
        release();
    return status;
}

/* Caller has the lock. false: the deadline passed. */
static bool wait_done(const uint64_t *counter, uint64_t least, uint64_t deadline_ns)
{
    while (*counter < least && !exporter_own.has_ended && clock_mono_ns() < deadline_ns)
        deadline_wait(&exporter_own.done, &exporter_own.lock, deadline_ns);
    return *counter >= least || exporter_own.has_ended;
}

enum status exporter_flush(uint64_t deadline_ns)
{
    if (exporter_thread_is_own) /* an exporter that ends a span of its own: it cannot wait for
                                   itself */
        return STATUS_BUSY;
    uint64_t failed = atomic_load(&exporter_own.exporters.failed);
    pthread_mutex_lock(&exporter_own.lock);
    uint64_t mine = ++exporter_own.flush_wanted;
    pthread_cond_signal(&exporter_own.work);
    bool done = wait_done(&exporter_own.flush_done, mine, deadline_ns);
    enum status status = exporter_own.flush_status;
    pthread_mutex_unlock(&exporter_own.lock);
    if (!done)
        return STATUS_TIMEOUT;
    if (status != STATUS_OK)
        return status;
    return atomic_load(&exporter_own.exporters.failed) == failed ? STATUS_OK : STATUS_IO;
}

static void drop_some(void)
{
    uint32_t count;
    exporter_thread_collect();
    while ((count = span_batch_build(&exporter_own.batch, exporter_own.resource,
                                     exporter_own.resource_bytes)) > 0) {
        span_queue_taken(count);
        exporters_drop(&exporter_own.exporters, count);
    }
}

/* What ended too late, or was left when the time was over; also what a thread has a place for and
 * is about to put. */
static void drop_rest(void)
{
    uint64_t deadline_ns = clock_mono_ns() + grace_ns;
    span_queue_close();
    drop_some();
    while (span_queue_count() > 0 && clock_mono_ns() < deadline_ns) {
        sched_yield();
        drop_some();
    }
}

/* After the thread has ended. */
static void take_in(uint64_t deadline_ns)
{
    pthread_join(exporter_own.thread, NULL);
    drop_rest();
    exporters_shutdown(&exporter_own.exporters, deadline_ns);
    release();
}

enum status exporter_stop(uint64_t deadline_ns)
{
    if (!exporter_own.has_thread)
        return STATUS_OK;
    uint64_t failed = atomic_load(&exporter_own.exporters.failed), never = 0;
    exporters_stop(&exporter_own.exporters, deadline_ns);
    pthread_mutex_lock(&exporter_own.lock);
    exporter_own.stopping = true;
    pthread_cond_signal(&exporter_own.work);
    bool ended = wait_done(&never, 1, deadline_ns + grace_ns);
    pthread_mutex_unlock(&exporter_own.lock);
    if (!exporter_own.has_thread) /* one of them forked, and this is the child */
        return STATUS_OK;
    exporter_own.has_thread = false;
    exporter_own.has_left = !ended;
    if (!ended)
        return STATUS_TIMEOUT;
    take_in(deadline_ns);
    return atomic_load(&exporter_own.exporters.failed) == failed ? STATUS_OK : STATUS_IO;
}

bool exporter_has_left(void)
{
    pthread_mutex_lock(&exporter_own.lock);
    bool ended = exporter_own.has_ended;
    pthread_mutex_unlock(&exporter_own.lock);
    return exporter_own.has_left && ended;
}

bool exporter_is_free(void)
{
    return !exporter_own.has_left;
}

void exporter_tidy(void)
{
    exporter_own.has_left = false;
    take_in(clock_mono_ns() + grace_ns);
}

void exporter_stats(struct tracing_stats *stats)
{
    pthread_mutex_lock(&exporter_own.figures);
    exporters_stats(&exporter_own.exporters, stats);
    pthread_mutex_unlock(&exporter_own.figures);
    stats->inflight = atomic_load(&exporter_own.inflight);
    stats->queued = span_queue_count() + stats->inflight;
    stats->queue_capacity = exporter_own.queue_count;
}

const char *exporter_stats_of(size_t index, struct span_exporter_stats *stats)
{
    pthread_mutex_lock(&exporter_own.figures);
    const char *name = exporters_stats_of(&exporter_own.exporters, index, stats);
    pthread_mutex_unlock(&exporter_own.figures);
    return name;
}

void exporter_before_fork(void)
{
    pthread_mutex_lock(&exporter_own.lock);
}

/* Whatever the parent's exporters hold is the parent's, and so are the figures. */
static void forget(void)
{
    if (exporter_own.has_thread || exporter_own.has_left) {
        exporters_release(&exporter_own.exporters, true);
        span_batch_release(&exporter_own.batch);
    }
    exporter_own.has_thread = exporter_own.has_left = false;
    exporter_own.has_ended = true; /* for a stop in which a hook forked */
    exporter_own.batch = (struct span_batch){0};
    exporter_own.exporters = (struct exporters){0};
    atomic_store(&exporter_own.queue_count, 0);
    atomic_store(&exporter_own.inflight, 0);
    pthread_mutex_init(&exporter_own.figures, NULL);
    make_conditions();
}

void exporter_after_fork(bool is_child)
{
    pthread_mutex_unlock(&exporter_own.lock);
    if (is_child)
        forget();
}
