/* From span_end to a receiver that answers in many ways: nothing is lost without being counted,
 * nothing waits without an end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "trace/exporter.h"
#include "trace/timeline.h"
#include "trace_sink.h"

static const struct tracer tracer = {.name = "exporter-test"};
static const struct tracer other_tracer = {.name = "exporter-test-2", .version = "3"};
static struct sink sink;

#define ANSWER(status, more) "HTTP/1.1 " status "\r\n" more "Content-Length: 0\r\n\r\n"

static void end_spans(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct span *span = span_start(i % 2 ? &tracer : &other_tracer, "work", NULL);
        span_set_i64(span, SPAN_KEY("number"), i);
        span_end(span);
    }
}

/* Every span is somewhere. */
static void check_sum(void)
{
    struct tracing_stats stats = tracing_stats();
    assert_int_equal(stats.ended, stats.exported + stats.rejected + stats.dropped_queue_full +
                                      stats.dropped_shutdown + stats.dropped_export_failed +
                                      stats.queued);
    assert_int_equal(stats.started, stats.ended);
}

static void short_timeout(struct tracing_config *config)
{
    config->batch.timeout_ms = 1000;
}

/* An answer of 5 MiB. */
static char endless[5 << 20];

static int make_endless(void **state)
{
    (void)state;
    static const char head[] = "HTTP/1.1 503 Busy\r\nConnection: close\r\n\r\n";
    memset(endless, 'x', sizeof endless - 1);
    memcpy(endless, head, sizeof head - 1);
    return 0;
}

