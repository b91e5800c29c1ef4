/* Tracing is shut down and started again, with other settings, while threads trace. */
#include "rows.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "trace/light_span.h"
#include "trace/span_processor.h"
#include "trace/trace.h"

enum { THREADS = 3, RESTARTS = 60, LIVE = 8 };

/* ThreadSanitizer ends a fork's child that starts a thread, AddressSanitizer's allocator stays
 * locked in a child whose parent had another thread in it. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { CHILDREN_MAY_START = 0 };
#else
enum { CHILDREN_MAY_START = 1 };
#endif

static const struct tracer tracer = {.name = "restart-test"};

static uint64_t soon(void)
{
    return clock_mono_ns() + 20 * NS_PER_S;
}

static void let_others(void)
{
    for (int i = 0; i < 3; i++)
        sched_yield();
}

/* ---- an exporter that may be told to hang, whatever its deadline */

static struct {
    _Atomic uint64_t taken;
    atomic_bool hangs, is_hanging;
    atomic_uint shutdowns;
} probe;

static enum status take(void *self, const struct span_export *batch)
{
    (void)self;
    while (atomic_load(&probe.hangs)) {
        atomic_store(&probe.is_hanging, true);
        sched_yield();
    }
    atomic_fetch_add(&probe.taken, batch->span_count);
    return STATUS_OK;
}

static void shut(void *self, uint64_t deadline_ns)
{
    (void)self;
    (void)deadline_ns;
    atomic_fetch_add(&probe.shutdowns, 1);
}

static const struct span_exporter exporter = {
    .name = "probe", .export_batch = take, .shutdown = shut};

static enum status try_start(uint32_t queue_count, const struct span_processor *processor)
{
    struct tracing_config config;
    struct error error;
    tracing_config_from_environment(&config, "test");
    config.exporters = 0;
    config.more_exporters[0] = &exporter;
    config.processors[0] = processor;
    config.batch = (struct batch_settings){60000, 5000, queue_count, queue_count / 4};
    return tracing_start(&config, &error);
}

static void start_with(uint32_t queue_count, const struct span_processor *processor)
{
    memset(&probe, 0, sizeof probe);
    assert_int_equal(try_start(queue_count, processor), STATUS_OK);
}

static void start(uint32_t queue_count)
{
    start_with(queue_count, NULL);
}

static void end_spans(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        span_end(span_start(&tracer, "work", NULL));
}

static uint64_t sum_of(const struct tracing_stats *stats)
{
    return stats->exported + stats->rejected + stats->dropped_queue_full + stats->dropped_shutdown +
           stats->dropped_export_failed + stats->queued;
}

/* Every span is somewhere. */
static void check_sum(void)
{
    struct tracing_stats stats = tracing_stats();
    assert_int_equal(stats.ended, sum_of(&stats));
}

/* ... but for one a thread that was ending in the moment of the start. */
static void check_sum_nearly(void)
{
    struct tracing_stats stats = tracing_stats();
    assert_in_range(stats.ended + THREADS - sum_of(&stats), 0, 2 * THREADS);
}

/* STATUS_IO: something ended while the exporter's thread was on its way out. */
static void stop(void)
{
    enum status status = tracing_shutdown(soon());
    assert_true(status == STATUS_OK || status == STATUS_IO);
}

/* ---- threads that trace all the while */

static atomic_bool stopping;

/* Some live at a time, some of them long. */
static void *trace_on_and_on(void *unused)
{
    char text[3000];
    struct span *live[LIVE];
    (void)unused;
    memset(text, 'x', sizeof text);
    while (!atomic_load(&stopping)) {
        for (size_t i = 0; i < LIVE; i++)
            live[i] = span_start(&tracer, "work", NULL);
        for (size_t i = 0; i < LIVE; i++) {
            struct text value = {text, i % 2 ? 10 : sizeof text};
            span_set_text(live[i], SPAN_KEY("text"), value);
            span_end(live[i]);
        }
    }
    return NULL;
}

