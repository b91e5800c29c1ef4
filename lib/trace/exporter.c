#include "trace/exporter.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/wire.h"
#include "trace/exporters.h"
#include "trace/losses.h"
#include "trace/resource.h"
#include "trace/span_batch.h"
#include "trace/timeline.h"
#include "trace/trace_thread.h"

static const uint64_t grace_ns = 250 * NS_PER_MS; /* to fail what goes on at a deadline */

/* Producers press when they drop; a press that brought nothing to export waits for the delay. */
enum press { PRESS_NONE, PRESS_PENDING, PRESS_SEEN };

enum { ROUND_BATCHES = 16 };

enum wake_reason { WAKE_BATCH, WAKE_DELAY, WAKE_FLUSH, WAKE_PRESS };

static struct {
    pthread_mutex_t lock; /* guards the six below */
    pthread_cond_t work, done;
    bool stopping;
    bool has_ended;
    uint64_t flush_wanted, flush_done;
    enum status flush_status; /* of the exporters' own flush */

    bool has_thread; /* of start, stop and fork, which are serial */
    bool is_abandoned;
    pthread_t thread;

    /* The thread's own while it runs. */
    struct exporters exporters; /* figures: under the lock */
    struct span_batch batch;
    uint8_t resource[RESOURCE_MAX];
    size_t resource_bytes;
    uint32_t batch_count;
    _Atomic uint32_t queue_count; /* its bound, for who asks */
    uint64_t delay_ns;

    _Atomic int press; /* enum press */
    _Atomic uint32_t inflight;
} exporter = {.lock = PTHREAD_MUTEX_INITIALIZER};

static _Thread_local bool is_exporter_thread;

static struct timespec timespec_of(uint64_t mono_ns)
{
    return (struct timespec){(time_t)(mono_ns / NS_PER_S), (long)(mono_ns % NS_PER_S)};
}

/* ---- batches */

static uint32_t export_one(void)
{
    uint32_t count = span_batch_build(&exporter.batch, exporter.resource, exporter.resource_bytes);
    if (count == 0)
        return 0;
    atomic_store(&exporter.inflight, count);
    span_queue_taken(count);
    struct text otlp = {(const char *)exporter.batch.bytes, exporter.batch.length_bytes};
    exporters_export(&exporter.exporters, otlp, count);
    atomic_store(&exporter.inflight, 0);
    return count;
}

/* ---- the thread */

static bool batch_waits(void)
{
    return span_queue_count() >= exporter.batch_count;
}

static bool is_pressed(void)
{
    return atomic_load(&exporter.press) == PRESS_PENDING;
}

/* Caller has the lock. Wakes in between to look at the clocks. */
static void sleep_until(uint64_t deadline_ns)
{
    uint64_t due_ns = timeline_due_ns();
    struct timespec until = timespec_of(due_ns < deadline_ns ? due_ns : deadline_ns);
    pthread_cond_timedwait(&exporter.work, &exporter.lock, &until);
    if (clock_mono_ns() >= due_ns)
        timeline_refresh();
}

/* Sleeps until there is a reason to export. *flush: up to which request. */
static enum wake_reason wait_for_work(uint64_t deadline_ns, uint64_t *flush)
{
    enum wake_reason reason = WAKE_DELAY;
    pthread_mutex_lock(&exporter.lock);
    while (!exporter.stopping && exporter.flush_wanted == exporter.flush_done && !batch_waits() &&
           !is_pressed() && clock_mono_ns() < deadline_ns)
        sleep_until(deadline_ns);
    if (exporter.stopping || exporter.flush_wanted != exporter.flush_done)
        reason = WAKE_FLUSH;
    else if (is_pressed())
        reason = WAKE_PRESS;
    else if (batch_waits())
        reason = WAKE_BATCH;
    *flush = exporter.flush_wanted;
    pthread_mutex_unlock(&exporter.lock);
    return reason;
}

static void finish_flush(uint64_t flush)
{
    enum status status =
        exporters_flush(&exporter.exporters, clock_mono_ns() + exporter.exporters.timeout_ns);
    pthread_mutex_lock(&exporter.lock);
    exporter.flush_status = status;
    exporter.flush_done = flush;
    pthread_cond_broadcast(&exporter.done);
    pthread_mutex_unlock(&exporter.lock);
}

static void collect(void)
{
    trace_thread_seal_all();
    span_batch_add(&exporter.batch, span_queue_take());
}