static void follows_the_answer(void **state)
{
    (void)state;
    static const struct {
        const char *name, *answers[3];
        size_t count;
        unsigned requests, retries, exported, rejected, failed;
        enum status flush;
    } rows[] = {
        {"it counts what was taken", {SINK_OK}, 1, 1, 0, 10, 0, 0, STATUS_OK},
        {"it takes any 2xx", {ANSWER("202 Accepted", "")}, 1, 1, 0, 10, 0, 0, STATUS_OK},
        {"it repeats after 503", {ANSWER("503 Busy", ""), SINK_OK}, 2, 2, 1, 10, 0, 0, STATUS_OK},
        {"it repeats after 429", {ANSWER("429 Slow", ""), SINK_OK}, 2, 2, 1, 10, 0, 0, STATUS_OK},
        {"it repeats after 502 and 504",
         {ANSWER("502 Gone", ""), ANSWER("504 Late", ""), SINK_OK},
         3,
         3,
         2,
         10,
         0,
         0,
         STATUS_OK},
        {"it repeats after a lost connection", {NULL, SINK_OK}, 2, 2, 1, 10, 0, 0, STATUS_OK},
        {"it repeats after a connection that was reset",
         {"reset", SINK_OK},
         2,
         2,
         1,
         10,
         0,
         0,
         STATUS_OK},
        {"it repeats after an answer that broke off",
         {"HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 9\r\n\r\nabc", SINK_OK},
         2,
         2,
         1,
         10,
         0,
         0,
         STATUS_OK},
        {"it gives up on a body without an end", {"endless"}, 1, 1, 0, 0, 0, 10, STATUS_IO},
        {"it gives up at once on 400", {ANSWER("400 Bad", "")}, 1, 1, 0, 0, 0, 10, STATUS_IO},
        {"it gives up at once on 500", {ANSWER("500 Oops", "")}, 1, 1, 0, 0, 0, 10, STATUS_IO},
        {"it gives up at once on 413", {ANSWER("413 Large", "")}, 1, 1, 0, 0, 0, 10, STATUS_IO},
        {"it follows no redirect",
         {ANSWER("302 Found", "Location: /\r\n")},
         1,
         1,
         0,
         0,
         0,
         10,
         STATUS_IO},
        {"it gives up on what is not HTTP", {"what? close\r\n\r\n"}, 1, 1, 0, 0, 0, 10, STATUS_IO},
        {"it gives up when told to wait too long",
         {ANSWER("503 Busy", "Retry-After: 60\r\n")},
         1,
         1,
         0,
         0,
         0,
         10,
         STATUS_IO},
        {"it counts a partial success and repeats nothing",
         {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n|10\x0a\x08\x08\x04\x12\x04some"},
         1,
         1,
         0,
         6,
         4,
         0,
         STATUS_OK},
        {"it reads no more than 4 MiB of an answer", {endless}, 1, 1, 0, 0, 0, 10, STATUS_IO},
        {"it takes a garbled body as success",
         {"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\xff\xff\xff\xff"},
         1,
         1,
         0,
         10,
         0,
         0,
         STATUS_OK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sink_start(&sink, rows[i].answers, rows[i].count);
        sink_trace(&sink, NULL);
        end_spans(10);
        enum status status = tracing_flush(sink_soon());
        struct tracing_stats stats = tracing_stats();
        if (status != rows[i].flush || stats.export_requests != rows[i].requests ||
            stats.export_retries != rows[i].retries || stats.exported != rows[i].exported ||
            stats.rejected != rows[i].rejected || stats.dropped_export_failed != rows[i].failed)
            fail_msg("%s: %s, %lu requests, %lu retries, %lu exported, %lu rejected, %lu failed",
                     rows[i].name, status_words(status), stats.export_requests,
                     stats.export_retries, stats.exported, stats.rejected,
                     stats.dropped_export_failed);
        check_sum();
        assert_int_equal(stats.export_durations.count, 1);
        assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
        sink_stop(&sink);
    }
}

/* Whatever is offered, no more than the limit, and what the system buffers, is taken. */
static void takes_no_more_of_an_answer_than_its_limit(void **state)
{
    (void)state;
    static const char *const answers[] = {"endless", SINK_OK};
    sink_start(&sink, answers, 2);
    sink_trace(&sink, NULL);
    end_spans(10);
    assert_int_equal(tracing_flush(sink_soon()), STATUS_IO);
    end_spans(20);
    assert_int_equal(tracing_flush(sink_soon()), STATUS_OK);
    assert_true(atomic_load(&sink.sent_bytes) < 64 << 20);
    assert_int_equal(atomic_load(&sink.connection_count), 2);
    struct tracing_stats stats = tracing_stats();
    assert_int_equal(stats.exported, 20);
    assert_int_equal(stats.dropped_export_failed, 10);
    check_sum();
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    sink_stop(&sink);
}

static void half_a_second(struct tracing_config *config)
{
    config->batch.timeout_ms = 500;
}

static void gives_up_on_a_trickle(void **state)
{
    (void)state;
    static const char *const answers[] = {"trickle", SINK_OK};
    sink_start(&sink, answers, 2);
    sink_trace(&sink, half_a_second);
    end_spans(10);
    uint64_t before_ns = clock_mono_ns();
    assert_int_equal(tracing_flush(sink_soon()), STATUS_IO);
    assert_true(clock_mono_ns() - before_ns < 10 * NS_PER_S);
    end_spans(20);
    assert_int_equal(tracing_flush(sink_soon()), STATUS_OK);
    struct tracing_stats stats = tracing_stats();
    assert_int_equal(stats.exported, 20);
    assert_int_equal(stats.dropped_export_failed, 10);
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    sink_stop(&sink);
}

static void waits_as_long_as_it_is_told(void **state)
{
    (void)state;
    static const char *const answers[] = {ANSWER("503 Busy", "Retry-After: 1\r\n"), SINK_OK};
    sink_start(&sink, answers, 2);
    sink_trace(&sink, NULL);
    end_spans(1);
    uint64_t before_ns = clock_mono_ns();
    assert_int_equal(tracing_flush(sink_soon()), STATUS_OK);
    assert_true(clock_mono_ns() - before_ns >= NS_PER_S);
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    sink_stop(&sink);
}

static void tiny_timeout(struct tracing_config *config)
{
    config->batch.timeout_ms = 100;
}

static void gives_up_on_a_silent_receiver(void **state)
{
    (void)state;
    static const char *const answers[] = {""};
    sink_start(&sink, answers, 1);
    sink_trace(&sink, tiny_timeout);
    end_spans(10);
    uint64_t before_ns = clock_mono_ns();
    assert_int_equal(tracing_flush(sink_soon()), STATUS_IO);
    assert_true(clock_mono_ns() - before_ns >= 100 * NS_PER_MS);
    assert_true(clock_mono_ns() - before_ns < 10 * NS_PER_S);
    assert_int_equal(tracing_stats().dropped_export_failed, 10);
    assert_true(tracing_stats().export_durations.sum_ns >= 100 * NS_PER_MS);
    assert_int_equal(tracing_stats().export_durations.buckets[0], 0);
    check_sum();
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    sink_stop(&sink);
}

static void spares_a_receiver_that_asked_for_it(void **state)
{
    (void)state;
    static const char *const answers[] = {ANSWER("429 Slow", "Retry-After: 1\r\n"), SINK_OK};
    sink_start(&sink, answers, 2);
    sink_trace(&sink, tiny_timeout); /* shorter than what the receiver wants */
    uint64_t before_ns = clock_mono_ns();
    end_spans(3);
    assert_int_equal(tracing_flush(sink_soon()), STATUS_IO);
    assert_true(clock_mono_ns() - before_ns < NS_PER_S);
    end_spans(4);
    assert_int_equal(tracing_flush(sink_soon()), STATUS_OK);
    assert_true(clock_mono_ns() - before_ns >= NS_PER_S);
    assert_int_equal(atomic_load(&sink.span_count), 4);
    assert_int_equal(tracing_stats().dropped_export_failed, 3);
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    sink_stop(&sink);
}

static void keeps_the_connection(void **state)
{
    (void)state;
    static const char *const answers[] = {SINK_OK};
    sink_start(&sink, answers, 1);
    sink_trace(&sink, NULL);
    for (unsigned i = 1; i <= 5; i++) {
        end_spans(3);
        assert_int_equal(tracing_flush(sink_soon()), STATUS_OK);
        assert_int_equal(atomic_load(&sink.span_count), 3 * i);
    }
    assert_int_equal(atomic_load(&sink.request_count), 5);
    assert_int_equal(atomic_load(&sink.connection_count), 1);
    assert_non_null(strstr(sink.last_head, "POST /v1/traces HTTP/1.1\r\n"));
    assert_non_null(strstr(sink.last_head, "Content-Type: application/x-protobuf\r\n"));
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    sink_stop(&sink);
}

static void connects_anew_where_the_server_closed(void **state)
{
    (void)state;
    static const char *const answers[] = {ANSWER("200 OK", "Connection: close\r\n")};
    sink_start(&sink, answers, 1);
    sink_trace(&sink, NULL);
    for (unsigned i = 1; i <= 3; i++) {
        end_spans(1);
        assert_int_equal(tracing_flush(sink_soon()), STATUS_OK);
    }
    assert_int_equal(atomic_load(&sink.connection_count), 3);
    assert_int_equal(tracing_stats().export_retries, 0);
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    sink_stop(&sink);
}

static void sends_nothing_where_nothing_ended(void **state)
{
    (void)state;
    static const char *const answers[] = {SINK_OK};
    sink_start(&sink, answers, 1);
    sink_trace(&sink, NULL);
    assert_int_equal(tracing_flush(sink_soon()), STATUS_OK);
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    assert_int_equal(atomic_load(&sink.request_count), 0);
    sink_stop(&sink);
}

static void wait_for_spans(unsigned count)
{
    uint64_t deadline_ns = sink_soon();
    while (atomic_load(&sink.span_count) < count && clock_mono_ns() < deadline_ns)
        clock_sleep_until_ns(clock_mono_ns() + NS_PER_MS);
}

static void sends_whole_batches_unasked(void **state)
{
    (void)state;
    static const char *const answers[] = {SINK_OK};
    sink_start(&sink, answers, 1);
    sink_trace(&sink, NULL); /* the delay is a minute */
    end_spans(700);
    wait_for_spans(512);
    assert_int_equal(atomic_load(&sink.span_count), 512);
    assert_int_equal(atomic_load(&sink.request_count), 1);
    end_spans(324);
    wait_for_spans(1024);
    assert_int_equal(atomic_load(&sink.span_count), 1024);
    assert_int_equal(atomic_load(&sink.request_count), 2);
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    sink_stop(&sink);
}

static void short_delay(struct tracing_config *config)
{
    config->batch.delay_ms = 20;
}

static void sends_at_the_delay_unasked(void **state)
{
    (void)state;
    static const char *const answers[] = {SINK_OK};
    sink_start(&sink, answers, 1);
    sink_trace(&sink, short_delay);
    end_spans(3);
    wait_for_spans(3);
    assert_int_equal(atomic_load(&sink.span_count), 3);
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    sink_stop(&sink);
}

static void no_delay(struct tracing_config *config)
{
    config->batch.delay_ms = 0;
}

/* Each span as it ends, by the exporter's thread. */
static void sends_at_once_without_a_delay(void **state)
{
    (void)state;
    static const char *const answers[] = {SINK_OK};
    sink_start(&sink, answers, 1);
    sink_trace(&sink, no_delay);
    for (unsigned i = 1; i <= 10; i++) {
        end_spans(1);
        wait_for_spans(i);
        assert_int_equal(atomic_load(&sink.span_count), i);
    }
    assert_int_equal(tracing_stats().export_requests, 10);
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    sink_stop(&sink);
}

/* The clock's rate is found though nothing is traced and the delay is a minute. */
static void looks_at_the_clocks_while_idle(void **state)
{
    (void)state;
    static const char *const answers[] = {SINK_OK};
    uint64_t deadline_ns = sink_soon();
    timeline_start(true);
    if (timeline_due_ns() == UINT64_MAX)
        skip(); /* this machine has no counter to look at */
    sink_start(&sink, answers, 1);
    sink_trace(&sink, NULL);
    while (!timeline_counts() && clock_mono_ns() < deadline_ns)
        clock_sleep_until_ns(clock_mono_ns() + NS_PER_MS);
    assert_true(timeline_counts());
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    sink_stop(&sink);
}

static void cuts_batches_on_flush_too(void **state)
{
    (void)state;
    static const char *const answers[] = {ANSWER("503 Busy", "Retry-After: 1\r\n"), SINK_OK};
    sink_start(&sink, answers, 2);
    sink_trace(&sink, NULL);
    end_spans(1500); /* the first batch is held up meanwhile */
    assert_int_equal(tracing_flush(sink_soon()), STATUS_OK);
    assert_int_equal(atomic_load(&sink.span_count), 1500);
    assert_int_equal(tracing_stats().export_requests, 4);
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    sink_stop(&sink);
}

static void small_queue(struct tracing_config *config)
{
    config->batch.queue_count = 100;
    config->batch.batch_count = 100;
    config->batch.timeout_ms = 60000;
}

static void counts_exactly_what_a_full_queue_drops(void **state)
{
    (void)state;
    static const char *const answers[] = {""}; /* takes the batch and never answers */
    sink_start(&sink, answers, 1);
    sink_trace(&sink, small_queue);
    end_spans(100);
    uint64_t deadline_ns = sink_soon();
    while (tracing_stats().export_requests == 0 && clock_mono_ns() < deadline_ns)
        clock_sleep_until_ns(clock_mono_ns() + NS_PER_MS);
    while (tracing_stats().queued != 100 && clock_mono_ns() < deadline_ns)
        clock_sleep_until_ns(clock_mono_ns() + NS_PER_MS);
    end_spans(130); /* the batch in flight holds no place in the queue */
    struct tracing_stats stats = tracing_stats();
    assert_int_equal(stats.queued, 200);
    assert_int_equal(stats.dropped_queue_full, 30);
    check_sum();
    /* The receiver hangs: a flush ends at its deadline, and so does the shutdown. */
    uint64_t before_ns = clock_mono_ns();
    assert_int_equal(tracing_flush(before_ns + 50 * NS_PER_MS), STATUS_TIMEOUT);
    assert_int_equal(tracing_shutdown(clock_mono_ns() + 50 * NS_PER_MS), STATUS_IO);
    assert_true(clock_mono_ns() - before_ns < 5 * NS_PER_S);
    stats = tracing_stats();
    assert_int_equal(stats.queued, 0);
    assert_int_equal(stats.dropped_export_failed, 200);
    check_sum();
    sink_stop(&sink);
}

static void survives_a_receiver_that_is_down(void **state)
{
    (void)state;
    static const char *const answers[] = {SINK_OK};
    sink_start(&sink, answers, 1);
    sink_trace(&sink, short_timeout);
    sink_stop(&sink); /* the port refuses from now on */
    uint64_t before_ns = clock_mono_ns();
    end_spans(5000); /* nobody waits for the network: this is some milliseconds of work */
    assert_true(clock_mono_ns() - before_ns < 2 * NS_PER_S);
    assert_int_equal(tracing_flush(sink_soon()), STATUS_IO);
    struct tracing_stats stats = tracing_stats();
    assert_true(stats.export_retries > 0);
    assert_int_equal(stats.exported, 0);
    check_sum();
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
}

static void *end_one(void *unused)
{
    (void)unused;
    end_spans(1);
    return NULL;
}

static void big_queue(struct tracing_config *config)
{
    config->batch.queue_count = 16384;
}

static void loses_nothing_of_short_lived_threads(void **state)
{
    (void)state;
    static const char *const answers[] = {SINK_OK};
    enum { ROUNDS = 250, THREADS = 40 };
    sink_start(&sink, answers, 1);
    sink_trace(&sink, big_queue);
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t threads[THREADS];
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, end_one, NULL), 0);
        for (int i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
    }
    assert_int_equal(tracing_flush(sink_soon()), STATUS_OK);
    assert_int_equal(atomic_load(&sink.span_count), ROUNDS * THREADS);
    assert_int_equal(tracing_stats().exported, ROUNDS * THREADS);
    check_sum();
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    sink_stop(&sink);
}

