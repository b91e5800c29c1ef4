#include "http/db_connection.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

/* Another process may hold the file for a moment (a checkpoint, a backup): wait that long. */
enum { BUSY_TIMEOUT_MS = 2000 };

/* Checkpoints belong to the thread that db.c runs for them. */
static const char safe_script[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
                                  "PRAGMA wal_autocheckpoint=0; PRAGMA foreign_keys=ON;";
static const char fast_script[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
                                  "PRAGMA wal_autocheckpoint=0; PRAGMA foreign_keys=ON;";
/* Mapped, so that connections share the pages of the file and keep few of their own. */
static const char read_only_script[] = "PRAGMA automatic_index=OFF; PRAGMA mmap_size=67108864;"
                                       "PRAGMA cache_size=-64;";

/* As sqlite3_busy_timeout waits: short at first, and no longer than that in all; but counted. */
static int wait_for_other(void *context, int tries)
{
    static const uint8_t waits_ms[] = {1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50, 100};
    struct db_connection *connection = context;
    const int last = (int)sizeof waits_ms - 1;
    uint64_t before_ms = 0;
    for (int i = 0; i < tries; i++)
        before_ms += waits_ms[i < last ? i : last];
    if (before_ms >= BUSY_TIMEOUT_MS)
        return 0;
    uint64_t began_ns = clock_mono_ns();
    clock_sleep_until_ns(began_ns + waits_ms[tries < last ? tries : last] * NS_PER_MS);
    connection->busy.count++;
    connection->busy.wait_ns += clock_mono_ns() - began_ns;
    return 1;
}

static enum status configure(struct db_connection *connection, const char *script,
                             struct error *error)
{
    sqlite3 *handle = connection->handle;
    sqlite3_extended_result_codes(handle, 1);
    sqlite3_busy_handler(handle, wait_for_other, connection);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (sqlite3_exec(handle, script, NULL, NULL, NULL) != SQLITE_OK) {
        return error_set(error, STATUS_IO, "%s", sqlite3_errmsg(handle));
    }
    return STATUS_OK;
}

static struct db_connection *open_connection(const char *path, int flags, const char *script,
                                             struct error *error)
{
    struct db_connection *connection = calloc(1, sizeof *connection);
    if (!connection) {
        error_set(error, STATUS_NO_MEMORY, "out of memory");
        return NULL;
    }
    int result = sqlite3_open_v2(path, &connection->handle, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (result != SQLITE_OK) {
        error_set(error, STATUS_IO, "%s: %s", path, sqlite3_errstr(result));
        db_connection_free(connection);
        return NULL;
    }
    struct error why = {0};
    if (configure(connection, script, &why) != STATUS_OK) {
        error_set(error, STATUS_IO, "%s: %s", path, why.text);
        db_connection_free(connection);
        return NULL;
    }
    return connection;
}

struct db_connection *db_connection_new(const char *path, bool synchronous_off, struct error *error)
{
    return open_connection(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                           synchronous_off ? fast_script : safe_script, error);
}

struct db_connection *db_connection_new_read_only(const char *path, struct error *error)
{
    return open_connection(path, SQLITE_OPEN_READONLY, read_only_script, error);
}

void db_connection_free(struct db_connection *connection)
{
    if (!connection) {
        return;
    }
    for (size_t i = 0; i < connection->statement_count; i++) {
        sqlite3_finalize(connection->statements[i].handle);
    }
    sqlite3_close(connection->handle);
    free(connection);
}

static struct db_statement *kept_statement(struct db_connection *connection,
                                           const struct db_query *query)
{
    for (size_t i = 0; i < connection->statement_count; i++) {
        if (connection->statements[i].query == query) {
            return &connection->statements[i];
        }
    }
    return NULL;
}

static enum status compile(struct db_connection *connection, const struct db_query *query,
                           unsigned flags, sqlite3_stmt **statement)
{
    int result = sqlite3_prepare_v3(connection->handle, query->sql, -1, flags, statement, NULL);
    if (result == SQLITE_OK && *statement) {
        return STATUS_OK;
    }
    log_event(LOG_ERROR, LOG_NO_IDS, "statement does not compile",
              LOG_TEXT("statement", query->summary),
              LOG_TEXT("error", sqlite3_errmsg(connection->handle)));
    return (result & 0xff) == SQLITE_BUSY ? STATUS_BUSY : STATUS_INVALID;
}

enum status db_connection_prepare(struct db_connection *connection, const struct db_query *query,
                                  sqlite3_stmt **statement, bool *temporary)
{
    struct db_statement *kept = kept_statement(connection, query);
    *temporary = false;
    if (kept && !kept->busy) {
        kept->busy = true;
        *statement = kept->handle;
        return STATUS_OK;
    }
    if (kept || connection->statement_count == DB_STATEMENTS_MAX) {
        *temporary = true;
        return compile(connection, query, 0, statement);
    }
    enum status status = compile(connection, query, SQLITE_PREPARE_PERSISTENT, statement);
    if (status == STATUS_OK) {
        connection->statements[connection->statement_count++] =
            (struct db_statement){.query = query, .handle = *statement, .busy = true};
    }
    return status;
}

void db_connection_finish(struct db_connection *connection, sqlite3_stmt *statement, bool temporary)
{
    if (temporary) {
        sqlite3_finalize(statement);
        return;
    }
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    for (size_t i = 0; i < connection->statement_count; i++) {
        if (connection->statements[i].handle == statement) {
            connection->statements[i].busy = false;
        }
    }
}

static int bind_text(sqlite3_stmt *statement, int at, struct text value)
{
    return sqlite3_bind_text(statement, at, value.data ? value.data : "", (int)value.length,
                             SQLITE_TRANSIENT);
}

enum status db_connection_bind(sqlite3_stmt *statement, const char *types, va_list arguments)
{
    int result = SQLITE_OK;
    const char *text;
    for (int at = 1; types[at - 1] && result == SQLITE_OK; at++) {
        switch (types[at - 1]) {
        case 's':
            text = va_arg(arguments, const char *);
            result =
                text ? bind_text(statement, at, text_of(text)) : sqlite3_bind_null(statement, at);
            break;
        case 't':
            result = bind_text(statement, at, va_arg(arguments, struct text));
            break;
        case 'i':
            result = sqlite3_bind_int64(statement, at, va_arg(arguments, int64_t));
            break;
        case 'd':
            result = sqlite3_bind_double(statement, at, va_arg(arguments, double));
            break;
        default:
            result = SQLITE_MISUSE;
        }
    }
    return result == SQLITE_OK ? STATUS_OK : STATUS_INVALID;
}

enum status db_connection_status(int result)
{
    switch (result & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return STATUS_OK;
    case SQLITE_CONSTRAINT:
        return result == SQLITE_CONSTRAINT_UNIQUE || result == SQLITE_CONSTRAINT_PRIMARYKEY ||
                       result == SQLITE_CONSTRAINT_ROWID
                   ? STATUS_EXISTS
                   : STATUS_INVALID;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return STATUS_BUSY;
    case SQLITE_NOMEM:
        return STATUS_NO_MEMORY;
    case SQLITE_TOOBIG:
        return STATUS_TOO_LARGE;
    case SQLITE_INTERRUPT:
        return STATUS_INTERRUPTED;
    default:
        return STATUS_IO;
    }
}
