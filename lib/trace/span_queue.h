/* Ended spans on their way to the exporter.
 *
 * Every thread copies its records into a chunk of its own (a block of the pool); a full chunk goes
 * to the list that the exporter takes from, and the exporter also takes the open chunks of threads
 * when it collects, so an idle thread holds none. Ownership of an open chunk moves by one atomic
 * exchange; nothing is locked, nothing waits. The queue's bound counts spans. */
#ifndef CULPRIT_TRACE_SPAN_QUEUE_H
#define CULPRIT_TRACE_SPAN_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/span_pool.h"
#include "trace/trace.h"

/* Stands before each record's bytes in a chunk, unaligned. */
struct span_record {
    const struct tracer *tracer;
    uint32_t length_bytes; /* of the span's message */
    uint16_t prefix_bytes; /* fields before its first entry (see span_body.h) */
    uint16_t has_holes;    /* entries were overwritten: the exporter leaves them out */
};

/* One thread's side. `{0}` is a valid one. */
struct span_producer {
    _Atomic(struct span_block *) open;
};

enum span_queue_result {
    SPAN_QUEUED,
    SPAN_QUEUED_BATCH, /* with this one a whole batch waits: wake the exporter */
    SPAN_QUEUE_FULL,
};

/* Bounds in spans. Before the first put, or while nothing runs. */
void span_queue_configure(uint32_t max_count, uint32_t batch_count);

/* Copies a record that fits one block. `producer` NULL: a thread that is on its way out. */
enum span_queue_result span_queue_put(struct span_producer *producer,
                                      const struct span_record *record, const void *prefix,
                                      const void *body);

/* The largest message that span_queue_put takes. */
enum { SPAN_QUEUE_COPY_MAX = SPAN_BLOCK_DATA_BYTES - (int)sizeof(struct span_record) };

/* Hands a whole chain over; head->read_bytes is where its only record begins. When the queue is
 * full the chain goes back to the pool. */
enum span_queue_result span_queue_put_chain(struct span_block *head);

/* Moves a producer's open chunk to the list. `wait`: also when its thread is just writing to it
 * (some nanoseconds); otherwise such a chunk is left. */
void span_queue_seal(struct span_producer *producer, bool wait);

/* All chunks of the list, oldest first; the caller owns them. */
struct span_block *span_queue_take(void);

/* Spans that were put and not yet taken off by span_queue_taken. */
uint32_t span_queue_count(void);
void span_queue_taken(uint32_t count);

/* In the child of a fork: empties it without giving blocks back. */
void span_queue_forget(void);

#endif