static void end_late(void *span)
{
    span_end(span);
    end_spans(1);
}

static pthread_key_t late_key;

/* The library's own key is older, so its destructor has run when this one does. */
static void *end_while_leaving(void *unused)
{
    (void)unused;
    end_spans(1);
    pthread_setspecific(late_key, span_start(&tracer, "late", NULL));
    return NULL;
}

static void takes_spans_of_a_thread_that_leaves(void **state)
{
    (void)state;
    static const char *const answers[] = {SINK_OK};
    pthread_t thread;
    sink_start(&sink, answers, 1);
    sink_trace(&sink, NULL);
    end_spans(1);
    assert_int_equal(pthread_key_create(&late_key, end_late), 0);
    assert_int_equal(pthread_create(&thread, NULL, end_while_leaving, NULL), 0);
    pthread_join(thread, NULL);
    assert_int_equal(tracing_flush(sink_soon()), STATUS_OK);
    assert_int_equal(atomic_load(&sink.span_count), 4);
    check_sum();
    pthread_key_delete(late_key);
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    sink_stop(&sink);
}

struct idlers {
    pthread_barrier_t ended, leave;
};

static void *end_and_idle(void *argument)
{
    struct idlers *idlers = argument;
    end_spans(1);
    pthread_barrier_wait(&idlers->ended);
    pthread_barrier_wait(&idlers->leave);
    return NULL;
}

