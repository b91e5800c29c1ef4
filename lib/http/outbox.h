/* Transactional outbox: a message is written in the same transaction as the fact that it tells of,
 * sent to the queue right after the commit, and then struck off. What a crash or a busy queue
 * leaves behind is sent by a thread that looks at the start and after each failure; the queue
 * passes over keys that it knows, so twice is once. That thread makes no spans: what it sends still
 * carries the context of the request that wrote it.
 *
 * The service's schema includes OUTBOX_SCHEMA. Callable from any thread. */
#ifndef CULPRIT_HTTP_OUTBOX_H
#define CULPRIT_HTTP_OUTBOX_H

#include "base/status.h"
#include "base/text.h"
#include "http/db.h"
#include "http/queue.h"
#include "http/work.h"

#define OUTBOX_SCHEMA                                                                              \
    "CREATE TABLE IF NOT EXISTS outbox(key TEXT PRIMARY KEY, topic TEXT NOT NULL,"                 \
    " payload TEXT NOT NULL, context TEXT NOT NULL) WITHOUT ROWID;"

struct outbox_message {
    const char *topic;
    const char *key;              /* at most 63 bytes */
    const char *payload;          /* JSON */
    struct queue_context context; /* set by outbox_write */
};

struct outbox;

/* Starts the thread. The parts must outlive it. STATUS_NO_MEMORY, STATUS_IO. */
MUST_CHECK enum status outbox_start(struct outbox **out, const struct service_parts *parts,
                                    struct error *error);
void outbox_stop(struct outbox *outbox); /* NULL is fine */

/* In the caller's transaction, under the producer span of the message. Statuses of db_execute. */
MUST_CHECK enum status outbox_write(struct db_transaction *transaction, const struct work *work,
                                    struct outbox_message *message);

/* After the commit. A failure is the thread's to mend: the row is still there. */
void outbox_send(struct outbox *outbox, const struct work *work,
                 const struct outbox_message *message);

#endif
