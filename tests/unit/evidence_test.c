/* What locks, pools, caches and threads leave on spans. */
#include "http/evidence.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hex.h"
#include "http/keylock.h"
#include "http/named_lock.h"
#include "http/pool.h"
#include "tests/unit/rows.h"
#include "tests/unit/trace_sink.h"

enum { HOLD_MS = 30 };

static const struct tracer tracer = {.name = "test"};
static struct sink sink;

static struct sink_span arrived(const char *name)
{
    struct sink_span span;
    assert_int_equal(tracing_flush(sink_soon()), STATUS_OK);
    assert_int_equal(sink_find(&sink, name, &span), 1);
    return span;
}

static int64_t number(const struct sink_span *span, const char *key)
{
    const struct sink_attribute *attribute = sink_attribute(span, key);
    if (attribute == NULL)
        fail_msg("no %s", key);
    return attribute->number;
}

/* ---- locks: another thread has it under a span of its own for HOLD_MS */

struct holder {
    bool (*enter)(void *lock, uint64_t deadline_ns);
    void (*leave)(void *lock);
    void *lock;
    pthread_barrier_t inside;
    struct trace_id trace_id;
};

static bool enter_named(void *lock, uint64_t deadline_ns)
{
    return named_lock_enter_until(lock, deadline_ns) == STATUS_OK;
}

static void leave_named(void *lock)
{
    named_lock_leave(lock);
}

static bool enter_key(void *lock, uint64_t deadline_ns)
{
    return keylock_enter(lock, "key", deadline_ns) == STATUS_OK;
}

static void leave_key(void *lock)
{
    keylock_leave(lock, "key");
}

static void *hold(void *argument)
{
    struct holder *holder = argument;
    struct span_scope scope = span_enter(&tracer, "holder");
    holder->trace_id = span_context_of(scope.span).trace_id;
    if (!holder->enter(holder->lock, sink_soon()))
        abort();
    pthread_barrier_wait(&holder->inside);
    clock_sleep_until_ns(clock_mono_ns() + HOLD_MS * NS_PER_MS);
    holder->leave(holder->lock);
    span_leave(&scope);
    return NULL;
}

/* true: it was entered by the deadline. */
static bool meet(struct holder *holder, const char *name, uint64_t wait_ns)
{
    pthread_t thread;
    pthread_barrier_init(&holder->inside, NULL, 2);
    assert_int_equal(pthread_create(&thread, NULL, hold, holder), 0);
    pthread_barrier_wait(&holder->inside);
    struct span_scope scope = span_enter(&tracer, name);
    bool entered = holder->enter(holder->lock, clock_mono_ns() + wait_ns);
    if (entered)
        holder->leave(holder->lock);
    /* a second time, when it is free: the worst stays */
    pthread_join(thread, NULL);
    assert_true(holder->enter(holder->lock, sink_soon()));
    holder->leave(holder->lock);
    span_leave(&scope);
    pthread_barrier_destroy(&holder->inside);
    return entered;
}

static void check_waited(const struct holder *holder, const char *span_name, const char *lock_name,
                         int64_t least_us)
{
    char digits[33] = "";
    struct sink_span span = arrived(span_name);
    hex_encode(holder->trace_id.bytes, 16, digits);
    assert_true(sink_has_text(&span, "evidence.lock.name", lock_name));
    assert_true(sink_has_text(&span, "evidence.lock.holder.trace_id", digits));
    assert_in_range(number(&span, "evidence.lock.wait_us"), least_us, 20 * 1000 * 1000);
}

static void check_named_lock(void **state)
{
    struct named_lock lock;
    (void)state;
    named_lock_init(&lock, "the lock");
    struct holder holder = {.enter = enter_named, .leave = leave_named, .lock = &lock};
    assert_true(meet(&holder, "waiter", 20 * NS_PER_S));
    check_waited(&holder, "waiter", "the lock", HOLD_MS * 1000 / 2);
    assert_false(meet(&holder, "late", NS_PER_MS));
    check_waited(&holder, "late", "the lock", 1000);
    named_lock_release(&lock);
}

static void check_keylock(void **state)
{
    struct keylock *lock = keylock_new("the keys", 4);
    (void)state;
    struct holder holder = {.enter = enter_key, .leave = leave_key, .lock = lock};
    assert_true(meet(&holder, "key waiter", 20 * NS_PER_S));
    check_waited(&holder, "key waiter", "the keys", HOLD_MS * 1000 / 2);
    keylock_free(lock);
}