/* An idle thread's open chunk is taken without its help. */
static void takes_spans_from_idle_threads(void **state)
{
    (void)state;
    static const char *const answers[] = {SINK_OK};
    enum { THREADS = 50 };
    pthread_t threads[THREADS];
    struct idlers idlers;
    pthread_barrier_init(&idlers.ended, NULL, THREADS + 1);
    pthread_barrier_init(&idlers.leave, NULL, THREADS + 1);
    sink_start(&sink, answers, 1);
    sink_trace(&sink, NULL);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, end_and_idle, &idlers), 0);
    pthread_barrier_wait(&idlers.ended);
    assert_int_equal(tracing_flush(sink_soon()), STATUS_OK);
    assert_int_equal(atomic_load(&sink.span_count), THREADS);
    pthread_barrier_wait(&idlers.leave);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    sink_stop(&sink);
    pthread_barrier_destroy(&idlers.ended);
    pthread_barrier_destroy(&idlers.leave);
}

static void *end_many(void *argument)
{
    end_spans(*(unsigned *)argument);
    return NULL;
}

static void adds_up_under_load(void **state)
{
    (void)state;
    static const char *const answers[] = {ANSWER("503 Busy", ""), SINK_OK};
    enum { THREADS = 4 };
    unsigned count = 20000;
    pthread_t threads[THREADS];
    sink_start(&sink, answers, 2);
    sink_trace(&sink, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, end_many, &count);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(tracing_flush(sink_soon()), STATUS_OK);
    struct tracing_stats stats = tracing_stats();
    assert_int_equal(stats.ended, THREADS * count);
    assert_int_equal(stats.queued, 0);
    assert_int_equal(stats.exported, atomic_load(&sink.span_count));
    check_sum();
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    sink_stop(&sink);
}

