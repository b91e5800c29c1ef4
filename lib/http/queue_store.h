/* The queue's sqlite file: messages, who has them until when, and what became of them. One
 * connection behind a mutex; other processes have theirs (WAL). Every change is one transaction
 * begun with BEGIN IMMEDIATE. Makes no spans. Times are Unix milliseconds, so that they hold from
 * process to process. Callable from any thread; waits for another process's lock up to 2 s. */
#ifndef CULPRIT_HTTP_QUEUE_STORE_H
#define CULPRIT_HTTP_QUEUE_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/text.h"
#include "http/queue.h"

enum {
    QUEUE_STORE_ATTEMPTS_MAX = 15,
    QUEUE_STORE_KEYS_KEPT = 100000,
    QUEUE_STORE_DEPTH_MAX = 1000
};

/* How long to wait after the failure of attempt 1, 2, ...: short at first, 10 s in the end, and
 * more than a minute by the last, so that what the consumer needs may be away that long. */
uint64_t queue_store_back_off_ms(unsigned attempt);

struct queue_store;

/* Makes the file and the directories above it. STATUS_IO, STATUS_NO_MEMORY with words. */
MUST_CHECK enum status queue_store_new(struct queue_store **out, const char *path,
                                       struct error *error);
void queue_store_free(struct queue_store *store); /* NULL is fine */

/* A key that the topic knows (of the last QUEUE_STORE_KEYS_KEPT done ones, and of all others) adds
 * nothing. STATUS_BUSY, STATUS_IO. `now_ns` is Unix time. */
MUST_CHECK enum status queue_store_add(struct queue_store *store, const char *topic,
                                       const char *key, struct text payload,
                                       const struct queue_context *context, uint64_t now_ns);

/* A message in hand. `attempt` fences it: what was claimed again by another is not ours to end. */
struct queue_claim {
    int64_t id;
    unsigned attempt; /* from 1 */
    char key[64];
    char *payload; /* owned: queue_store_release */
    size_t payload_bytes;
    struct queue_context context;
    uint64_t enqueued_wall_ns;
    uint64_t depth; /* messages that were due behind it, counted up to QUEUE_STORE_DEPTH_MAX */
};

/* The message that is due longest, leased until `until_ms`. One whose lease ended is due again, or
 * parked after QUEUE_STORE_ATTEMPTS_MAX. STATUS_NOT_FOUND: nothing is due (a look-up, no write);
 * STATUS_BUSY, STATUS_IO, STATUS_NO_MEMORY. */
MUST_CHECK enum status queue_store_claim(struct queue_store *store, const char *topic,
                                         uint64_t now_ms, uint64_t until_ms,
                                         struct queue_claim *claim);
void queue_store_release(struct queue_claim *claim); /* frees the payload; may be called twice */

/* The message was handled. STATUS_NOT_FOUND: it is not ours any more; STATUS_BUSY, STATUS_IO. */
MUST_CHECK enum status queue_store_done(struct queue_store *store, const char *topic,
                                        const struct queue_claim *claim);

/* It was not: due again at `due_ms`, or parked after QUEUE_STORE_ATTEMPTS_MAX. Statuses as above.
 */
MUST_CHECK enum status queue_store_return(struct queue_store *store,
                                          const struct queue_claim *claim, uint64_t due_ms);

MUST_CHECK enum status queue_store_stats(struct queue_store *store, const char *topic,
                                         struct queue_stats *out);

/* Copies the log into the file when it has grown; for a thread that nobody waits for. */
void queue_store_tidy(struct queue_store *store);

#endif
