#include "http/db.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "http/db_connection.h"
#include "http/db_file.h"
#include "trace/adapters/sqlite.h"

enum { READERS_KEPT_MAX = 16 }; /* beyond that a reader's connection is closed after use */

struct db_transaction {
    struct db *db;
};

struct db_rows {
    struct db *db;
    struct db_connection *connection;
    bool from_readers; /* give the connection, and its place, back at the end */
    struct evidence_pool place;
    bool temporary;
    bool traced;
    sqlite3_stmt *statement;
    struct trace_sqlite_execution execution;
    struct db_busy busy_before;
    int result;
    int64_t row_count;
};

/* ---- readers */

static struct db_connection *take_reader(struct db *db)
{
    pthread_mutex_lock(&db->readers_mutex);
    struct db_connection *reader = db->readers;
    if (reader) {
        db->readers = reader->next;
        db->reader_count--;
    }
    pthread_mutex_unlock(&db->readers_mutex);
    return reader ? reader : db_new_reader(db, NULL);
}

static void give_reader(struct db *db, struct db_connection *reader)
{
    pthread_mutex_lock(&db->readers_mutex);
    bool keep = db->reader_count < READERS_KEPT_MAX;
    if (keep) {
        reader->next = db->readers;
        db->readers = reader;
        db->reader_count++;
    }
    pthread_mutex_unlock(&db->readers_mutex);
    if (!keep) {
        db_connection_free(reader);
    }
}

/* ---- statements */

/* Work without a span of its own (seeding, a relay thread) makes no database spans either. */
static bool is_traced(void)
{
    return context_current().span != NULL;
}

static enum status rows_start(struct db_rows *rows, const struct db_query *query, const char *types,
                              va_list arguments)
{
    enum status status =
        db_connection_prepare(rows->connection, query, &rows->statement, &rows->temporary);
    if (status != STATUS_OK) {
        rows->statement = NULL;
        return status;
    }
    rows->traced = is_traced();
    if (rows->traced) {
        trace_sqlite_begin(&rows->execution, rows->statement, rows->db->namespace, query->summary);
        if (rows->from_readers) {
            evidence_pool(rows->execution.span, &rows->place);
        }
        rows->busy_before = rows->connection->busy;
    }
    status = db_connection_bind(rows->statement, types, arguments);
    rows->result = status == STATUS_OK ? SQLITE_OK : SQLITE_MISUSE;
    return status;
}

static void rows_free(struct db_rows *rows)
{
    enum status status = db_connection_status(rows->result);
    atomic_fetch_add_explicit(&rows->db->statements, 1, memory_order_relaxed);
    if (!rows->statement || status != STATUS_OK) {
        atomic_fetch_add_explicit(&rows->db->failed_statements, 1, memory_order_relaxed);
    }
    if (rows->traced && rows->connection) {
        trace_sqlite_busy(&rows->execution, rows->connection->busy.count - rows->busy_before.count,
                          rows->connection->busy.wait_ns - rows->busy_before.wait_ns);
        trace_sqlite_end(&rows->execution, rows->result, rows->row_count);
    }
    if (rows->statement) {
        db_connection_finish(rows->connection, rows->statement, rows->temporary);
    }
    if (rows->from_readers && rows->connection) {
        give_reader(rows->db, rows->connection);
    }
    if (rows->from_readers) {
        pool_leave(&rows->db->reader_pool);
    }
    free(rows);
}

static void wait_round_trip(uint32_t round_trip_us)
{
    if (round_trip_us > 0) {
        clock_sleep_until_ns(clock_mono_ns() + (uint64_t)round_trip_us * 1000);
    }
}

/* Rows with a place for a reader. */
static enum status new_read(struct db *db, uint64_t deadline_ns, struct db_rows **out)
{
    struct db_rows *rows = calloc(1, sizeof *rows);
    if (!rows) {
        return STATUS_NO_MEMORY;
    }
    rows->db = db;
    rows->from_readers = true;
    enum status status = pool_enter(&db->reader_pool, deadline_ns, &rows->place);
    if (status != STATUS_OK) {
        free(rows);
        return status;
    }
    *out = rows;
    return STATUS_OK;
}

/* Without the round trip. Takes the rows over. */
static enum status start_read(struct db_rows *rows, const struct db_query *query,
                              struct db_rows **out, const char *types, va_list arguments)
{
    rows->connection = take_reader(rows->db);
    enum status status = rows->connection ? STATUS_OK : STATUS_IO;
    if (status == STATUS_OK) {
        status = rows_start(rows, query, types, arguments);
    }
    if (status != STATUS_OK) {
        rows_free(rows);
        return status;
    }
    *out = rows;
    return STATUS_OK;
}

enum status db_select_from(struct db *db, const struct work *work, const struct db_query *query,
                           struct db_rows **out, const char *types, ...)
{
    struct db_rows *rows = NULL;
    *out = NULL;
    enum status status = new_read(db, work->deadline_ns, &rows);
    if (status != STATUS_OK) {
        return status;
    }
    va_list arguments;
    va_start(arguments, types);
    status = start_read(rows, query, out, types, arguments);
    va_end(arguments);
    if (status == STATUS_OK) {
        wait_round_trip(work->faults.database_round_trip_us);
    }
    return status;
}