/* The pool is exhausted by live spans: the rest is dropped and counted, and carries its parent on.
 */
static void tiny_pool(struct tracing_config *config)
{
    config->batch.queue_count = 100; /* 256 blocks, the least there is */
    config->batch.batch_count = 100;
}

static void counts_spans_that_find_no_memory(void **state)
{
    (void)state;
    static const char *const answers[] = {SINK_OK};
    enum { SPANS = 300, BLOCKS = 256 };
    struct span *spans[SPANS];
    sink_start(&sink, answers, 1);
    sink_trace(&sink, tiny_pool);
    spans[0] = span_start(&tracer, "parent", NULL);
    struct context before = context_attach((struct context){spans[0], NULL});
    for (int i = 1; i < SPANS; i++)
        spans[i] = span_start(&tracer, "child", NULL);
    /* This thread may still have a spare block of the pool before. */
    assert_true(span_is_recording(spans[BLOCKS - 1]));
    assert_false(span_is_recording(spans[BLOCKS + 1]));
    struct span_context parent = span_context_of(spans[0]);
    struct span_context child = span_context_of(spans[BLOCKS + 1]);
    assert_memory_equal(child.span_id.bytes, parent.span_id.bytes, 8);
    span_set_text(spans[BLOCKS - 1], SPAN_KEY("k"), TEXT_LITERAL("fits its own block"));
    context_attach(before);
    for (int i = SPANS; i-- > 0;) {
        span_end(spans[i]);
        if (i % 50 == 0)
            assert_int_equal(tracing_flush(sink_soon()), STATUS_OK);
    }
    struct tracing_stats stats = tracing_stats();
    assert_int_equal(stats.started, SPANS);
    assert_true(stats.dropped_queue_full >= SPANS - BLOCKS - 1);
    assert_int_equal(stats.exported, SPANS - stats.dropped_queue_full);
    check_sum();
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    sink_stop(&sink);
}

