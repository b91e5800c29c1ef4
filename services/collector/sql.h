/* sqlite statements with errors in our words. A connection and its statements belong to one thread
 * at a time. */
#ifndef CULPRIT_COLLECTOR_SQL_H
#define CULPRIT_COLLECTOR_SQL_H

#include <sqlite3.h>
#include <stdbool.h>

#include "base/status.h"
#include "base/text.h"

/* Opens for reading and writing (made when missing), or for reading only. STATUS_IO. */
MUST_CHECK enum status sql_open(const char *path, bool read_only, sqlite3 **out,
                                struct error *error);

/* Runs statements without results. STATUS_IO. */
MUST_CHECK enum status sql_run(sqlite3 *db, const char *text, struct error *error);

/* The same where nothing can be done about a failure. */
void sql_attempt(sqlite3 *db, const char *text);

MUST_CHECK enum status sql_prepare(sqlite3 *db, const char *text, sqlite3_stmt **out,
                                   struct error *error);

/* Steps a statement that gives no row, and resets it. STATUS_IO. */
MUST_CHECK enum status sql_step(sqlite3_stmt *statement);

/* One number; 0 when there is none. Resets. */
int64_t sql_number(sqlite3_stmt *statement);

/* The bytes of a column; borrowed until the next step. */
struct text sql_column(sqlite3_stmt *statement, int column);

/* Borrowed until the statement is reset. */
void sql_bind_blob(sqlite3_stmt *statement, int parameter, struct text value);

#endif
