#include "services/collector/log_rows.h"

#include <string.h>

enum {
    BODY_MAX = 1024 * 1024,
    ROW_BYTES = 96, /* what a row and its index entries take besides the body, about */
    EVICT_AT_ONCE = 512,
};

const char log_rows_schema[] =
    "CREATE TABLE IF NOT EXISTS log(rid INTEGER PRIMARY KEY, trace BLOB, span BLOB,"
    " time_ns INTEGER NOT NULL, severity INTEGER NOT NULL, service INTEGER NOT NULL,"
    " scope INTEGER NOT NULL, body BLOB NOT NULL);"
    "CREATE INDEX IF NOT EXISTS log_by_trace ON log(trace) WHERE trace IS NOT NULL;"
    "CREATE INDEX IF NOT EXISTS log_by_time ON log(time_ns);";

enum status log_rows_prepare(struct log_rows *rows, sqlite3 *db, uint64_t max_bytes,
                             struct error *error)
{
    const struct {
        sqlite3_stmt **statement;
        const char *text;
    } table[] = {
        {&rows->add, "INSERT INTO log(trace, span, time_ns, severity, service, scope, body)"
                     " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)"},
        {&rows->oldest, "SELECT rid, LENGTH(body) FROM log ORDER BY rid LIMIT 1"},
        {&rows->delete_one, "DELETE FROM log WHERE rid = ?1"},
        {&rows->size_of_trace, "SELECT COUNT(*), TOTAL(LENGTH(body)) FROM log WHERE trace = ?1"},
        {&rows->delete_trace, "DELETE FROM log WHERE trace = ?1"},
        {&rows->total, "SELECT COUNT(*), TOTAL(LENGTH(body)) FROM log"},
    };
    rows->db = db;
    rows->max_bytes = max_bytes;
    buffer_init(&rows->body, BODY_MAX);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const enum status status = sql_prepare(db, table[i].text, table[i].statement, error);
        if (status != STATUS_OK)
            return status;
    }
    log_rows_recount(rows);
    return STATUS_OK;
}

void log_rows_release(struct log_rows *rows)
{
    sqlite3_stmt *const statements[] = {rows->add,           rows->oldest,       rows->delete_one,
                                        rows->size_of_trace, rows->delete_trace, rows->total};
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
        sqlite3_finalize(statements[i]);
    buffer_release(&rows->body);
    memset(rows, 0, sizeof(*rows));
}

/* ---- writing */

static bool is_zero(const uint8_t *id, size_t length)
{
    uint8_t any = 0;
    for (size_t i = 0; i < length; i++)
        any |= id[i];
    return any == 0;
}

/* NULL where it is none. */
static void bind_id(sqlite3_stmt *statement, int parameter, const uint8_t *id, size_t length)
{
    if (is_zero(id, length))
        sqlite3_bind_null(statement, parameter);
    else
        sql_bind_blob(statement, parameter, (struct text){(const char *)id, length});
}

/* sqlite's integers end at 2^63 - 1: times beyond it are hostile and only have to stay in order. */
static int64_t clamp(uint64_t value)
{
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

/* The ids have columns of their own. */
static enum status write_body(struct log_rows *rows, const struct otlp_log *log)
{
    struct otlp_log bare = *log;
    memset(bare.trace_id, 0, sizeof(bare.trace_id));
    memset(bare.span_id, 0, sizeof(bare.span_id));
    buffer_clear(&rows->body);
    logs_proto_write_one(&bare, &rows->body);
    return rows->body.failed;
}

enum status log_rows_add(struct log_rows *rows, struct names *names, const struct otlp_log *log)
{
    sqlite3_stmt *statement = rows->add;
    uint32_t service, scope;
    enum status status = write_body(rows, log);
    if (status == STATUS_OK)
        status = names_add(names, log->resource->service, &service);
    if (status == STATUS_OK)
        status = names_add(names, log->scope->name, &scope);
    if (status != STATUS_OK)
        return status;
    const struct text body = {buffer_text(&rows->body), rows->body.length_bytes};
    bind_id(statement, 1, log->trace_id, sizeof(log->trace_id));
    bind_id(statement, 2, log->span_id, sizeof(log->span_id));
    sqlite3_bind_int64(statement, 3, clamp(logs_time_ns(log)));
    sqlite3_bind_int(statement, 4, log->severity);
    sqlite3_bind_int64(statement, 5, service);
    sqlite3_bind_int64(statement, 6, scope);
    sql_bind_blob(statement, 7, body);
    status = sql_step(statement);
    if (status == STATUS_OK) {
        rows->count++;
        rows->bytes += body.length + ROW_BYTES;
    }
    return status;
}

/* ---- counting and deleting */

/* Two numbers of the statement's one row. Resets. */
static bool read_size(sqlite3_stmt *statement, uint64_t *count, uint64_t *bytes)
{
    const bool found = sqlite3_step(statement) == SQLITE_ROW;
    *count = found ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
    *bytes = found ? (uint64_t)sqlite3_column_int64(statement, 1) + *count * ROW_BYTES : 0;
    sqlite3_reset(statement);
    return found;
}

static void take_off(struct log_rows *rows, uint64_t count, uint64_t bytes)
{
    rows->count -= count < rows->count ? count : rows->count;
    rows->bytes -= bytes < rows->bytes ? bytes : rows->bytes;
}

void log_rows_recount(struct log_rows *rows)
{
    (void)read_size(rows->total, &rows->count, &rows->bytes);
}

enum status log_rows_delete_trace(struct log_rows *rows, struct text trace_id, uint64_t *evicted)
{
    uint64_t count, bytes;
    if (rows->count == 0)
        return STATUS_OK;
    sql_bind_blob(rows->size_of_trace, 1, trace_id);
    if (!read_size(rows->size_of_trace, &count, &bytes))
        return STATUS_IO;
    if (count == 0)
        return STATUS_OK;
    sql_bind_blob(rows->delete_trace, 1, trace_id);
    const enum status status = sql_step(rows->delete_trace);
    if (status == STATUS_OK) {
        take_off(rows, count, bytes);
        *evicted += count;
    }
    return status;
}

/* STATUS_END: there is none. */
static enum status delete_oldest(struct log_rows *rows)
{
    const int result = sqlite3_step(rows->oldest);
    const int64_t rid = result == SQLITE_ROW ? sqlite3_column_int64(rows->oldest, 0) : 0;
    const int64_t bytes = result == SQLITE_ROW ? sqlite3_column_int64(rows->oldest, 1) : 0;
    sqlite3_reset(rows->oldest);
    if (result != SQLITE_ROW)
        return result == SQLITE_DONE ? STATUS_END : STATUS_IO;
    sqlite3_bind_int64(rows->delete_one, 1, rid);
    const enum status status = sql_step(rows->delete_one);
    if (status == STATUS_OK)
        take_off(rows, 1, (uint64_t)bytes + ROW_BYTES);
    return status;
}

enum status log_rows_retain(struct log_rows *rows, uint64_t *evicted)
{
    for (int i = 0; i < EVICT_AT_ONCE && rows->bytes > rows->max_bytes; i++) {
        const enum status status = delete_oldest(rows);
        if (status == STATUS_END)
            break;
        if (status != STATUS_OK)
            return status;
        ++*evicted;
    }
    return STATUS_OK;
}
