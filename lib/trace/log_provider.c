#include "trace/log_provider.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/log.h"
#include "trace/exporters.h"
#include "trace/log_batch.h"
#include "trace/log_queue.h"
#include "trace/resource.h"
#include "trace/rounds.h"

static const uint64_t log_gap_ns = 10 * NS_PER_S;
static const uint64_t grace_ns = 250 * NS_PER_MS; /* to fail what goes on at a deadline */

static struct {
    pthread_mutex_t life; /* starts, shutdowns and forks come one after the other */
    bool has_thread;
    bool is_abandoned;
    pthread_t thread;
    struct log_limits limits; /* written while off */

    atomic_bool is_on;
    _Atomic uint32_t batch_count; /* so many make it wake: a batch, or with no delay the first */
    _Atomic uint32_t inflight;
    _Atomic uint64_t emitted, dropped;

    struct rounds rounds;

    /* The thread's own while it runs. */
    struct exporters exporters;
    struct log_batch batch;
    uint8_t resource[RESOURCE_MAX];
    size_t resource_bytes;
    uint64_t delay_ns;
    uint64_t logged_ns, logged_drops;
} provider = {.life = PTHREAD_MUTEX_INITIALIZER, .rounds.lock = PTHREAD_MUTEX_INITIALIZER};

static _Thread_local bool is_own_thread;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;
static pthread_once_t conditions_once = PTHREAD_ONCE_INIT;

/* ---- producers */

bool log_provider_is_on(void)
{
    /* acquire: the queue and the limits are there */
    return atomic_load_explicit(&provider.is_on, memory_order_acquire) && !is_own_thread;
}

const struct log_limits *log_provider_limits(void)
{
    return &provider.limits;
}

void log_provider_take(const struct tracer *scope, const void *bytes, size_t length_bytes)
{
    atomic_fetch_add_explicit(&provider.emitted, 1, memory_order_relaxed);
    if (!log_queue_put(scope, bytes, length_bytes))
        atomic_fetch_add_explicit(&provider.dropped, 1, memory_order_relaxed);
    else if (log_queue_count() <
                 atomic_load_explicit(&provider.batch_count, memory_order_relaxed) &&
             !log_queue_is_half_full())
        return;
    rounds_wake(&provider.rounds);
}

/* ---- the thread */

static uint32_t build(void)
{
    return log_batch_build(&provider.batch,
                           (struct text){(const char *)provider.resource, provider.resource_bytes});
}

static uint32_t export_one(void)
{
    const uint32_t count = build();
    if (count == 0)
        return 0;
    atomic_store(&provider.inflight, count);
    exporters_export(&provider.exporters,
                     (struct text){(const char *)provider.batch.bytes, provider.batch.length_bytes},
                     count);
    atomic_store(&provider.inflight, 0);
    return count;
}

/* All that waits now; what is emitted meanwhile is the next round's. */
static void export_all(void)
{
    uint32_t left = log_queue_count(), count;
    while (left > 0 && (count = export_one()) > 0)
        left -= count < left ? count : left;
}

static void log_drops(void)
{
    const uint64_t drops = atomic_load(&provider.dropped), now_ns = clock_mono_ns();
    if (drops == provider.logged_drops ||
        (provider.logged_ns != 0 && now_ns - provider.logged_ns < log_gap_ns))
        return;
    provider.logged_drops = drops;
    provider.logged_ns = now_ns;
    log_event(LOG_WARN, LOG_NO_IDS, "the queue of log records was full and records were dropped",
              LOG_I64("dropped_so_far", (int64_t)drops));
}

/* Without a delay there is nothing to wait for. */
static uint64_t next_deadline_ns(void)
{
    return provider.delay_ns > 0 ? clock_mono_ns() + provider.delay_ns : UINT64_MAX;
}

static void *run(void *unused)
{
    (void)unused;
    (void)pthread_setname_np(pthread_self(), "log-exporter");
    is_own_thread = true;
    for (bool stopping = false; !stopping;) {
        const uint64_t flush = rounds_wait(&provider.rounds, next_deadline_ns());
        export_all();
        log_drops();
        stopping = rounds_finish(&provider.rounds, flush);
    }
    export_all();
    rounds_end(&provider.rounds);
    return NULL;
}

/* ---- start */

static void build_resource(const struct tracing_config *config)
{
    struct wire_writer writer = {provider.resource, provider.resource + sizeof provider.resource,
                                 false};
    /* What is wrong with the environment's text was said when spans were started. */
    if (resource_encode(config, &writer) != STATUS_OK && writer.overflow)
        writer.at = provider.resource;
    provider.resource_bytes = (size_t)(writer.at - provider.resource);
}

static void make_conditions(void)
{
    rounds_init(&provider.rounds);
}

static void reset(const struct tracing_config *config)
{
    provider.limits = config->log_limits;
    provider.delay_ns = config->log_batch.delay_ms * NS_PER_MS;
    atomic_store(&provider.batch_count, provider.delay_ns > 0 ? config->log_batch.batch_count : 1);
    rounds_reset(&provider.rounds);
    provider.logged_ns = provider.logged_drops = 0;
    atomic_store(&provider.emitted, log_queue_count());
    atomic_store(&provider.dropped, 0);
}

/* The host program's signals are not for this thread. */
static enum status start_thread(struct error *error)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int code = pthread_create(&provider.thread, NULL, run, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code != 0)
        return error_set(error, STATUS_NO_MEMORY, "cannot start the exporter of logs");
    provider.has_thread = true;
    return STATUS_OK;
}

