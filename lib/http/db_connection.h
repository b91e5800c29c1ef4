/* One sqlite connection with its prepared statements, kept by the address of their query. Used by
 * one thread at a time; db.c sees to that. */
#ifndef CULPRIT_HTTP_DB_CONNECTION_H
#define CULPRIT_HTTP_DB_CONNECTION_H

#include <stdarg.h>
#include <stdbool.h>

#include <sqlite3.h>

#include "base/status.h"
#include "http/db.h"

enum { DB_STATEMENTS_MAX = 64 };

struct db_statement {
    const struct db_query *query;
    sqlite3_stmt *handle;
    bool busy;
};

/* Waits for another process that had the file. */
struct db_busy {
    uint64_t count, wait_ns;
};

struct db_connection {
    struct db_connection *next;
    struct db_busy busy; /* since it was opened */
    sqlite3 *handle;
    struct db_statement statements[DB_STATEMENTS_MAX];
    size_t statement_count;
};

/* Opens the file; NULL with words. `synchronous_off` trades safety against power loss for speed. */
struct db_connection *db_connection_new(const char *path, bool synchronous_off,
                                        struct error *error);
/* Opens a file that is there and that nobody writes to; NULL with words. */
struct db_connection *db_connection_new_read_only(const char *path, struct error *error);
void db_connection_free(struct db_connection *connection);

/* The prepared statement, made on first use. One that is under way already, or that finds the table
 * full, is prepared for this once: *temporary says so, and finish finalizes it. STATUS_INVALID: the
 * text does not compile (logged). */
MUST_CHECK enum status db_connection_prepare(struct db_connection *connection,
                                             const struct db_query *query, sqlite3_stmt **statement,
                                             bool *temporary);
void db_connection_finish(struct db_connection *connection, sqlite3_stmt *statement,
                          bool temporary);

/* Binds by letters, as db.h says. STATUS_INVALID: an unknown letter or too many. */
MUST_CHECK enum status db_connection_bind(sqlite3_stmt *statement, const char *types,
                                          va_list arguments);

/* What sqlite's result code means in this tree. */
enum status db_connection_status(int result);

#endif
