#include "http/db.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/db_connection.h"
#include "trace/adapters/sqlite.h"

enum {
    READERS_KEPT_MAX = 16,      /* beyond that a reader's connection is closed after use */
    CHECKPOINT_PERIOD_MS = 250, /* how often the thread looks */
    CHECKPOINT_PAGES = 256,     /* and from how long a log on it acts */
};

struct db {
    char path[512];
    char namespace[64]; /* db.namespace: the file's name */
    bool synchronous_off;
    pthread_mutex_t writer_mutex; /* holds `writer` while a transaction runs */
    struct db_connection *writer;
    pthread_mutex_t readers_mutex; /* holds the two below */
    struct db_connection *readers;
    size_t reader_count;
    atomic_int wal_pages; /* written by the writer's hook, read by the checkpoint thread */
    pthread_mutex_t stop_mutex;
    pthread_cond_t stop_changed;
    bool stop;
    bool has_thread;
    pthread_t checkpoint_thread;
};

struct db_transaction {
    struct db *db;
    uint64_t deadline_ns;
};

struct db_rows {
    struct db *db;
    struct db_connection *connection;
    bool from_readers; /* give the connection back at the end */
    bool temporary;
    bool traced;
    sqlite3_stmt *statement;
    struct trace_sqlite_execution execution;
    int result;
    int64_t row_count;
};

/* ---- opening */

static int note_wal(void *context, sqlite3 *handle, const char *name, int pages)
{
    (void)handle;
    (void)name;
    struct db *db = context;
    atomic_store_explicit(&db->wal_pages, pages, memory_order_relaxed);
    return SQLITE_OK;
}

static void *checkpoint_main(void *context)
{
    struct db *db = context;
    struct db_connection *connection = db_connection_new(db->path, db->synchronous_off, NULL);
    pthread_mutex_lock(&db->stop_mutex);
    while (!db->stop && connection) {
        uint64_t until_ns = clock_mono_ns() + CHECKPOINT_PERIOD_MS * NS_PER_MS;
        struct timespec until = {.tv_sec = (time_t)(until_ns / NS_PER_S),
                                 .tv_nsec = (long)(until_ns % NS_PER_S)};
        pthread_cond_timedwait(&db->stop_changed, &db->stop_mutex, &until);
        if (db->stop ||
            atomic_load_explicit(&db->wal_pages, memory_order_relaxed) < CHECKPOINT_PAGES) {
            continue;
        }
        pthread_mutex_unlock(&db->stop_mutex);
        sqlite3_wal_checkpoint_v2(connection->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
        atomic_store_explicit(&db->wal_pages, 0, memory_order_relaxed);
        pthread_mutex_lock(&db->stop_mutex);
    }
    pthread_mutex_unlock(&db->stop_mutex);
    db_connection_free(connection);
    return NULL;
}

static enum status start_thread(struct db *db, struct error *error)
{
    if (pthread_create(&db->checkpoint_thread, NULL, checkpoint_main, db) != 0) {
        return error_set(error, STATUS_NO_MEMORY, "%s: no thread for checkpoints", db->path);
    }
    db->has_thread = true;
    return STATUS_OK;
}

static enum status make_directory(const char *directory, struct error *error)
{
    char path[512];
    text_copy(text_of(directory), path, sizeof path);
    for (char *at = path + 1;; at++) {
        if (*at != '/' && *at != '\0') {
            continue;
        }
        char kept = *at;
        *at = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST) {
            return error_set(error, STATUS_IO, "%s: %s", path, strerror(errno));
        }
        if (kept == '\0') {
            return STATUS_OK;
        }
        *at = kept;
    }
}

static enum status open_writer(struct db *db, const char *schema, struct error *error)
{
    db->writer = db_connection_new(db->path, db->synchronous_off, error);
    if (!db->writer) {
        return STATUS_IO;
    }
    sqlite3_wal_hook(db->writer->handle, note_wal, db);
    if (schema && sqlite3_exec(db->writer->handle, schema, NULL, NULL, NULL) != SQLITE_OK) {
        return error_set(error, STATUS_INVALID, "%s: schema: %s", db->path,
                         sqlite3_errmsg(db->writer->handle));
    }
    return STATUS_OK;
}