static void release(bool in_child)
{
    exporters_release(&provider.exporters, in_child);
    log_batch_release(&provider.batch);
}

static enum status check(const struct tracing_config *config, struct error *error)
{
    const struct batch_settings *batch = &config->log_batch;
    if (provider.has_thread)
        return error_set(error, STATUS_EXISTS, "the export of logs was started already");
    if (provider.is_abandoned)
        return error_set(error, STATUS_BUSY, "an exporter of logs of before has not ended");
    if (batch->batch_count == 0 || batch->batch_count > batch->queue_count ||
        batch->batch_count > LOG_BATCH_COUNT_MAX)
        return error_set(error, STATUS_INVALID,
                         "queue of %u log records, batches of %u: want 0 < batch <= queue, "
                         "batch <= %d",
                         batch->queue_count, batch->batch_count, LOG_BATCH_COUNT_MAX);
    return STATUS_OK;
}

static enum status start(const struct tracing_config *config, struct error *error)
{
    pthread_once(&conditions_once, make_conditions);
    build_resource(config);
    enum status status = exporters_init(&provider.exporters, OTLP_LOGS, config, error);
    if (status != STATUS_OK)
        return status;
    status = log_batch_init(&provider.batch, config->log_batch.batch_count);
    if (status == STATUS_OK)
        status = log_queue_start(config->log_batch.queue_count);
    reset(config);
    if (status == STATUS_OK)
        status = start_thread(error);
    else
        (void)error_set(error, status, "exporter of logs: %s", status_words(status));
    if (status != STATUS_OK)
        release(false);
    return status;
}

/* ---- fork: the child has no exporter and must not send its parent's records again */

static void before_fork(void)
{
    pthread_mutex_lock(&provider.life);
    pthread_mutex_lock(&provider.rounds.lock);
}

static void in_parent(void)
{
    pthread_mutex_unlock(&provider.rounds.lock);
    pthread_mutex_unlock(&provider.life);
}

static void in_child(void)
{
    atomic_store(&provider.is_on, false);
    if (provider.has_thread || provider.is_abandoned)
        release(true);
    provider.has_thread = provider.is_abandoned = false;
    atomic_store(&provider.inflight, 0);
    log_queue_forget();
    make_conditions();
    in_parent();
}

static void register_fork(void)
{
    /* Fails only for want of memory at the first start; forks are then as unsafe as without it. */
    (void)pthread_atfork(before_fork, in_parent, in_child);
}

/* ---- the API */

enum status log_provider_flush(uint64_t deadline_ns)
{
    if (!atomic_load(&provider.is_on))
        return STATUS_OK;
    const uint64_t failed = atomic_load(&provider.exporters.failed);
    if (!rounds_flush(&provider.rounds, deadline_ns))
        return STATUS_TIMEOUT;
    return atomic_load(&provider.exporters.failed) == failed ? STATUS_OK : STATUS_IO;
}

/* After the thread has ended; what is left then is dropped. */
static void take_in(void)
{
    uint32_t count;
    pthread_join(provider.thread, NULL);
    while ((count = build()) > 0)
        exporters_drop(&provider.exporters, count);
    release(false);
}

/* A thread that a stop gave up on may have ended since. */
static void tidy(void)
{
    if (!provider.is_abandoned || !rounds_has_ended(&provider.rounds))
        return;
    provider.is_abandoned = false;
    take_in();
}

static enum status stop(uint64_t deadline_ns)
{
    const uint64_t failed = atomic_load(&provider.exporters.failed);
    exporters_stop(&provider.exporters, deadline_ns);
    const bool ended = rounds_stop(&provider.rounds, deadline_ns + grace_ns);
    provider.has_thread = false;
    provider.is_abandoned = !ended;
    if (!ended)
        return STATUS_TIMEOUT;
    take_in();
    return atomic_load(&provider.exporters.failed) == failed ? STATUS_OK : STATUS_IO;
}

enum status log_provider_start(const struct tracing_config *config, struct error *error)
{
    if (config->disabled || config->log_exporters == 0)
        return STATUS_OK;
    pthread_once(&fork_once, register_fork);
    pthread_mutex_lock(&provider.life);
    tidy();
    enum status status = check(config, error);
    if (status == STATUS_OK)
        status = start(config, error);
    if (status == STATUS_OK)
        atomic_store_explicit(&provider.is_on, true, memory_order_release);
    pthread_mutex_unlock(&provider.life);
    return status;
}

enum status log_provider_shutdown(uint64_t deadline_ns)
{
    enum status status = STATUS_OK;
    pthread_mutex_lock(&provider.life);
    atomic_store(&provider.is_on, false);
    tidy();
    if (provider.has_thread)
        status = stop(deadline_ns);
    pthread_mutex_unlock(&provider.life);
    return status;
}

struct log_provider_stats log_provider_stats(void)
{
    struct tracing_stats exporters = {0};
    exporters_stats(&provider.exporters, &exporters);
    return (struct log_provider_stats){
        .emitted = atomic_load(&provider.emitted),
        .exported = exporters.exported,
        .dropped_queue_full = atomic_load(&provider.dropped),
        .dropped_export_failed = exporters.dropped_export_failed,
        .rejected = exporters.rejected,
        .queued = log_queue_count() + atomic_load(&provider.inflight),
        .export_requests = exporters.export_requests,
        .export_retries = exporters.export_retries,
    };
}
