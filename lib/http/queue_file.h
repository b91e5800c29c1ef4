/* The queue's sqlite connection: the schema, and the statements that queue_store.c runs, each
 * prepared once. One caller at a time; queue_store.c sees to that. */
#ifndef CULPRIT_HTTP_QUEUE_FILE_H
#define CULPRIT_HTTP_QUEUE_FILE_H

#include <stdbool.h>

#include <sqlite3.h>

#include "base/status.h"
#include "base/text.h"

enum queue_statement {
    QUEUE_BEGIN,
    QUEUE_COMMIT,
    QUEUE_ROLLBACK,
    QUEUE_ADD,   /* topic, key, payload, context, now_ns */
    QUEUE_PEEK,  /* topic, now_ms: a row when something is due */
    QUEUE_NEXT,  /* topic, now_ms: id, attempt of what is due longest */
    QUEUE_LEASE, /* id, until_ms: id, attempt, key, payload, context, enqueued_ns */
    QUEUE_DEPTH, /* topic, now_ms, most: how many are due */
    QUEUE_PARK,  /* id */
    QUEUE_END,   /* id, attempt, state, due_ms */
    QUEUE_COUNT, /* topic: how many are done now */
    QUEUE_PRUNE, /* topic, id: forgets the done ones up to it */
    QUEUE_STATS, /* topic: done, waiting, in hand, parked */
    QUEUE_STATEMENTS,
};

enum queue_state { QUEUE_WAITING, QUEUE_IN_HAND, QUEUE_DONE, QUEUE_PARKED };

struct queue_file {
    sqlite3 *handle;
    sqlite3_stmt *statements[QUEUE_STATEMENTS];
    int log_pages;
};

/* Makes the file where it is not there. The struct must stay where it is until closed. STATUS_IO
 * with words; nothing is left open then. */
MUST_CHECK enum status queue_file_open(struct queue_file *file, const char *path,
                                       struct error *error);
void queue_file_close(struct queue_file *file); /* accepts {0}, and twice */

/* The statement, ready to be bound. Texts are borrowed until it is finished. */
sqlite3_stmt *queue_file_statement(struct queue_file *file, enum queue_statement which);
void queue_file_bind(sqlite3_stmt *statement, int at, struct text value);

/* Runs it to its end. STATUS_BUSY, STATUS_NO_MEMORY, STATUS_IO. */
enum status queue_file_finish(sqlite3_stmt *statement);

/* What a result code of sqlite means in this tree. */
enum status queue_file_status(int result);

/* Copies the log into the file when it has grown. */
void queue_file_tidy(struct queue_file *file);

#endif
