#include "services/collector/sql.h"

enum { BUSY_MS = 5000 };

static enum status failed(sqlite3 *db, const char *what, struct error *error)
{
    return error_set(error, STATUS_IO, "%s: %s", what, db ? sqlite3_errmsg(db) : "out of memory");
}

enum status sql_open(const char *path, bool read_only, sqlite3 **out, struct error *error)
{
    const int flags = read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    if (sqlite3_open_v2(path, out, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        const enum status status = failed(*out, path, error);
        sqlite3_close(*out);
        *out = NULL;
        return status;
    }
    sqlite3_busy_timeout(*out, BUSY_MS);
    return STATUS_OK;
}

enum status sql_run(sqlite3 *db, const char *text, struct error *error)
{
    return sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK ? STATUS_OK
                                                                 : failed(db, "sqlite", error);
}

void sql_attempt(sqlite3 *db, const char *text)
{
    (void)sqlite3_exec(db, text, NULL, NULL, NULL);
}

enum status sql_prepare(sqlite3 *db, const char *text, sqlite3_stmt **out, struct error *error)
{
    return sqlite3_prepare_v3(db, text, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) == SQLITE_OK
               ? STATUS_OK
               : failed(db, "sqlite", error);
}

enum status sql_step(sqlite3_stmt *statement)
{
    const int result = sqlite3_step(statement);
    sqlite3_reset(statement);
    return result == SQLITE_DONE || result == SQLITE_ROW ? STATUS_OK : STATUS_IO;
}

int64_t sql_number(sqlite3_stmt *statement)
{
    const int64_t number =
        sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    return number;
}

struct text sql_column(sqlite3_stmt *statement, int column)
{
    const char *data = sqlite3_column_blob(statement, column);
    const int length = sqlite3_column_bytes(statement, column);
    return (struct text){data ? data : "", data && length > 0 ? (size_t)length : 0};
}

void sql_bind_blob(sqlite3_stmt *statement, int parameter, struct text value)
{
    sqlite3_bind_blob64(statement, parameter, value.data, value.length, SQLITE_STATIC);
}