static void *flush_on_and_on(void *unused)
{
    (void)unused;
    while (!atomic_load(&stopping))
        if (tracing_flush(soon()) == STATUS_TIMEOUT)
            abort();
    return NULL;
}

static void check_threads(void **state)
{
    (void)state;
    static const uint32_t queues[] = {64, 4096, 20000, 700};
    pthread_t threads[THREADS];
    atomic_store(&stopping, false);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, i == 0 ? flush_on_and_on : trace_on_and_on, NULL), 0);
    for (int i = 0; i < RESTARTS; i++) {
        start(queues[i % 4]);
        let_others();
        stop();
    }
    atomic_store(&stopping, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    check_sum_nearly();
    start(64);
    end_spans(30);
    stop();
    assert_int_equal(tracing_stats().exported, 30);
    assert_int_equal(probe.taken, 30);
}

/* ---- a thread that a shutdown gives up on */

static void check_left_behind(void **state)
{
    (void)state;
    uint64_t deadline_ns = soon();
    start(64);
    atomic_store(&probe.hangs, true);
    end_spans(16);
    while (!atomic_load(&probe.is_hanging) && clock_mono_ns() < deadline_ns)
        sched_yield();
    end_spans(5);
    assert_int_equal(tracing_shutdown(clock_mono_ns()), STATUS_TIMEOUT);
    assert_int_equal(try_start(64, NULL), STATUS_BUSY);
    assert_int_equal(probe.shutdowns, 0);
    check_sum();
    atomic_store(&probe.hangs, false);
    while (probe.shutdowns == 0 && clock_mono_ns() < deadline_ns)
        assert_int_equal(tracing_shutdown(soon()), STATUS_OK); /* which clears it away */
    assert_int_equal(probe.shutdowns, 1);
    struct tracing_stats stats = tracing_stats();
    assert_int_equal(stats.ended, 21);
    assert_int_equal(stats.queued, 0);
    check_sum();
    start(64);
    end_spans(3);
    stop();
    assert_int_equal(probe.taken, 3);
}

static void check_left_behind_and_started(void **state)
{
    (void)state;
    uint64_t deadline_ns = soon();
    enum status status;
    start(64);
    atomic_store(&probe.hangs, true);
    end_spans(16);
    while (!atomic_load(&probe.is_hanging) && clock_mono_ns() < deadline_ns)
        sched_yield();
    assert_int_equal(tracing_shutdown(clock_mono_ns()), STATUS_TIMEOUT);
    atomic_store(&probe.hangs, false);
    while ((status = try_start(64, NULL)) == STATUS_BUSY && clock_mono_ns() < deadline_ns)
        sched_yield();
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(probe.shutdowns, 1);
    stop();
}

/* ---- spans that outlive the tracing that they began in */

static void check_live_over_restart(void **state)
{
    (void)state;
    start(64);
    struct span *first = span_start(&tracer, "first", NULL);
    struct span *second = span_start(&tracer, "second", NULL);
    stop();
    span_end(first);
    struct tracing_stats stats = tracing_stats();
    assert_int_equal(stats.started, 2);
    assert_int_equal(stats.ended, 1);
    assert_int_equal(stats.dropped_shutdown, 1);
    start(64);
    stats = tracing_stats();
    assert_int_equal(stats.started, 1); /* the one that is live */
    assert_int_equal(stats.ended, 0);
    assert_int_equal(stats.dropped_shutdown, 0);
    span_set_i64(second, SPAN_KEY("k"), 1);
    span_end(second);
    end_spans(1);
    stop();
    stats = tracing_stats();
    assert_int_equal(stats.started, 2);
    assert_int_equal(stats.ended, 2);
    assert_int_equal(stats.dropped_shutdown, 1);
    assert_int_equal(stats.exported, 1);
    assert_int_equal(probe.taken, 1);
    check_sum();
}

static bool is_all_zero(const struct tracing_stats *stats)
{
    static const struct tracing_stats none;
    return memcmp(stats, &none, sizeof none) == 0;
}