static void init_locks(struct db *db)
{
    pthread_condattr_t monotonic;
    pthread_mutex_init(&db->writer_mutex, NULL);
    pthread_mutex_init(&db->readers_mutex, NULL);
    pthread_mutex_init(&db->stop_mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&db->stop_changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

enum status db_new(struct db **out, const char *directory, const char *service, const char *schema,
                   struct error *error)
{
    *out = NULL;
    struct db *db = calloc(1, sizeof *db);
    if (!db) {
        return error_set(error, STATUS_NO_MEMORY, "out of memory");
    }
    init_locks(db);
    const char *sync = getenv("CULPRIT_DB_SYNC");
    db->synchronous_off = sync && strcmp(sync, "off") == 0;
    int length = snprintf(db->path, sizeof db->path, "%s/%s.db", directory, service);
    snprintf(db->namespace, sizeof db->namespace, "%s.db", service);
    enum status status = length < 0 || (size_t)length >= sizeof db->path
                             ? error_set(error, STATUS_TOO_LARGE, "%s: path is too long", directory)
                             : make_directory(directory, error);
    if (status == STATUS_OK) {
        status = open_writer(db, schema, error);
    }
    if (status == STATUS_OK) {
        status = start_thread(db, error);
    }
    if (status != STATUS_OK) {
        db_free(db);
        return status;
    }
    *out = db;
    return STATUS_OK;
}

void db_free(struct db *db)
{
    if (!db) {
        return;
    }
    if (db->has_thread) {
        pthread_mutex_lock(&db->stop_mutex);
        db->stop = true;
        pthread_cond_signal(&db->stop_changed);
        pthread_mutex_unlock(&db->stop_mutex);
        pthread_join(db->checkpoint_thread, NULL);
    }
    while (db->readers) {
        struct db_connection *next = db->readers->next;
        db_connection_free(db->readers);
        db->readers = next;
    }
    db_connection_free(db->writer); /* the last one to close checkpoints */
    pthread_mutex_destroy(&db->writer_mutex);
    pthread_mutex_destroy(&db->readers_mutex);
    pthread_mutex_destroy(&db->stop_mutex);
    pthread_cond_destroy(&db->stop_changed);
    free(db);
}

enum status db_script(struct db *db, const char *sql, struct error *error)
{
    pthread_mutex_lock(&db->writer_mutex);
    int result = sqlite3_exec(db->writer->handle, sql, NULL, NULL, NULL);
    enum status status = STATUS_OK;
    if (result != SQLITE_OK) {
        status = error_set(error, db_connection_status(result), "%s: %s", db->namespace,
                           sqlite3_errmsg(db->writer->handle));
    }
    pthread_mutex_unlock(&db->writer_mutex);
    return status;
}

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
    return reader ? reader : db_connection_new(db->path, db->synchronous_off, NULL);
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
    }
    status = db_connection_bind(rows->statement, types, arguments);
    rows->result = status == STATUS_OK ? SQLITE_OK : SQLITE_MISUSE;
    return status;
}

static void rows_free(struct db_rows *rows)
{
    if (rows->traced) {
        trace_sqlite_end(&rows->execution, rows->result, rows->row_count);
    }
    if (rows->statement) {
        db_connection_finish(rows->connection, rows->statement, rows->temporary);
    }
    if (rows->from_readers && rows->connection) {
        give_reader(rows->db, rows->connection);
    }
    free(rows);
}

static void wait_round_trip(uint32_t round_trip_us)
{
    if (round_trip_us > 0) {
        clock_sleep_until_ns(clock_mono_ns() + (uint64_t)round_trip_us * 1000);
    }
}

enum status db_select(const struct work *work, const struct db_query *query, struct db_rows **out,
                      const char *types, ...)
{
    *out = NULL;
    struct db *db = work->parts->db;
    struct db_rows *rows = calloc(1, sizeof *rows);
    if (!rows) {
        return STATUS_NO_MEMORY;
    }
    rows->db = db;
    rows->from_readers = true;
    rows->connection = take_reader(db);
    enum status status = rows->connection ? STATUS_OK : STATUS_IO;
    if (status == STATUS_OK) {
        va_list arguments;
        va_start(arguments, types);
        status = rows_start(rows, query, types, arguments);
        va_end(arguments);
    }
    if (status != STATUS_OK) {
        rows_free(rows);
        return status;
    }
    wait_round_trip(work->faults.database_round_trip_us);
    *out = rows;
    return STATUS_OK;
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

static enum status lock_writer(struct db *db, uint64_t deadline_ns)
{
    struct timespec until = {.tv_sec = (time_t)(deadline_ns / NS_PER_S),
                             .tv_nsec = (long)(deadline_ns % NS_PER_S)};
    if (pthread_mutex_trylock(&db->writer_mutex) == 0) {
        return STATUS_OK;
    }
    int failed = pthread_mutex_clocklock(&db->writer_mutex, CLOCK_MONOTONIC, &until);
    return failed ? STATUS_TIMEOUT : STATUS_OK;
}

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
    enum status status = lock_writer(db, work->deadline_ns);
    if (status == STATUS_OK) {
        status = db_connection_status(run(db, "BEGIN IMMEDIATE"));
        if (status != STATUS_OK) {
            pthread_mutex_unlock(&db->writer_mutex);
        }
    }
    if (status != STATUS_OK) {
        free(transaction);
        return status;
    }
    transaction->db = db;
    transaction->deadline_ns = work->deadline_ns;
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
        status = db_connection_status(sqlite3_extended_errcode(rows->connection->handle));
        status = rows->result == SQLITE_DONE ? STATUS_OK : status;
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
    pthread_mutex_unlock(&transaction->db->writer_mutex);
    free(transaction);
}

enum status db_commit(struct db_transaction *transaction)
{
    int result = run(transaction->db, "COMMIT");
    if (result != SQLITE_OK) {
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