enum status db_select(const struct work *work, const struct db_query *query, struct db_rows **out,
                      const char *types, ...)
{
    struct db_rows *rows = NULL;
    *out = NULL;
    enum status status = new_read(work->parts->db, work->deadline_ns, &rows);
    if (status != STATUS_OK) {
        return status;
    }
    va_list arguments;
    va_start(arguments, types);
    status = start_read(rows, query, out, types, arguments);
    va_end(arguments);
    if (status == STATUS_OK) {
        wait_round_trip(work->faults.database_round_trip_us);
    }
    return status;
}

enum status db_select_in(struct db_transaction *transaction, const struct db_query *query,
                         struct db_rows **out, const char *types, ...)
{
    *out = NULL;
    struct db_rows *rows = calloc(1, sizeof *rows);
    if (!rows) {
        return STATUS_NO_MEMORY;
    }
    rows->db = transaction->db;
    rows->connection = transaction->db->writer;
    va_list arguments;
    va_start(arguments, types);
    enum status status = rows_start(rows, query, types, arguments);
    va_end(arguments);
    if (status != STATUS_OK) {
        rows_free(rows);
        return status;
    }
    *out = rows;
    return STATUS_OK;
}

bool db_next(struct db_rows *rows)
{
    if (!rows || (rows->result != SQLITE_OK && rows->result != SQLITE_ROW)) {
        return false;
    }
    rows->result = sqlite3_step(rows->statement);
    rows->row_count += rows->result == SQLITE_ROW;
    return rows->result == SQLITE_ROW;
}

int64_t db_i64(struct db_rows *rows, int column)
{
    return sqlite3_column_int64(rows->statement, column);
}

double db_double(struct db_rows *rows, int column)
{
    return sqlite3_column_double(rows->statement, column);
}

const char *db_text(struct db_rows *rows, int column)
{
    const unsigned char *value = sqlite3_column_text(rows->statement, column);
    return value ? (const char *)value : "";
}

bool db_is_null(struct db_rows *rows, int column)
{
    return sqlite3_column_type(rows->statement, column) == SQLITE_NULL;
}

enum status db_done(struct db_rows *rows)
{
    if (!rows) {
        return STATUS_OK;
    }
    enum status status = db_connection_status(rows->result);
    rows_free(rows);
    return status;
}

/* ---- transactions */

static int run(struct db *db, const char *sql)
{
    return sqlite3_exec(db->writer->handle, sql, NULL, NULL, NULL);
}

enum status db_begin(const struct work *work, struct db_transaction **out)
{
    *out = NULL;
    struct db *db = work->parts->db;
    struct db_transaction *transaction = calloc(1, sizeof *transaction);
    if (!transaction) {
        return STATUS_NO_MEMORY;
    }
    enum status status = db_take_writer(db, work->deadline_ns);
    if (status == STATUS_TIMEOUT) {
        atomic_fetch_add_explicit(&db->writer_timeouts, 1, memory_order_relaxed);
    }
    if (status == STATUS_OK) {
        status = db_connection_status(run(db, "BEGIN IMMEDIATE"));
        if (status != STATUS_OK) {
            db_give_writer(db);
        }
    }
    if (status != STATUS_OK) {
        free(transaction);
        return status;
    }
    transaction->db = db;
    *out = transaction;
    return STATUS_OK;
}

enum status db_execute(struct db_transaction *transaction, const struct db_query *query,
                       int64_t *changes, const char *types, ...)
{
    struct db_rows *rows = calloc(1, sizeof *rows);
    if (!rows) {
        return STATUS_NO_MEMORY;
    }
    rows->db = transaction->db;
    rows->connection = transaction->db->writer;
    va_list arguments;
    va_start(arguments, types);
    enum status status = rows_start(rows, query, types, arguments);
    va_end(arguments);
    while (status == STATUS_OK && db_next(rows)) {
    }
    if (changes) {
        *changes = sqlite3_changes64(transaction->db->writer->handle);
    }
    rows->row_count = -1; /* a write returns none */
    if (status == STATUS_OK) {
        status = db_connection_status(rows->result);
    }
    rows_free(rows);
    return status;
}

int64_t db_last_id(struct db_transaction *transaction)
{
    return sqlite3_last_insert_rowid(transaction->db->writer->handle);
}

static void end_transaction(struct db_transaction *transaction)
{
    db_give_writer(transaction->db);
    free(transaction);
}

enum status db_commit(struct db_transaction *transaction)
{
    int result = run(transaction->db, "COMMIT");
    if (result == SQLITE_OK) {
        atomic_fetch_add_explicit(&transaction->db->commits, 1, memory_order_relaxed);
    } else {
        run(transaction->db, "ROLLBACK");
    }
    end_transaction(transaction);
    return db_connection_status(result);
}

void db_rollback(struct db_transaction *transaction)
{
    if (transaction) {
        run(transaction->db, "ROLLBACK");
        end_transaction(transaction);
    }
}

struct db_stats db_stats(struct db *db)
{
    return (struct db_stats){
        .statements = atomic_load_explicit(&db->statements, memory_order_relaxed),
        .failed_statements = atomic_load_explicit(&db->failed_statements, memory_order_relaxed),
        .commits = atomic_load_explicit(&db->commits, memory_order_relaxed),
        .writer_timeouts = atomic_load_explicit(&db->writer_timeouts, memory_order_relaxed),
    };
}