/* Somebody waits for more than full batches. */
static bool is_asked(void)
{
    pthread_mutex_lock(&exporter.lock);
    bool asked = exporter.stopping || exporter.flush_wanted != exporter.flush_done;
    pthread_mutex_unlock(&exporter.lock);
    return asked;
}

/* Full batches alone; the rest waits for the deadline. Some at a time: whoever flushes must get
 * in, and clocks and losses be looked at, however fast spans come. */
static void export_full(void)
{
    for (int i = 0; i < ROUND_BATCHES && exporter.batch.waiting_count >= exporter.batch_count &&
                    !is_asked() && export_one() > 0;
         i++)
        collect();
}

/* All that waits now; what ends meanwhile is the next round's. */
static void export_all(void)
{
    uint32_t left = span_queue_count(), count;
    while (left > 0 && (count = export_one()) > 0)
        left -= count < left ? count : left;
}

static void export_round(enum wake_reason reason)
{
    bool pressed = atomic_exchange(&exporter.press, PRESS_NONE) == PRESS_PENDING;
    collect();
    if (pressed && reason == WAKE_PRESS && exporter.batch.first == NULL)
        atomic_store(&exporter.press, PRESS_SEEN);
    if (reason == WAKE_BATCH)
        export_full();
    else
        export_all();
}

static bool is_stopping(void)
{
    pthread_mutex_lock(&exporter.lock);
    bool stopping = exporter.stopping;
    pthread_mutex_unlock(&exporter.lock);
    return stopping;
}

static void *run(void *unused)
{
    uint64_t next_ns = clock_mono_ns() + exporter.delay_ns, flush;
    (void)unused;
    is_exporter_thread = true;
    (void)pthread_setname_np(pthread_self(), "span-exporter");
    while (!is_stopping()) {
        enum wake_reason reason = wait_for_work(next_ns, &flush);
        timeline_refresh();
        export_round(reason);
        losses_log();
        if (reason == WAKE_FLUSH)
            finish_flush(flush);
        if (reason != WAKE_BATCH || clock_mono_ns() >= next_ns)
            next_ns = clock_mono_ns() + exporter.delay_ns;
    }
    export_round(WAKE_FLUSH);
    (void)exporters_flush(&exporter.exporters, atomic_load(&exporter.exporters.limit_ns));
    pthread_mutex_lock(&exporter.lock);
    exporter.has_ended = true;
    exporter.flush_done = exporter.flush_wanted;
    pthread_cond_broadcast(&exporter.done);
    pthread_mutex_unlock(&exporter.lock);
    return NULL;
}

/* ---- from outside */

void exporter_wake(void)
{
    pthread_mutex_lock(&exporter.lock);
    pthread_cond_signal(&exporter.work);
    pthread_mutex_unlock(&exporter.lock);
}

void exporter_press(void)
{
    int none = PRESS_NONE;
    if (atomic_load_explicit(&exporter.press, memory_order_relaxed) == PRESS_NONE &&
        atomic_compare_exchange_strong(&exporter.press, &none, PRESS_PENDING))
        exporter_wake();
}

/* Conditions wait on the monotonic clock. Made anew at every start: a fork's child cannot know in
 * what state it found them. */
static void make_conditions(void)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&exporter.work, &attributes);
    pthread_cond_init(&exporter.done, &attributes);
    pthread_condattr_destroy(&attributes);
}

static void reset(const struct tracing_config *config)
{
    exporter.stopping = exporter.has_ended = false;
    exporter.flush_wanted = exporter.flush_done = 0;
    exporter.flush_status = STATUS_OK;
    exporter.batch_count = config->batch.batch_count;
    exporter.queue_count = config->batch.queue_count;
    exporter.delay_ns = config->batch.delay_ms * NS_PER_MS;
    losses_reset();
    atomic_store(&exporter.press, PRESS_NONE);
}

static void build_resource(const struct tracing_config *config)
{
    struct wire_writer writer = {exporter.resource, exporter.resource + sizeof exporter.resource,
                                 false};
    if (resource_encode(config, &writer) != STATUS_OK)
        log_event(LOG_WARN, LOG_NO_IDS, "discarding the resource attributes of the environment",
                  LOG_TEXT("value", config->resource_attributes));
    exporter.resource_bytes = (size_t)(writer.at - exporter.resource);
}

/* The host program's signals are not for this thread. */
static enum status start_thread(struct error *error)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&exporter.thread, NULL, run, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code != 0)
        return error_set(error, STATUS_NO_MEMORY, "cannot start the exporter thread");
    exporter.has_thread = true;
    return STATUS_OK;
}

