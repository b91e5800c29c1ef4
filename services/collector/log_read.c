#include "services/collector/log_read.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "services/collector/sql.h"

enum { NAME_MAX_BYTES = 512 };

struct log_reader {
    pthread_mutex_t lock; /* guards the connection */
    sqlite3 *db;
    sqlite3_stmt *by_trace, *by_time;
};

#define COLUMNS "SELECT trace, span, service, scope, body FROM log WHERE "

static const char by_trace_sql[] =
    COLUMNS "trace = ?1 AND severity >= ?2 AND (?3 = 0 OR service = ?3)"
            " ORDER BY time_ns, rid LIMIT ?4";
static const char by_time_sql[] =
    COLUMNS "time_ns >= ?1 AND time_ns < ?5 AND severity >= ?2 AND (?3 = 0 OR service = ?3)"
            " ORDER BY time_ns DESC, rid DESC LIMIT ?4";

enum status log_read_open(struct log_reader **out, const char *path, struct error *error)
{
    struct log_reader *reader = calloc(1, sizeof(*reader));
    *out = NULL;
    if (!reader)
        return error_set(error, STATUS_NO_MEMORY, "out of memory");
    pthread_mutex_init(&reader->lock, NULL);
    enum status status = sql_open(path, true, &reader->db, error);
    if (status == STATUS_OK)
        status = sql_run(reader->db, "PRAGMA cache_size=-1024", error);
    if (status == STATUS_OK)
        status = sql_prepare(reader->db, by_trace_sql, &reader->by_trace, error);
    if (status == STATUS_OK)
        status = sql_prepare(reader->db, by_time_sql, &reader->by_time, error);
    if (status != STATUS_OK) {
        log_read_close(reader);
        return status;
    }
    *out = reader;
    return STATUS_OK;
}

void log_read_close(struct log_reader *reader)
{
    if (!reader)
        return;
    sqlite3_finalize(reader->by_trace);
    sqlite3_finalize(reader->by_time);
    sqlite3_close(reader->db);
    pthread_mutex_destroy(&reader->lock);
    free(reader);
}

/* ---- rows */

static struct text name_of(struct spans *strings, struct names *names, int64_t id)
{
    char name[NAME_MAX_BYTES];
    names_text(names, (uint32_t)id, name, sizeof(name));
    return spans_intern(strings, text_of(name));
}

static bool find_origin(sqlite3_stmt *row, struct names *names, struct spans *strings,
                        struct otlp_resource **resource, struct otlp_scope **scope)
{
    const struct text service = name_of(strings, names, sqlite3_column_int64(row, 2));
    const struct text scope_name = name_of(strings, names, sqlite3_column_int64(row, 3));
    *resource = arena_alloc(&strings->arena, sizeof(**resource));
    *scope = arena_alloc(&strings->arena, sizeof(**scope));
    if (!*resource || !*scope || !service.data || !scope_name.data)
        return false;
    (*resource)->service = service;
    **scope = (struct otlp_scope){scope_name, {"", 0}};
    return true;
}

static void copy_id(struct text from, uint8_t *id, size_t length)
{
    if (from.length == length)
        memcpy(id, from.data, length);
}

/* A record that is damaged is passed over. */
static enum status take_row(sqlite3_stmt *row, struct names *names, struct logs *logs)
{
    struct otlp_resource *resource;
    struct otlp_scope *scope;
    if (!find_origin(row, names, &logs->strings, &resource, &scope))
        return STATUS_TOO_LARGE;
    const enum status status = logs_proto_read_one(logs, sql_column(row, 4), resource, scope);
    if (status == STATUS_INVALID)
        return STATUS_OK;
    if (status == STATUS_OK) {
        struct otlp_log *log = &logs->items[logs->count - 1];
        copy_id(sql_column(row, 0), log->trace_id, sizeof(log->trace_id));
        copy_id(sql_column(row, 1), log->span_id, sizeof(log->span_id));
    }
    return status;
}

static int64_t clamp(uint64_t value)
{
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

static sqlite3_stmt *bind(struct log_reader *reader, const struct log_read_query *query)
{
    sqlite3_stmt *statement = query->trace_id ? reader->by_trace : reader->by_time;
    if (query->trace_id) {
        sql_bind_blob(statement, 1, (struct text){(const char *)query->trace_id, 16});
    } else {
        sqlite3_bind_int64(statement, 1, clamp(query->start_ns));
        sqlite3_bind_int64(statement, 5, clamp(query->end_ns));
    }
    sqlite3_bind_int64(statement, 2, query->severity);
    sqlite3_bind_int64(statement, 3, query->service);
    sqlite3_bind_int64(statement, 4, (int64_t)query->limit + 1);
    return statement;
}

enum status log_read_run(struct log_reader *reader, struct names *names,
                         const struct log_read_query *query, struct logs *logs, bool *truncated)
{
    enum status status = STATUS_OK;
    size_t rows = 0;
    int result = SQLITE_ROW;
    *truncated = false;
    pthread_mutex_lock(&reader->lock);
    sqlite3_stmt *statement = bind(reader, query);
    while (status == STATUS_OK && (result = sqlite3_step(statement)) == SQLITE_ROW) {
        *truncated = ++rows > query->limit;
        if (*truncated)
            break;
        status = take_row(statement, names, logs);
    }
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        status = STATUS_IO;
    sqlite3_reset(statement);
    pthread_mutex_unlock(&reader->lock);
    *truncated = *truncated || status == STATUS_TOO_LARGE;
    return status;
}
