#include "trace/trace_thread.h"

#include <pthread.h>
#include <string.h>

static _Thread_local struct trace_thread self;

/* Guarded by lock; held for a few instructions a thread, never over a wait or a system call. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct trace_thread *registry;
static uint64_t gone[TRACE_COUNTERS];     /* of threads that ended */
static uint64_t baseline[TRACE_COUNTERS]; /* what the last reset saw */

static pthread_key_t at_exit;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static bool has_key;

static void unlink_thread(struct trace_thread *thread)
{
    if (thread->previous != NULL)
        thread->previous->next = thread->next;
    else
        registry = thread->next;
    if (thread->next != NULL)
        thread->next->previous = thread->previous;
    thread->previous = thread->next = NULL;
}

static void leave(void *value)
{
    struct trace_thread *thread = value;
    span_queue_seal(&thread->producer, true);
    if (thread->spare_block != NULL)
        span_pool_put(thread->spare_block);
    thread->spare_block = NULL;
    light_span_release(&thread->spare_light);
    pthread_mutex_lock(&lock);
    unlink_thread(thread);
    for (int i = 0; i < TRACE_COUNTERS; i++) {
        gone[i] += atomic_load_explicit(&thread->counters[i], memory_order_relaxed);
        atomic_store_explicit(&thread->counters[i], 0, memory_order_relaxed);
    }
    thread->is_registered = false;
    pthread_mutex_unlock(&lock);
}

static void make_key(void)
{
    has_key = pthread_key_create(&at_exit, leave) == 0;
}

/* Without the destructor the registry would keep a pointer to memory that is gone, so a thread
 * that cannot have one stays outside: its records go to the list one by one. */
static void join_registry(struct trace_thread *thread)
{
    pthread_once(&key_once, make_key);
    if (!has_key || pthread_setspecific(at_exit, thread) != 0)
        return;
    pthread_mutex_lock(&lock);
    thread->next = registry;
    if (registry != NULL)
        registry->previous = thread;
    registry = thread;
    thread->is_registered = true;
    pthread_mutex_unlock(&lock);
}

struct trace_thread *trace_thread_self(void)
{
    if (__builtin_expect(!self.is_ready, 0)) {
        rng_seed_entropy(&self.rng);
        if (!self.is_registered)
            join_registry(&self);
        self.is_ready = true;
    }
    return &self;
}

struct span_producer *trace_thread_producer(struct trace_thread *thread)
{
    return thread->is_registered ? &thread->producer : NULL;
}

struct light_spare *trace_thread_light(struct trace_thread *thread)
{
    return thread->is_registered ? &thread->spare_light : NULL;
}

struct span_block *trace_thread_get_block(struct trace_thread *thread)
{
    struct span_block *block = thread->spare_block;
    if (block == NULL)
        return span_pool_get();
    thread->spare_block = NULL;
    span_pool_clear(block);
    return block;
}

/* Many idle threads must not starve busy ones: spares take half of the pool at the most. */
void trace_thread_put_block(struct trace_thread *thread, struct span_block *block)
{
    if (thread->is_registered && thread->spare_block == NULL &&
        span_pool_free_count() > span_pool_capacity() / 2)
        thread->spare_block = block;
    else
        span_pool_put(block);
}

static void count_gone(enum trace_counter counter)
{
    pthread_mutex_lock(&lock);
    gone[counter]++;
    pthread_mutex_unlock(&lock);
}

void trace_thread_count(struct trace_thread *thread, enum trace_counter counter)
{
    if (__builtin_expect(!thread->is_registered, 0)) {
        count_gone(counter);
        return;
    }
    /* One writer: a plain add, made whole for readers. */
    uint64_t value = atomic_load_explicit(&thread->counters[counter], memory_order_relaxed);
    atomic_store_explicit(&thread->counters[counter], value + 1, memory_order_relaxed);
}

struct trace_id trace_thread_new_trace_id(struct trace_thread *thread)
{
    struct trace_id id;
    uint64_t high = rng_next(&thread->rng), low = rng_next(&thread->rng);
    while ((high | low) == 0)
        low = rng_next(&thread->rng);
    memcpy(id.bytes, &high, 8);
    memcpy(id.bytes + 8, &low, 8);
    return id;
}

struct span_id trace_thread_new_span_id(struct trace_thread *thread)
{
    struct span_id id;
    uint64_t value = rng_next(&thread->rng);
    while (value == 0)
        value = rng_next(&thread->rng);
    memcpy(id.bytes, &value, 8);
    return id;
}

void trace_thread_seal_all(bool wait)
{
    pthread_mutex_lock(&lock);
    for (struct trace_thread *thread = registry; thread != NULL; thread = thread->next)
        span_queue_seal(&thread->producer, wait);
    pthread_mutex_unlock(&lock);
}

/* Caller has the lock. */
static uint64_t total(int counter)
{
    uint64_t sum = gone[counter];
    for (struct trace_thread *thread = registry; thread != NULL; thread = thread->next)
        sum += atomic_load_explicit(&thread->counters[counter], memory_order_relaxed);
    return sum;
}

void trace_thread_totals(uint64_t totals[TRACE_COUNTERS])
{
    pthread_mutex_lock(&lock);
    /* Backwards: an ended span is never counted before its start was. */
    for (int i = TRACE_COUNTERS; i-- > 0;)
        totals[i] = total(i) - baseline[i];
    pthread_mutex_unlock(&lock);
}

void trace_thread_reset_totals(void)
{
    pthread_mutex_lock(&lock);
    for (int i = 0; i < TRACE_COUNTERS; i++)
        baseline[i] = total(i);
    pthread_mutex_unlock(&lock);
}

void trace_thread_before_fork(void)
{
    pthread_mutex_lock(&lock);
}

void trace_thread_after_fork(bool is_child)
{
    if (is_child) {
        registry = self.is_registered ? &self : NULL;
        self.previous = self.next = NULL;
        self.is_ready = false;
        self.spare_block = NULL;
        atomic_store(&self.producer.open, NULL);
    }
    pthread_mutex_unlock(&lock);
}