static void check_free_lock(void **state)
{
    struct named_lock lock;
    (void)state;
    named_lock_init(&lock, "free");
    struct span_scope scope = span_enter(&tracer, "no wait");
    named_lock_enter(&lock);
    named_lock_leave(&lock);
    span_leave(&scope);
    named_lock_enter(&lock); /* without a span: nothing to tell */
    named_lock_leave(&lock);
    struct sink_span span = arrived("no wait");
    assert_true(sink_has_text(&span, "evidence.lock.name", "free"));
    assert_int_equal(number(&span, "evidence.lock.wait_us"), 0);
    assert_null(sink_attribute(&span, "evidence.lock.holder.trace_id"));
    named_lock_release(&lock);
}

struct counted {
    struct named_lock lock;
    uint64_t count; /* no atomic: the lock is to guard it */
};

static void *count_up(void *argument)
{
    struct counted *counted = argument;
    for (int i = 0; i < 2000; i++) {
        named_lock_enter(&counted->lock);
        counted->count++;
        named_lock_leave(&counted->lock);
    }
    return NULL;
}

static void check_one_at_a_time(void **state)
{
    struct counted counted = {.count = 0};
    pthread_t threads[4];
    (void)state;
    named_lock_init(&counted.lock, "counted");
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_up, &counted), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(counted.count, 4 * 2000);
    named_lock_release(&counted.lock);
}

/* ---- pools */

static void *leave_later(void *pool)
{
    clock_sleep_until_ns(clock_mono_ns() + HOLD_MS * NS_PER_MS);
    pool_leave(pool);
    return NULL;
}

static void check_pool(void **state)
{
    struct pool pool;
    struct evidence_pool first, second, third;
    pthread_t thread;
    (void)state;
    pool_init(&pool, "places", 2);
    assert_int_equal(pool_enter(&pool, sink_soon(), &first), STATUS_OK);
    assert_int_equal(pool_enter(&pool, sink_soon(), &second), STATUS_OK);
    assert_true(first.wait_ns == 0 && first.in_use == 1 && second.in_use == 2);
    assert_int_equal(pool_enter(&pool, clock_mono_ns() + NS_PER_MS, &third), STATUS_TIMEOUT);
    assert_true(third.wait_ns >= NS_PER_MS);
    assert_int_equal(pthread_create(&thread, NULL, leave_later, &pool), 0);
    assert_int_equal(pool_enter(&pool, sink_soon(), &third), STATUS_OK);
    pthread_join(thread, NULL);
    struct span_scope scope = span_enter(&tracer, "at once");
    evidence_pool(scope.span, &first);
    span_leave(&scope);
    scope = span_enter(&tracer, "pooled");
    evidence_pool(scope.span, &third);
    span_leave(&scope);
    struct sink_span span = arrived("pooled");
    assert_true(sink_has_text(&span, "evidence.pool.name", "places"));
    assert_in_range(number(&span, "evidence.pool.wait_us"), HOLD_MS * 1000 / 2, 20 * 1000 * 1000);
    assert_int_equal(number(&span, "evidence.pool.in_use"), 2);
    assert_int_equal(number(&span, "evidence.pool.size"), 2);
    span = arrived("at once");
    assert_int_equal(number(&span, "evidence.pool.in_use"), 1);
    assert_null(sink_attribute(&span, "evidence.pool.wait_us"));
    pool_leave(&pool);
    pool_leave(&pool);
    pool_release(&pool);
}

/* ---- the others */

static void check_cache(void **state)
{
    (void)state;
    struct span_scope scope = span_enter(&tracer, "hit");
    evidence_cache("things", true);
    span_leave(&scope);
    scope = span_enter(&tracer, "missed once");
    evidence_cache("things", true);
    evidence_cache("others", false);
    evidence_cache("things", true);
    span_leave(&scope);
    evidence_cache("things", false); /* without a span */
    struct sink_span span = arrived("hit");
    assert_true(sink_has_text(&span, "evidence.cache.name", "things"));
    assert_int_equal(number(&span, "evidence.cache.hit"), 1);
    span = arrived("missed once");
    assert_true(sink_has_text(&span, "evidence.cache.name", "others"));
    assert_int_equal(number(&span, "evidence.cache.hit"), 0);
}