/* One value that does not fit takes no memory from others. */
static void keeps_no_memory_for_what_does_not_fit(void **state)
{
    (void)state;
    static const char *const answers[] = {SINK_OK};
    static char huge[50000];
    enum { LIVE = 220, MORE = 20 };
    struct span *spans[LIVE + MORE];
    memset(huge, 'x', sizeof huge);
    sink_start(&sink, answers, 1);
    sink_trace(&sink, tiny_pool);
    for (int i = 0; i < LIVE; i++)
        spans[i] = span_start(&tracer, "live", NULL);
    span_set_text(spans[0], SPAN_KEY("huge"), (struct text){huge, sizeof huge});
    for (int i = LIVE; i < LIVE + MORE; i++) {
        spans[i] = span_start(&tracer, "more", NULL);
        assert_true(span_is_recording(spans[i]));
    }
    for (int i = LIVE + MORE; i-- > 0;) {
        span_end(spans[i]);
        if (i % 50 == 0)
            assert_int_equal(tracing_flush(sink_soon()), STATUS_OK);
    }
    assert_int_equal(tracing_stats().limited, 1);
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    sink_stop(&sink);
}

static void carries_contexts_on_while_off(void **state)
{
    (void)state;
    struct span_context parent = {
        .flags = 3, .is_remote = true, .trace_state = TEXT_LITERAL("a=1")};
    struct span_options options = {.parent = &parent};
    memset(parent.trace_id.bytes, 1, 16);
    memset(parent.span_id.bytes, 2, 8);
    struct span *span = span_start(&tracer, "off", &options);
    struct span_context context = span_context_of(span);
    assert_false(span_is_recording(span));
    assert_memory_equal(context.trace_id.bytes, parent.trace_id.bytes, 16);
    assert_memory_equal(context.span_id.bytes, parent.span_id.bytes, 8);
    assert_int_equal(context.flags, 3);
    assert_true(text_is(context.trace_state, "a=1"));
    span_set_i64(span, SPAN_KEY("k"), 1);
    span_end(span);
    span = span_start(&tracer, "off", NULL);
    context = span_context_of(span);
    assert_false(span_context_is_valid(&context));
    span_end(span);
    assert_int_equal(tracing_flush(sink_soon()), STATUS_OK);
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
}

static void starts_once(void **state)
{
    (void)state;
    static const char *const answers[] = {SINK_OK};
    struct tracing_config config;
    struct error error;
    tracing_config_from_environment(&config, "test");
    snprintf(config.otlp.endpoint, sizeof config.otlp.endpoint, "nonsense");
    assert_int_equal(tracing_start(&config, &error), STATUS_INVALID);
    assert_non_null(strstr(error.text, "nonsense"));
    sink_start(&sink, answers, 1);
    sink_trace(&sink, NULL);
    assert_int_equal(tracing_start(&config, &error), STATUS_EXISTS);
    struct span *late = span_start(&tracer, "late", NULL);
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    span_end(late); /* after the end: dropped and counted */
    struct tracing_stats stats = tracing_stats();
    assert_int_equal(stats.dropped_shutdown, 1);
    assert_int_equal(stats.dropped_queue_full, 0);
    check_sum();
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    sink_stop(&sink);
    config.disabled = true;
    assert_int_equal(tracing_start(&config, &error), STATUS_OK);
    assert_false(span_is_recording(span_start(&tracer, "disabled", NULL)));
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
}

