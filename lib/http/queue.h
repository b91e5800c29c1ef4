/* A durable, at-least-once queue of small messages behind one interface; an sqlite file shared by
 * the processes that use it (WAL). A message carries the trace context of its producer, and
 * baggage, in a column of its own. A consumer claims a message under a lease; a message whose
 * consumer died comes back when the lease ends; one that failed for more than a minute is parked
 * and counted. Polls of an empty queue make no span. */
#ifndef CULPRIT_HTTP_QUEUE_H
#define CULPRIT_HTTP_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/text.h"
#include "http/work.h"
#include "trace/carrier.h"
#include "trace/context.h"

enum { QUEUE_PAYLOAD_MAX = 64 * 1024 };

struct queue_message {
    int64_t id;
    char key[64];        /* the producer's: a message with a key that is known is not added */
    struct text payload; /* JSON; borrowed during the handler */
    struct remote_context context;
    uint64_t enqueued_wall_ns;
    unsigned attempt; /* from 1 */
};

/* `url`: "sqlite:PATH" (or a bare path). STATUS_UNSUPPORTED, STATUS_IO with words. */
MUST_CHECK enum status queue_new(struct queue **out, const char *url, struct error *error);
void queue_free(struct queue *queue);

/* What goes along with a message, as the propagators wrote it: the context of its producer span and
 * the baggage. Lines of text, kept in rows of an outbox and of the queue. */
struct queue_context {
    char fields[CARRIER_LINES_MAX];
};

/* Starts the PRODUCER span "send {topic}" under the thread's current span and gives what goes
 * along with the message, for the outbox row that the caller writes in its transaction. End it with
 * span_end once the row is written. */
struct span *queue_producer_span(const char *service, const char *topic, struct queue_context *out);

/* Adds messages; known keys are passed over (STATUS_OK). STATUS_BUSY, STATUS_IO, STATUS_TOO_LARGE.
 */
MUST_CHECK enum status queue_publish(struct queue *queue, const char *topic, const char *key,
                                     struct text payload, const struct queue_context *context);

/* Handles one message under its CONSUMER span "process {topic}" (child of the producer's span, and
 * linked to it), current on the thread. STATUS_OK acknowledges; anything else gives the message
 * back after a back-off and is an exception on the span (trace/log_record.h). */
typedef enum status queue_handler(struct work *work, const struct queue_message *message);

struct queue_consumers; /* a few threads that take messages of one topic */

struct queue_consumer_config {
    const char *topic;
    queue_handler *handle;
    unsigned thread_count; /* 4 when 0 */
    unsigned lease_ms;     /* 30,000 when 0 */
    struct service_parts *parts;
    struct faults *faults;
};

MUST_CHECK enum status queue_consume(struct queue *queue,
                                     const struct queue_consumer_config *config,
                                     struct queue_consumers **out, struct error *error);
/* Finishes what is in hand, stops the threads. NULL is fine. */
void queue_consumers_stop(struct queue_consumers *consumers);

struct queue_stats {
    uint64_t waiting, in_hand, parked, done;
};
MUST_CHECK enum status queue_stats(struct queue *queue, const char *topic, struct queue_stats *out);

#endif
