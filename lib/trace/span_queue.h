/* Ended spans on their way to the exporter.
 *
 * Every thread copies its records into a chunk of its own (a block of the pool); a full chunk goes
 * to the list that the exporter takes from, and the exporter also takes the open chunks of threads
 * when it collects, so an idle thread holds none. The owner of a chunk pays no locked instruction
 * for it (asymmetric.h): the exporter turns it to another chunk, and takes the first when it is
 * out. The queue's bound counts spans; a thread books a few places at a time. */
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

/* An open chunk, and the places booked for records to come in it. */
struct span_side {
    struct span_block *open;
    _Atomic uint32_t credit;
};

/* One thread's part. The owner writes on the side that is up, the exporter takes the other one.
 * `{0}` is a valid one. */
struct span_producer {
    struct span_side sides[2];
    atomic_uchar busy; /* the owner is writing */
    atomic_uchar up;
};

enum span_queue_result {
    SPAN_QUEUED,
    SPAN_QUEUED_BATCH, /* with this one a whole batch waits: wake the exporter */
    SPAN_QUEUE_FULL,
};

/* Bounds in spans. What still lies in it is given back to the pool. Not while anybody takes. */
void span_queue_configure(uint32_t max_count, uint32_t batch_count);

/* No place is booked any more. Once the open chunks were moved to the list after it, and
 * span_queue_count is 0, nothing comes. */
void span_queue_close(void);

/* Copies a record, its head first, that fits one block. `producer` NULL: a thread that is on its
 * way out, or a machine without asymmetric fences. */
enum span_queue_result span_queue_put(struct span_producer *producer, const void *record,
                                      size_t length_bytes);

/* The longest record, with its head, that span_queue_put takes. */
enum { SPAN_QUEUE_COPY_MAX = SPAN_BLOCK_DATA_BYTES };

/* Hands a whole chain over; head->read_bytes is where its only record begins. When the queue is
 * full the chain goes back to the pool. */
enum span_queue_result span_queue_put_chain(struct span_block *head);

/* The exporter moves what is open to the list in three steps: it turns all producers, passes
 * asymmetric_heavy once, and seals the side that is down of all, for which it waits while the
 * owner is writing (some nanoseconds). */
void span_queue_turn(struct span_producer *producer);
void span_queue_seal_down(struct span_producer *producer);

/* Both sides at once, when owner and exporter do nothing with it. */
void span_queue_seal(struct span_producer *producer);

/* Places booked and not used. */
uint32_t span_queue_credit(const struct span_producer *producer);

/* All chunks of the list, oldest first; the caller owns them. */
struct span_block *span_queue_take(void);

/* Spans that were put and not yet taken off by span_queue_taken, and places booked. */
uint32_t span_queue_count(void);
void span_queue_taken(uint32_t count);

/* In the child of a fork: empties and closes it without giving blocks back. */
void span_queue_forget(void);

#endif
