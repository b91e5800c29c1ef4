/* Makes one OTLP request of queued log records. The log exporter's thread alone. */
#ifndef CULPRIT_TRACE_LOG_BATCH_H
#define CULPRIT_TRACE_LOG_BATCH_H

#include "base/status.h"
#include "base/text.h"

enum { LOG_BATCH_BYTES_MAX = 4 << 20, LOG_BATCH_COUNT_MAX = 65536 };

struct log_batch {
    uint8_t *bytes; /* the request */
    size_t length_bytes;
    uint32_t max_count;
};

/* Memory for batches of at most max_count records. STATUS_NO_MEMORY. */
MUST_CHECK enum status log_batch_init(struct log_batch *batch, uint32_t max_count);
void log_batch_release(struct log_batch *batch);

/* Takes the oldest records from the queue and builds a request around `resource` (a Resource
 * message, shorter than 64 KiB); the number of its records, 0 when nothing waits. */
uint32_t log_batch_build(struct log_batch *batch, struct text resource);

#endif