static void release(void)
{
    exporters_release(&exporter.exporters, false);
    span_batch_release(&exporter.batch);
}

enum status exporter_start(const struct tracing_config *config, struct error *error)
{
    if (exporter.is_abandoned)
        return error_set(error, STATUS_BUSY, "an exporter thread of before has not ended");
    reset(config);
    make_conditions();
    build_resource(config);
    pthread_mutex_lock(&exporter.lock);
    enum status status = exporters_init(&exporter.exporters, OTLP_TRACES, config, error);
    pthread_mutex_unlock(&exporter.lock);
    if (status != STATUS_OK)
        return status;
    status = span_batch_init(&exporter.batch, exporter.batch_count);
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
    struct timespec until = timespec_of(deadline_ns);
    while (*counter < least && !exporter.has_ended && clock_mono_ns() < deadline_ns)
        pthread_cond_timedwait(&exporter.done, &exporter.lock, &until);
    return *counter >= least || exporter.has_ended;
}

enum status exporter_flush(uint64_t deadline_ns)
{
    if (is_exporter_thread) /* an exporter that ends a span of its own: it cannot wait for itself */
        return STATUS_BUSY;
    uint64_t failed = atomic_load(&exporter.exporters.failed);
    pthread_mutex_lock(&exporter.lock);
    uint64_t mine = ++exporter.flush_wanted;
    pthread_cond_signal(&exporter.work);
    bool done = wait_done(&exporter.flush_done, mine, deadline_ns);
    enum status status = exporter.flush_status;
    pthread_mutex_unlock(&exporter.lock);
    if (!done)
        return STATUS_TIMEOUT;
    if (status != STATUS_OK)
        return status;
    return atomic_load(&exporter.exporters.failed) == failed ? STATUS_OK : STATUS_IO;
}

/* What ended too late, or was left when the time was over. */
static void drop_rest(void)
{
    uint32_t count;
    collect();
    while ((count = span_batch_build(&exporter.batch, exporter.resource, exporter.resource_bytes)) >
           0) {
        span_queue_taken(count);
        exporters_drop(&exporter.exporters, count);
    }
}

enum status exporter_stop(uint64_t deadline_ns)
{
    if (!exporter.has_thread)
        return STATUS_OK;
    uint64_t failed = atomic_load(&exporter.exporters.failed), never = 0;
    exporters_stop(&exporter.exporters, deadline_ns);
    pthread_mutex_lock(&exporter.lock);
    exporter.stopping = true;
    pthread_cond_signal(&exporter.work);
    bool ended = wait_done(&never, 1, deadline_ns + grace_ns);
    pthread_mutex_unlock(&exporter.lock);
    exporter.has_thread = false;
    if (!ended) {
        pthread_detach(exporter.thread);
        exporter.is_abandoned = true;
        return STATUS_TIMEOUT;
    }
    pthread_join(exporter.thread, NULL);
    drop_rest();
    exporters_shutdown(&exporter.exporters, deadline_ns);
    release();
    return atomic_load(&exporter.exporters.failed) == failed ? STATUS_OK : STATUS_IO;
}

void exporter_stats(struct tracing_stats *stats)
{
    pthread_mutex_lock(&exporter.lock);
    exporters_stats(&exporter.exporters, stats);
    pthread_mutex_unlock(&exporter.lock);
    stats->inflight = atomic_load(&exporter.inflight);
    stats->queued = span_queue_count() + stats->inflight;
    stats->queue_capacity = exporter.queue_count;
}

const char *exporter_stats_of(size_t index, struct span_exporter_stats *stats)
{
    pthread_mutex_lock(&exporter.lock);
    const char *name = exporters_stats_of(&exporter.exporters, index, stats);
    pthread_mutex_unlock(&exporter.lock);
    return name;
}

void exporter_before_fork(void)
{
    pthread_mutex_lock(&exporter.lock);
}

void exporter_after_fork(bool is_child)
{
    pthread_mutex_unlock(&exporter.lock);
    if (is_child)
        exporter.is_abandoned = false;
    if (!is_child || !exporter.has_thread)
        return;
    exporter.has_thread = false;
    exporters_release(&exporter.exporters, true);
    span_batch_release(&exporter.batch);
    exporter.batch = (struct span_batch){0};
    atomic_store(&exporter.inflight, 0);
}
