#include "trace/exporter_inner.h"

#include "base/clock.h"
#include "trace/deadline_wait.h"
#include "trace/losses.h"
#include "trace/timeline.h"
#include "trace/trace_thread.h"

enum { ROUND_BATCHES = 16 };

enum wake_reason { WAKE_BATCH, WAKE_DELAY, WAKE_FLUSH, WAKE_PRESS };

_Thread_local bool exporter_thread_is_own;

/* ---- batches */

static uint32_t export_one(void)
{
    uint32_t count =
        span_batch_build(&exporter_own.batch, exporter_own.resource, exporter_own.resource_bytes);
    if (count == 0)
        return 0;
    atomic_store(&exporter_own.inflight, count);
    span_queue_taken(count);
    struct text otlp = {(const char *)exporter_own.batch.bytes, exporter_own.batch.length_bytes};
    exporters_export(&exporter_own.exporters, otlp, count);
    atomic_store(&exporter_own.inflight, 0);
    return count;
}

/* ---- the thread */

static bool batch_waits(void)
{
    return span_queue_count() >= exporter_own.wake_count;
}

static bool is_pressed(void)
{
    return atomic_load(&exporter_own.press) == PRESS_PENDING;
}

/* Caller has the lock. Wakes in between to look at the clocks. */
static void sleep_until(uint64_t deadline_ns)
{
    uint64_t due_ns = timeline_due_ns();
    deadline_wait(&exporter_own.work, &exporter_own.lock,
                  due_ns < deadline_ns ? due_ns : deadline_ns);
    if (clock_mono_ns() >= due_ns)
        timeline_refresh();
}

/* Sleeps until there is a reason to export. *flush: up to which request. */
static enum wake_reason wait_for_work(uint64_t deadline_ns, uint64_t *flush)
{
    enum wake_reason reason = WAKE_DELAY;
    pthread_mutex_lock(&exporter_own.lock);
    while (!exporter_own.stopping && exporter_own.flush_wanted == exporter_own.flush_done &&
           !batch_waits() && !is_pressed() && clock_mono_ns() < deadline_ns)
        sleep_until(deadline_ns);
    if (exporter_own.stopping || exporter_own.flush_wanted != exporter_own.flush_done)
        reason = WAKE_FLUSH;
    else if (is_pressed())
        reason = WAKE_PRESS;
    else if (clock_mono_ns() < deadline_ns)
        reason = WAKE_BATCH;
    *flush = exporter_own.flush_wanted;
    pthread_mutex_unlock(&exporter_own.lock);
    return reason;
}

static void finish_flush(uint64_t flush)
{
    enum status status = exporters_flush(&exporter_own.exporters,
                                         clock_mono_ns() + exporter_own.exporters.timeout_ns);
    pthread_mutex_lock(&exporter_own.lock);
    exporter_own.flush_status = status;
    exporter_own.flush_done = flush;
    pthread_mutex_unlock(&exporter_own.lock);
    pthread_cond_broadcast(&exporter_own.done);
}

void exporter_thread_collect(void)
{
    trace_thread_seal_all();
    span_batch_add(&exporter_own.batch, span_queue_take());
}

/* Somebody waits for more than full batches. */
static bool is_asked(void)
{
    pthread_mutex_lock(&exporter_own.lock);
    bool asked = exporter_own.stopping || exporter_own.flush_wanted != exporter_own.flush_done;
    pthread_mutex_unlock(&exporter_own.lock);
    return asked;
}

/* Open chunks are taken from their threads only where a batch needs them: that interrupts whoever
 * runs, and waits until it is. What is left in them the deadline brings in, if there is one. */
static void collect_full(void)
{
    span_batch_add(&exporter_own.batch, span_queue_take());
    if (exporter_own.delay_ns == 0 || exporter_own.batch.waiting_count < exporter_own.batch_count)
        exporter_thread_collect();
}

/* Full batches alone; the rest waits for the deadline. Some at a time: whoever flushes must get
 * in, and clocks and losses be looked at, however fast spans come. */
static void export_full(void)
{
    collect_full();
    for (int i = 0;
         i < ROUND_BATCHES && exporter_own.batch.waiting_count >= exporter_own.wake_count &&
         export_one() > 0 && !is_asked();
         i++)
        collect_full();
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
    bool pressed = atomic_exchange(&exporter_own.press, PRESS_NONE) == PRESS_PENDING;
    if (reason == WAKE_BATCH) {
        export_full();
        return;
    }
    exporter_thread_collect();
    if (pressed && reason == WAKE_PRESS && exporter_own.batch.first == NULL)
        atomic_store(&exporter_own.press, PRESS_SEEN);
    export_all();
}

static bool is_stopping(void)
{
    pthread_mutex_lock(&exporter_own.lock);
    bool stopping = exporter_own.stopping;
    pthread_mutex_unlock(&exporter_own.lock);
    return stopping;
}

/* Without a delay whatever ends is reason enough, and there is nothing to wait for. */
static uint64_t next_deadline_ns(void)
{
    return exporter_own.delay_ns > 0 ? clock_mono_ns() + exporter_own.delay_ns : UINT64_MAX;
}

void *exporter_thread_run(void *unused)
{
    uint64_t next_ns = next_deadline_ns(), flush;
    (void)unused;
    exporter_thread_is_own = true;
    (void)pthread_setname_np(pthread_self(), "span-exporter");
    while (!is_stopping()) {
        enum wake_reason reason = wait_for_work(next_ns, &flush);
        timeline_refresh();
        export_round(reason);
        losses_log();
        if (reason == WAKE_FLUSH)
            finish_flush(flush);
        if (reason != WAKE_BATCH)
            next_ns = next_deadline_ns();
    }
    export_round(WAKE_FLUSH);
    (void)exporters_flush(&exporter_own.exporters, atomic_load(&exporter_own.exporters.limit_ns));
    pthread_mutex_lock(&exporter_own.lock);
    exporter_own.has_ended = true;
    exporter_own.flush_done = exporter_own.flush_wanted;
    pthread_cond_broadcast(&exporter_own.done);
    pthread_mutex_unlock(&exporter_own.lock);
    return NULL;
}
