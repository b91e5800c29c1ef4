#include "trace/trace_thread.h"

#include <pthread.h>
#include <string.h>

#include "trace/asymmetric.h"

_Thread_local struct trace_thread trace_thread_own __attribute__((tls_model("initial-exec")));

/* Guarded by lock; held for a few instructions a thread, and over one membarrier. */
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
    while (thread->spare_count > 0)
        span_pool_put(thread->spares[--thread->spare_count]);
    light_span_release(&thread->spare_light);
    pthread_mutex_lock(&lock);
    span_queue_seal(&thread->producer); /* the exporter looks at it under the lock only */
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

void trace_thread_join(void)
{
    struct trace_thread *own = &trace_thread_own;
    rng_seed_entropy(&own->rng);
    if (!own->is_registered)
        join_registry(own);
    own->is_ready = true;
}

/* Many idle threads must not starve busy ones: spares take half of the pool at the most. */
void trace_thread_put_block(struct trace_thread *thread, struct span_block *block)
{
    if (thread->is_registered && thread->spare_count < TRACE_THREAD_SPARES &&
        span_pool_free_count() > span_pool_capacity() / 2)
        thread->spares[thread->spare_count++] = block;
    else
        span_pool_put(block);
}

void trace_thread_count_gone(enum trace_counter counter)
{
    pthread_mutex_lock(&lock);
    gone[counter]++;
    pthread_mutex_unlock(&lock);
}

void trace_thread_seal_all(void)
{
    if (!asymmetric_was_there())
        return; /* no chunk was ever left open */
    if (span_queue_count() == 0)
        return; /* nor is one now: what lies in it has its place booked */
    pthread_mutex_lock(&lock);
    for (struct trace_thread *thread = registry; thread != NULL; thread = thread->next)
        span_queue_turn(&thread->producer);
    asymmetric_heavy();
    for (struct trace_thread *thread = registry; thread != NULL; thread = thread->next)
        span_queue_seal_down(&thread->producer);
    pthread_mutex_unlock(&lock);
}

atomic_uint trace_thread_stray_hooks;

bool trace_thread_others_in_hooks(void)
{
    bool found = atomic_load(&trace_thread_stray_hooks) > 0;
    pthread_mutex_lock(&lock);
    for (struct trace_thread *thread = registry; thread != NULL; thread = thread->next)
        found |= thread != &trace_thread_own && atomic_load(&thread->hooks) > 0;
    pthread_mutex_unlock(&lock);
    return found;
}

uint32_t trace_thread_credit(void)
{
    uint32_t sum = 0;
    pthread_mutex_lock(&lock);
    for (struct trace_thread *thread = registry; thread != NULL; thread = thread->next)
        sum += span_queue_credit(&thread->producer);
    pthread_mutex_unlock(&lock);
    return sum;
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
        baseline[i] = total(i == TRACE_STARTED ? TRACE_ENDED : i);
    pthread_mutex_unlock(&lock);
}

void trace_thread_before_fork(void)
{
    pthread_mutex_lock(&lock);
}

/* What other threads have counted is the parent's. */
static void forget_counters(struct trace_thread *own)
{
    for (int i = 0; i < TRACE_COUNTERS; i++) {
        atomic_store_explicit(&own->counters[i], 0, memory_order_relaxed);
        gone[i] = baseline[i] = 0;
    }
    atomic_store(&trace_thread_stray_hooks, 0);
}

void trace_thread_after_fork(bool is_child)
{
    if (is_child) {
        struct trace_thread *own = &trace_thread_own;
        registry = own->is_registered ? own : NULL;
        own->previous = own->next = NULL;
        own->is_ready = false;
        own->spare_count = 0;
        own->producer = (struct span_producer){0};
        forget_counters(own);
    }
    pthread_mutex_unlock(&lock);
}