/* What inherited spans do in the child counts for nobody there. */
static int live_in_child(struct span *inherited[2])
{
    struct tracing_stats stats = tracing_stats();
    if (!is_all_zero(&stats))
        return 1;
    span_end(inherited[0]);
    stats = tracing_stats();
    if (!is_all_zero(&stats))
        return 2;
    if (!CHILDREN_MAY_START)
        return 0;
    memset(&probe, 0, sizeof probe);
    if (try_start(64, NULL) != STATUS_OK)
        return 3;
    span_set_i64(inherited[1], SPAN_KEY("k"), 1);
    span_end(inherited[1]);
    end_spans(2);
    if (tracing_shutdown(soon()) != STATUS_OK)
        return 4;
    stats = tracing_stats();
    return probe.taken == 2 && stats.started == 2 && stats.ended == 2 && stats.exported == 2 ? 0
                                                                                             : 5;
}

static void *end_ten(void *unused)
{
    (void)unused;
    end_spans(10);
    return NULL;
}

static int wait_for(pid_t child)
{
    int code = -1;
    return waitpid(child, &code, 0) == child && WIFEXITED(code) ? WEXITSTATUS(code) : -1;
}

static void check_live_over_fork(void **state)
{
    (void)state;
    pthread_t thread;
    start(64);
    /* Counted before the start's own: a baseline that the child cannot reach. */
    assert_int_equal(pthread_create(&thread, NULL, end_ten, NULL), 0);
    pthread_join(thread, NULL);
    stop();
    start(64);
    struct span *spans[2] = {span_start(&tracer, "a", NULL), span_start(&tracer, "b", NULL)};
    end_spans(1);
    assert_int_equal(tracing_flush(soon()), STATUS_OK);
    end_spans(1);
    pid_t child = fork();
    if (child == 0)
        _exit(live_in_child(spans));
    assert_int_equal(wait_for(child), 0);
    span_end(spans[0]);
    span_end(spans[1]);
    stop();
    assert_int_equal(tracing_stats().exported, 4);
    check_sum();
}

/* What a thread that is not in the child has left of a span's lock. */
static int use_locked(struct span *span)
{
    alarm(20);
    span_set_i64(span, SPAN_KEY("k"), 1);
    if (CHILDREN_MAY_START && try_start(64, NULL) != STATUS_OK)
        return 1;
    span_set_i64(span, SPAN_KEY("k"), 2);
    span_add_event(span, TEXT_LITERAL("e"), NULL, 0);
    span_update_name(span, TEXT_LITERAL("name"));
    span_set_status(span, SPAN_OK, TEXT_LITERAL(""));
    span_end(span);
    return tracing_shutdown(soon()) == STATUS_OK ? 0 : 2;
}

static void check_locked_in_child(void **state)
{
    (void)state;
    start(64);
    struct span *span = span_start(&tracer, "locked", NULL);
    atomic_store(&span->lock.shared, 1);
    atomic_store(&span->lock.held, 1);
    pid_t child = fork();
    if (child == 0)
        _exit(use_locked(span));
    atomic_store(&span->lock.held, 0);
    assert_int_equal(wait_for(child), 0);
    span_end(span);
    stop();
    assert_int_equal(probe.taken, 1);
}

/* ---- overload */

enum { QUEUE = 64 };

static atomic_uint refills;

/* Whatever leaves comes again until the shutdown, as when spans end faster than they are sent. */
static enum status refill(void *self, const struct span_export *batch)
{
    (void)self;
    atomic_fetch_add(&refills, 1);
    end_spans(batch->span_count);
    return STATUS_OK;
}

static const struct span_exporter refiller = {.name = "refiller", .export_batch = refill};