/* ThreadSanitizer ends a fork's child that starts a thread. */
#ifdef __SANITIZE_THREAD__
enum { CAN_START_THREADS = 0 };
#else
enum { CAN_START_THREADS = 1 };
#endif

/* In the child: nothing of the parent's is sent again, new ids are drawn, a start of its own works.
 */
static int run_child(const struct span_context *before)
{
    span_end(span_start(&tracer, "off in the child", NULL));
    if (tracing_stats().queued != 0 || tracing_flush(sink_soon()) != STATUS_OK)
        return 1;
    if (!CAN_START_THREADS)
        return 0;
    sink_trace(&sink, NULL);
    struct span_options root = {.root = true};
    struct span *span = span_start(&tracer, "child", &root);
    struct span_context context = span_context_of(span);
    span_end(span);
    if (memcmp(context.trace_id.bytes, before->trace_id.bytes, 16) == 0)
        return 2;
    return tracing_shutdown(sink_soon()) == STATUS_OK ? 0 : 3;
}

static bool count_names(const struct sink_span *span, void *into)
{
    unsigned *counts = into;
    counts[0] += text_is(span->name, "parent");
    counts[1] += text_is(span->name, "child");
    return text_is(span->name, "parent") || text_is(span->name, "child");
}

static void sends_nothing_twice_after_a_fork(void **state)
{
    (void)state;
    static const char *const answers[] = {ANSWER("200 OK", "Connection: close\r\n")};
    unsigned counts[2] = {0};
    int code = -1;
    sink_start(&sink, answers, 1);
    sink_trace(&sink, NULL);
    struct span *span = span_start(&tracer, "parent", NULL);
    struct span_context context = span_context_of(span);
    span_end(span);
    pid_t child = fork();
    if (child == 0)
        _exit(run_child(&context));
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_int_equal(code, 0);
    assert_int_equal(tracing_flush(sink_soon()), STATUS_OK);
    sink_visit(&sink, count_names, counts);
    assert_int_equal(counts[0], 1);
    assert_int_equal(counts[1], CAN_START_THREADS);
    assert_int_equal(tracing_shutdown(sink_soon()), STATUS_OK);
    sink_stop(&sink);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(carries_contexts_on_while_off),
        cmocka_unit_test(follows_the_answer),
        cmocka_unit_test(takes_no_more_of_an_answer_than_its_limit),
        cmocka_unit_test(gives_up_on_a_trickle),
        cmocka_unit_test(waits_as_long_as_it_is_told),
        cmocka_unit_test(gives_up_on_a_silent_receiver),
        cmocka_unit_test(spares_a_receiver_that_asked_for_it),
        cmocka_unit_test(keeps_the_connection),
        cmocka_unit_test(connects_anew_where_the_server_closed),
        cmocka_unit_test(sends_nothing_where_nothing_ended),
        cmocka_unit_test(sends_whole_batches_unasked),
        cmocka_unit_test(sends_at_the_delay_unasked),
        cmocka_unit_test(sends_at_once_without_a_delay),
        cmocka_unit_test(looks_at_the_clocks_while_idle),
        cmocka_unit_test(cuts_batches_on_flush_too),
        cmocka_unit_test(counts_exactly_what_a_full_queue_drops),
        cmocka_unit_test(survives_a_receiver_that_is_down),
        cmocka_unit_test(loses_nothing_of_short_lived_threads),
        cmocka_unit_test(takes_spans_of_a_thread_that_leaves),
        cmocka_unit_test(takes_spans_from_idle_threads),
        cmocka_unit_test(adds_up_under_load),
        cmocka_unit_test(counts_spans_that_find_no_memory),
        cmocka_unit_test(keeps_no_memory_for_what_does_not_fit),
        cmocka_unit_test(starts_once),
        cmocka_unit_test(sends_nothing_twice_after_a_fork),
    };
    return cmocka_run_group_tests(tests, make_endless, NULL);
}
