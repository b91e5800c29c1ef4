/* Makes one OTLP request of queued records, grouped by instrumentation scope, and gives their
 * blocks back to the pool. The exporter's alone. */
#ifndef CULPRIT_TRACE_SPAN_BATCH_H
#define CULPRIT_TRACE_SPAN_BATCH_H

#include "trace/span_queue.h"

enum { SPAN_BATCH_BYTES_MAX = 4 << 20, SPAN_BATCH_COUNT_MAX = 65536 };

struct span_batch_record {
    const uint8_t *at; /* in `block` */
    const struct span_block *block;
    struct span_record head;
    bool is_written;
};

struct span_batch {
    uint8_t *bytes; /* the request */
    size_t capacity_bytes, length_bytes;
    struct span_batch_record *records;
    uint32_t max_count, count;
    uint32_t waiting_count;          /* added and not yet in a batch */
    struct span_block *first, *last; /* taken from the queue, oldest first, not yet in a batch */
    struct span_block *done;         /* read to the end */
};

/* Memory for batches of at most max_count spans. STATUS_NO_MEMORY. */
MUST_CHECK enum status span_batch_init(struct span_batch *batch, uint32_t max_count);
void span_batch_release(struct span_batch *batch);

/* Adds blocks of span_queue_take at the end. */
void span_batch_add(struct span_batch *batch, struct span_block *oldest);

/* Builds the next request around `resource` (a Resource message); the number of its spans, 0 when
 * nothing waits. */
uint32_t span_batch_build(struct span_batch *batch, const uint8_t *resource, size_t resource_bytes);

#endif