static void check_flush_under_load(void **state)
{
    (void)state;
    struct tracing_config config;
    struct error error;
    tracing_config_from_environment(&config, "test");
    config.exporters = 0;
    config.more_exporters[0] = &refiller;
    config.batch = (struct batch_settings){60000, 5000, QUEUE, QUEUE / 4};
    assert_int_equal(tracing_start(&config, &error), STATUS_OK);
    end_spans(QUEUE / 2);
    for (int i = 0; i < 5; i++) {
        unsigned before = atomic_load(&refills);
        uint64_t deadline_ns = soon();
        while (atomic_load(&refills) - before < 3 && clock_mono_ns() < deadline_ns)
            sched_yield(); /* it is within full batches */
        assert_int_equal(tracing_flush(soon()), STATUS_OK);
    }
    assert_int_equal(tracing_shutdown(soon()), STATUS_OK);
    check_sum();
}

/* ---- hooks, and the shutdown that waits for them */

static struct {
    atomic_bool is_inside, may_leave, has_left, is_shut, was_inside;
    atomic_uint ended, late;
} hook;

static void stay(void *self, struct span *span, const struct span_context *parent)
{
    (void)self;
    (void)span;
    (void)parent;
    atomic_store(&hook.is_inside, true);
    while (!atomic_load(&hook.may_leave))
        sched_yield();
    atomic_store(&hook.has_left, true);
}

static void *end_one(void *unused)
{
    (void)unused;
    end_spans(1);
    return NULL;
}

static pthread_t enter_hook(const struct span_processor *processor)
{
    pthread_t thread;
    uint64_t deadline_ns = soon();
    memset(&hook, 0, sizeof hook);
    start_with(64, processor);
    assert_int_equal(pthread_create(&thread, NULL, end_one, NULL), 0);
    while (!atomic_load(&hook.is_inside) && clock_mono_ns() < deadline_ns)
        sched_yield();
    return thread;
}

static void check_hook_that_stays(void **state)
{
    (void)state;
    static const struct span_processor stayer = {.on_start = stay};
    pthread_t thread = enter_hook(&stayer);
    assert_int_equal(tracing_shutdown(clock_mono_ns()), STATUS_TIMEOUT);
    assert_false(atomic_load(&hook.has_left));
    atomic_store(&hook.may_leave, true);
    pthread_join(thread, NULL);
    assert_int_equal(tracing_shutdown(soon()), STATUS_OK);
}

static void note_shutdown(void *self, uint64_t deadline_ns)
{
    (void)self;
    (void)deadline_ns;
    atomic_store(&hook.was_inside, !atomic_load(&hook.has_left));
    atomic_store(&hook.is_shut, true);
}

static void *shut_down(void *status)
{
    *(enum status *)status = tracing_shutdown(soon());
    return NULL;
}

static void check_hook_that_leaves(void **state)
{
    (void)state;
    static const struct span_processor stayer = {.on_start = stay, .shutdown = note_shutdown};
    enum status status = STATUS_TIMEOUT;
    uint64_t deadline_ns = soon();
    pthread_t thread = enter_hook(&stayer), other;
    assert_int_equal(pthread_create(&other, NULL, shut_down, &status), 0);
    while (tracer_is_enabled(&tracer) && clock_mono_ns() < deadline_ns)
        sched_yield();
    for (int i = 0; i < 20 && !atomic_load(&hook.is_shut); i++)
        let_others(); /* it could go on, if it did not wait */
    atomic_store(&hook.may_leave, true);
    pthread_join(other, NULL);
    pthread_join(thread, NULL);
    assert_int_equal(status, STATUS_OK);
    assert_true(atomic_load(&hook.is_shut));
    assert_false(atomic_load(&hook.was_inside));
}

static atomic_bool is_over;

static void count_end(void *self, const struct span_view *span)
{
    (void)self;
    (void)span;
    atomic_fetch_add(atomic_load(&is_over) ? &hook.late : &hook.ended, 1);
}

