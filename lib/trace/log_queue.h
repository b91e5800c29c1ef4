/* Encoded log records between whoever logs and the one thread that sends them: a ring of bytes,
 * mapped at the start. A producer reserves its place with one compare-and-swap, copies, and
 * publishes; it never blocks, never waits for another one, never allocates. What does not fit is
 * refused. Records leave in the order of their reservation, so that one that is being copied holds
 * up those behind it, and nobody else. Callable from any thread but where it says otherwise. */
#ifndef CULPRIT_TRACE_LOG_QUEUE_H
#define CULPRIT_TRACE_LOG_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { LOG_QUEUE_RECORD_MAX = 8192 }; /* bytes of one record */

struct log_queue_record {
    const void *scope; /* what the producer handed over */
    const uint8_t *bytes;
    size_t length_bytes;
};

/* A ring for `max_count` records of 256 bytes, at least 64 KiB; larger records make it hold fewer.
 * One that is there already and large enough is used again, with what a late producer left in it;
 * a smaller one is left to late producers for ever. STATUS_NO_MEMORY. */
MUST_CHECK enum status log_queue_start(uint32_t max_count);

/* In the child of a fork: what was queued is the parent's to send. */
void log_queue_forget(void);

/* Copies one record. false: it is full, there is none, or the record is over the maximum. */
bool log_queue_put(const void *scope, const void *bytes, size_t length_bytes);

/* Records that wait, those that are being copied included. */
uint32_t log_queue_count(void);

/* More than half of the bytes are in use. */
bool log_queue_is_half_full(void);

/* ---- the consumer, one thread at a time */

/* The oldest record; borrowed until log_queue_drop. false: none is whole. */
bool log_queue_peek(struct log_queue_record *out);
/* Gives its room back. */
void log_queue_drop(void);

#endif
