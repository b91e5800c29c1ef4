/* What the library keeps for each thread: its source of ids, its open chunk, its counters. Lies in
 * thread-local storage, is set up at a thread's first span and given back at its end; never
 * allocates. */
#ifndef CULPRIT_TRACE_TRACE_THREAD_H
#define CULPRIT_TRACE_TRACE_THREAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "trace/light_span.h"
#include "trace/span_queue.h"

enum trace_counter {
    TRACE_STARTED,
    TRACE_UNSAMPLED,
    TRACE_ENDED,
    TRACE_DROPPED, /* queue full or pool exhausted */
    TRACE_COUNTERS,
};

struct trace_thread {
    struct span_producer producer;
    struct rng rng;
    _Atomic uint64_t counters[TRACE_COUNTERS]; /* written by the thread alone */
    bool is_ready;                             /* seeded and registered */
    bool is_registered;                        /* false after the thread's destructors ran */
    struct span_block *spare_block;            /* kept while the pool is more than half free */
    struct light_spare spare_light;
    struct trace_thread *previous, *next; /* in the registry, under its lock */
};

/* The calling thread's own. */
struct trace_thread *trace_thread_self(void);

/* The producer for span_queue_put: NULL where the thread is on its way out. */
struct span_producer *trace_thread_producer(struct trace_thread *thread);

/* A block for a live span, the thread's spare one first; see span_pool_get. */
struct span_block *trace_thread_get_block(struct trace_thread *thread);
void trace_thread_put_block(struct trace_thread *thread, struct span_block *block);

/* Where a light span may come from and go to; NULL where the thread is on its way out. */
struct light_spare *trace_thread_light(struct trace_thread *thread);

void trace_thread_count(struct trace_thread *thread, enum trace_counter counter);

/* Non-zero ids. */
struct trace_id trace_thread_new_trace_id(struct trace_thread *thread);
struct span_id trace_thread_new_span_id(struct trace_thread *thread);

/* Moves the open chunks of all threads to the queue's list (see span_queue_seal). */
void trace_thread_seal_all(bool wait);

/* Sums over all threads, also those that are gone, since the last reset. */
void trace_thread_totals(uint64_t totals[TRACE_COUNTERS]);
void trace_thread_reset_totals(void);

/* Around fork: the registry's lock is held in between; the child forgets all other threads, and
 * the calling one draws new ids. */
void trace_thread_before_fork(void);
void trace_thread_after_fork(bool is_child);

#endif