static void check_no_hook_after(void **state)
{
    (void)state;
    static const struct span_processor counter = {.on_end = count_end};
    pthread_t threads[THREADS];
    memset(&hook, 0, sizeof hook);
    atomic_store(&stopping, false);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, trace_on_and_on, NULL), 0);
    for (int i = 0; i < RESTARTS; i++) {
        atomic_store(&is_over, false);
        start_with(64, &counter);
        let_others();
        stop();
        atomic_store(&is_over, true);
        start(64); /* without any */
        let_others();
        stop();
    }
    atomic_store(&stopping, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(hook.late, 0);
    assert_true(hook.ended > 0);
}

/* ---- hooks that call the library */

static struct {
    enum status start, shutdown, flush;
    int child;
} called;

static void call_from_shutdown(void *self, uint64_t deadline_ns)
{
    (void)self;
    called.start = try_start(64, NULL);
    called.shutdown = tracing_shutdown(deadline_ns);
    called.flush = tracing_flush(deadline_ns);
    pid_t child = fork();
    if (child == 0)
        _exit(7);
    called.child = wait_for(child);
}

static void check_calls_from_shutdown(void **state)
{
    (void)state;
    static const struct span_processor caller = {.shutdown = call_from_shutdown};
    start_with(64, &caller);
    end_spans(3);
    assert_int_equal(tracing_shutdown(soon()), STATUS_OK);
    assert_int_equal(called.start, STATUS_BUSY);
    assert_int_equal(called.shutdown, STATUS_BUSY);
    assert_int_equal(called.flush, STATUS_OK);
    assert_int_equal(called.child, 7);
    assert_int_equal(tracing_stats().exported, 3);
}

static enum status shut_from_flush(void *self, uint64_t deadline_ns)
{
    (void)self;
    if (tracer_is_enabled(&tracer))
        called.shutdown = tracing_shutdown(deadline_ns);
    return STATUS_OK;
}

static void check_shutdown_from_flush(void **state)
{
    (void)state;
    static const struct span_processor caller = {.flush = shut_from_flush};
    called.shutdown = STATUS_IO;
    start_with(64, &caller);
    end_spans(3);
    assert_int_equal(tracing_flush(soon()), STATUS_OK);
    assert_int_equal(called.shutdown, STATUS_OK);
    assert_int_equal(probe.taken, 3);
}

static void fork_in_shutdown(void *self, uint64_t deadline_ns)
{
    (void)self;
    (void)deadline_ns;
    called.child = fork();
}

/* The child comes out of the same shutdown, which has nothing more to do there. */
static void check_fork_from_shutdown(void **state)
{
    (void)state;
    static const struct span_processor forker = {.shutdown = fork_in_shutdown};
    start_with(64, &forker);
    end_spans(3);
    enum status status = tracing_shutdown(soon());
    if (called.child == 0)
        _exit(status == STATUS_OK && tracing_shutdown(soon()) == STATUS_OK ? 9 : 1);
    assert_int_equal(wait_for(called.child), 9);
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(probe.taken, 3);
}

int main(void)
{
    static struct rows all;
    rows_one(&all, "it goes on while threads trace and flush", check_threads);
    rows_one(&all, "it clears away a thread that a shutdown gave up on", check_left_behind);
    rows_one(&all, "it starts once such a thread has ended", check_left_behind_and_started);
    rows_one(&all, "it counts a span that outlives a restart", check_live_over_restart);
    rows_one(&all, "it counts nothing of its parent's in a child", check_live_over_fork);
    rows_one(&all, "it waits in a child for nobody who is not there", check_locked_in_child);
    rows_one(&all, "it flushes however fast spans end", check_flush_under_load);
    rows_one(&all, "it does not wait beyond the deadline for a hook", check_hook_that_stays);
    rows_one(&all, "it waits for a hook", check_hook_that_leaves);
    rows_one(&all, "it calls no hook once it has returned", check_no_hook_after);
    rows_one(&all, "it can be called from a hook of its own", check_calls_from_shutdown);
    rows_one(&all, "it can be called from a flush", check_shutdown_from_flush);
    rows_one(&all, "it can be left by a child", check_fork_from_shutdown);
    return rows_run("tracing_restart", &all);
}
