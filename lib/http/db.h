/* A service's sqlite database: one file in WAL mode, one writer connection behind a mutex (always
 * BEGIN IMMEDIATE), readers with connections of their own from a free list, statements prepared
 * once a connection and kept. Every statement is a database span (trace/adapters/sqlite.h), child
 * of the thread's current span. Checkpoints run on a thread of their own, off the requests.
 *
 * The environment's round trip (work.faults.database_round_trip_us) is waited for once a statement,
 * inside its span, in reads alone and never while the writer is held. */
#ifndef CULPRIT_HTTP_DB_H
#define CULPRIT_HTTP_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/text.h"
#include "http/work.h"

/* One statement of a service; define each as `static const struct db_query`. Its address is the key
 * of the prepared statement. */
struct db_query {
    const char *summary; /* "SELECT stock": operation and table: the span's name */
    const char *sql;
};

/* `schema` is run at opening (CREATE TABLE IF NOT EXISTS ...). `directory` is made when missing.
 * STATUS_IO, STATUS_INVALID (the schema), with words. */
MUST_CHECK enum status db_new(struct db **out, const char *directory, const char *service,
                              const char *schema, struct error *error);
/* Opens a file that nobody writes to any more, for db_select_from alone: `namespace` is what its
 * spans call it. Its tables are read by the indexes they have: sqlite would build one for a query
 * that needs it, which no server does. STATUS_IO, STATUS_TOO_LARGE with words. */
MUST_CHECK enum status db_open_read_only(struct db **out, const char *path, const char *namespace,
                                         struct error *error);
void db_free(struct db *db);

/* A statement under way: rows of a select, or the execution of a write. */
struct db_rows;

/* Runs a read. `types` has a letter per parameter: 's' const char * (NULL binds null), 't' struct
 * text, 'i' int64_t, 'd' double. STATUS_OK: walk with db_next, then db_done in any case. */
MUST_CHECK enum status db_select(const struct work *work, const struct db_query *query,
                                 struct db_rows **rows, const char *types, ...);

/* The same from another database than the service's own. */
MUST_CHECK enum status db_select_from(struct db *db, const struct work *work,
                                      const struct db_query *query, struct db_rows **rows,
                                      const char *types, ...);

/* true while there is a row. */
bool db_next(struct db_rows *rows);
int64_t db_i64(struct db_rows *rows, int column);
double db_double(struct db_rows *rows, int column);
const char *db_text(struct db_rows *rows, int column); /* borrowed until the next db_next; never
                                                          NULL ("" for null) */
bool db_is_null(struct db_rows *rows, int column);
/* Ends the span and gives the connection back; the outcome of the whole walk. NULL is fine. */
enum status db_done(struct db_rows *rows);

/* One writer at a time: begin waits for it until the work's deadline (STATUS_TIMEOUT). */
struct db_transaction;
MUST_CHECK enum status db_begin(const struct work *work, struct db_transaction **transaction);
/* Runs a write. *changes (may be NULL) is the number of rows changed. STATUS_EXISTS: a uniqueness
 * constraint; STATUS_INVALID: another constraint; STATUS_BUSY; STATUS_IO. */
MUST_CHECK enum status db_execute(struct db_transaction *transaction, const struct db_query *query,
                                  int64_t *changes, const char *types, ...);
/* A read inside the transaction (no round trip is waited for). */
MUST_CHECK enum status db_select_in(struct db_transaction *transaction,
                                    const struct db_query *query, struct db_rows **rows,
                                    const char *types, ...);
int64_t db_last_id(struct db_transaction *transaction);
/* Both free the transaction. Rollback of NULL is fine. */
MUST_CHECK enum status db_commit(struct db_transaction *transaction);
void db_rollback(struct db_transaction *transaction);

/* Since the start. A statement that a constraint stopped counts as failed. */
struct db_stats {
    uint64_t statements, failed_statements, commits, writer_timeouts;
};
struct db_stats db_stats(struct db *db);

/* Runs a script at start-up, untraced (seeding). */
MUST_CHECK enum status db_script(struct db *db, const char *sql, struct error *error);

#endif
