/* What the library keeps for each thread: its source of ids, its open chunk, its counters. Lies in
 * thread-local storage, is set up at a thread's first span and given back at its end; never
 * allocates. */
#ifndef CULPRIT_TRACE_TRACE_THREAD_H
#define CULPRIT_TRACE_TRACE_THREAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/rng.h"
#include "trace/asymmetric.h"
#include "trace/light_span.h"
#include "trace/span_queue.h"

enum trace_counter {
    TRACE_STARTED,
    TRACE_UNSAMPLED,
    TRACE_ENDED,
    TRACE_DROPPED,   /* queue full or pool exhausted */
    TRACE_LATE,      /* ended after the shutdown of the tracing that they began in */
    TRACE_LIMITED,   /* exported without some attributes, events or links */
    TRACE_UNCARRIED, /* contexts that found no light span: their trace ends there */
    TRACE_COUNTERS,
};

/* A span and one within it: what a thread makes over and over stays in its processor's cache. */
enum { TRACE_THREAD_SPARES = 2 };

struct trace_thread {
    struct span_producer producer;
    struct rng rng;
    _Atomic uint64_t counters[TRACE_COUNTERS]; /* written by the thread alone */
    bool is_ready;                             /* seeded and registered */
    bool is_registered;                        /* false after the thread's destructors ran */
    uint32_t spare_count;
    struct span_block *spares[TRACE_THREAD_SPARES]; /* kept while the pool is more than half free */
    struct light_spare spare_light;
    atomic_uint hooks;                    /* entered and not left */
    struct trace_thread *previous, *next; /* in the registry, under its lock */
};

/* One slot of static storage: no call to find it, also from a shared library. */
extern _Thread_local struct trace_thread trace_thread_own
    __attribute__((tls_model("initial-exec")));

/* Makes the calling thread's own ready. */
void trace_thread_join(void);

/* The calling thread's own. */
static inline struct trace_thread *trace_thread_self(void)
{
    if (__builtin_expect(!trace_thread_own.is_ready, 0))
        trace_thread_join();
    return &trace_thread_own;
}

/* The producer for span_queue_put, which see for NULL. */
static inline struct span_producer *trace_thread_producer(struct trace_thread *thread)
{
    return thread->is_registered && asymmetric_is_there() ? &thread->producer : NULL;
}

/* A block for a live span, the thread's spare ones first; see span_pool_get. */
static inline struct span_block *trace_thread_get_block(struct trace_thread *thread)
{
    if (thread->spare_count == 0)
        return span_pool_get();
    struct span_block *block = thread->spares[--thread->spare_count];
    span_pool_clear(block);
    return block;
}
void trace_thread_put_block(struct trace_thread *thread, struct span_block *block);

/* Where a light span may come from and go to; NULL where the thread is on its way out. */
static inline struct light_spare *trace_thread_light(struct trace_thread *thread)
{
    return thread->is_registered ? &thread->spare_light : NULL;
}

/* Where the thread counts the hooks that it is inside of. */
extern atomic_uint trace_thread_stray_hooks; /* of threads on their way out */
static inline atomic_uint *trace_thread_hook_mark(struct trace_thread *thread)
{
    return thread->is_registered ? &thread->hooks : &trace_thread_stray_hooks;
}

/* Any thread but the calling one is inside a hook. */
bool trace_thread_others_in_hooks(void);

/* Of a thread that is on its way out. */
void trace_thread_count_gone(enum trace_counter counter);

static inline void trace_thread_count(struct trace_thread *thread, enum trace_counter counter)
{
    if (__builtin_expect(!thread->is_registered, 0)) {
        trace_thread_count_gone(counter);
        return;
    }
    /* One writer: a plain add, made whole for readers. */
    uint64_t value = atomic_load_explicit(&thread->counters[counter], memory_order_relaxed);
    atomic_store_explicit(&thread->counters[counter], value + 1, memory_order_relaxed);
}

/* Non-zero ids. */
static inline struct trace_id trace_thread_new_trace_id(struct trace_thread *thread)
{
    struct trace_id id;
    uint64_t words[2] = {rng_next(&thread->rng), rng_next(&thread->rng)};
    while ((words[0] | words[1]) == 0)
        words[1] = rng_next(&thread->rng);
    memcpy(id.bytes, words, sizeof id.bytes);
    return id;
}

static inline struct span_id trace_thread_new_span_id(struct trace_thread *thread)
{
    struct span_id id;
    uint64_t value = rng_next(&thread->rng);
    while (value == 0)
        value = rng_next(&thread->rng);
    memcpy(id.bytes, &value, sizeof id.bytes);
    return id;
}

/* Moves the open chunks of all threads to the queue's list. */
void trace_thread_seal_all(void);

/* Places of the queue that all threads together have booked and not used yet. */
uint32_t trace_thread_credit(void);

/* Sums over all threads, also those that are gone, since the last reset. What was live at the
 * reset counts as started since, so that started is never less than ended. */
void trace_thread_totals(uint64_t totals[TRACE_COUNTERS]);
void trace_thread_reset_totals(void);

/* Around fork: the registry's lock is held in between; the child forgets all other threads, and
 * the calling one draws new ids. */
void trace_thread_before_fork(void);
void trace_thread_after_fork(bool is_child);

#endif