static void burn_cpu_ns(uint64_t burnt_ns)
{
    uint64_t until_ns = clock_thread_cpu_ns() + burnt_ns;
    while (clock_thread_cpu_ns() < until_ns) {
    }
}

static void check_cpu(void **state)
{
    (void)state;
    struct span_scope scope = span_enter(&tracer, "busy");
    uint64_t began_ns = evidence_cpu_begin_ns(scope.span);
    burn_cpu_ns(10 * NS_PER_MS);
    evidence_cpu_end(scope.span, began_ns, UINT64_MAX);
    span_leave(&scope);
    scope = span_enter(&tracer, "idle");
    began_ns = evidence_cpu_begin_ns(scope.span);
    clock_sleep_until_ns(clock_mono_ns() + HOLD_MS * NS_PER_MS);
    evidence_cpu_end(scope.span, began_ns, UINT64_MAX);
    span_leave(&scope);
    struct sink_span span = arrived("busy");
    int64_t busy_us = number(&span, "evidence.thread.cpu_us");
    span = arrived("idle");
    assert_in_range(busy_us, 10000, 20 * 1000 * 1000);
    assert_true(number(&span, "evidence.thread.cpu_us") < busy_us);
}

/* What a span tells that begins 10 ms of CPU time after one that ended. */
static int64_t served_us(const char *name, bool had_other, uint64_t most_ns)
{
    struct span_scope scope = span_enter(&tracer, "before");
    evidence_cpu_end(scope.span, evidence_cpu_begin_ns(scope.span), UINT64_MAX);
    span_leave(&scope);
    burn_cpu_ns(10 * NS_PER_MS);
    if (had_other)
        assert_int_equal(evidence_cpu_resume_ns(NULL), 0);
    scope = span_enter(&tracer, name);
    evidence_cpu_end(scope.span, evidence_cpu_resume_ns(scope.span), most_ns);
    span_leave(&scope);
    struct sink_span span = arrived(name);
    return number(&span, "evidence.thread.cpu_us");
}

static void check_resumed_cpu(void **state)
{
    (void)state;
    int64_t since_last_us = served_us("since the last", false, UINT64_MAX);
    assert_in_range(since_last_us, 10000, 20 * 1000 * 1000);
    assert_int_equal(served_us("at most its duration", false, 7000), 7);
    assert_true(served_us("after another", true, UINT64_MAX) < since_last_us);
}

static void check_message(void **state)
{
    (void)state;
    struct span_scope scope = span_enter(&tracer, "message");
    evidence_message(scope.span, &(struct evidence_message){.body_bytes = 77,
                                                            .depth = 3,
                                                            .enqueued_wall_ns = 5000000,
                                                            .taken_wall_ns = 7000000,
                                                            .attempt = 2});
    span_leave(&scope);
    scope = span_enter(&tracer, "clocks differ");
    evidence_message(scope.span,
                     &(struct evidence_message){.enqueued_wall_ns = 9000, .taken_wall_ns = 1000});
    span_leave(&scope);
    struct sink_span span = arrived("message");
    assert_int_equal(number(&span, "messaging.message.body.size"), 77);
    assert_int_equal(number(&span, "evidence.queue.depth"), 3);
    assert_int_equal(number(&span, "evidence.queue.enqueued_unix_us"), 5000);
    assert_int_equal(number(&span, "evidence.queue.wait_us"), 2000);
    assert_int_equal(number(&span, "evidence.queue.attempt"), 2);
    span = arrived("clocks differ");
    assert_int_equal(number(&span, "evidence.queue.wait_us"), 0);
}

static int start(void **state)
{
    static const char *const script[] = {SINK_OK};
    (void)state;
    sink_start(&sink, script, 1);
    sink_trace(&sink, NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    enum status status = tracing_shutdown(sink_soon());
    sink_stop(&sink);
    return status == STATUS_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_named_lock), cmocka_unit_test(check_keylock),
        cmocka_unit_test(check_free_lock),  cmocka_unit_test(check_one_at_a_time),
        cmocka_unit_test(check_pool),       cmocka_unit_test(check_cache),
        cmocka_unit_test(check_cpu),        cmocka_unit_test(check_resumed_cpu),
        cmocka_unit_test(check_message),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
