#include "http/db_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "http/data_directory.h"

enum {
    READERS_MAX = 1024,         /* at once: as many as a server has connections */
    CHECKPOINT_PERIOD_MS = 250, /* how often the thread looks */
    SCRIPT_WAIT_MS = 30000,     /* for the writer, at start-up */
    CHECKPOINT_PAGES = 256,     /* and from how long a log on it acts */
};

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
    pthread_mutex_init(&db->readers_mutex, NULL);
    pthread_mutex_init(&db->stop_mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&db->stop_changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    named_lock_init(&db->writer_lock, db->writer_name);
    pool_init(&db->reader_pool, db->pool_name, READERS_MAX);
}

/* What its lock and its pool are called, after its namespace. */
static void set_names(struct db *db)
{
    (void)snprintf(db->writer_name, sizeof db->writer_name, "%s writer", db->namespace);
    (void)snprintf(db->pool_name, sizeof db->pool_name, "%s readers", db->namespace);
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
    set_names(db);
    enum status status = length < 0 || (size_t)length >= sizeof db->path
                             ? error_set(error, STATUS_TOO_LARGE, "%s: path is too long", directory)
                             : data_directory_make(directory, error);
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

enum status db_open_read_only(struct db **out, const char *path, const char *namespace,
                              struct error *error)
{
    *out = NULL;
    struct db *db = calloc(1, sizeof *db);
    if (!db) {
        return error_set(error, STATUS_NO_MEMORY, "out of memory");
    }
    init_locks(db);
    db->read_only = true;
    int length = snprintf(db->path, sizeof db->path, "%s", path);
    int name_length = snprintf(db->namespace, sizeof db->namespace, "%s", namespace);
    set_names(db);
    if (length < 0 || (size_t)length >= sizeof db->path || name_length < 0 ||
        (size_t)name_length >= sizeof db->namespace) {
        db_free(db);
        return error_set(error, STATUS_TOO_LARGE, "%s: path or name is too long", path);
    }
    db->readers = db_new_reader(db, error);
    if (!db->readers) {
        db_free(db);
        return STATUS_IO;
    }
    db->reader_count = 1;
    *out = db;
    return STATUS_OK;
}

struct db_connection *db_new_reader(const struct db *db, struct error *error)
{
    return db->read_only ? db_connection_new_read_only(db->path, error)
                         : db_connection_new(db->path, db->synchronous_off, error);
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
    named_lock_release(&db->writer_lock);
    pool_release(&db->reader_pool);
    pthread_mutex_destroy(&db->readers_mutex);
    pthread_mutex_destroy(&db->stop_mutex);
    pthread_cond_destroy(&db->stop_changed);
    free(db);
}

enum status db_take_writer(struct db *db, uint64_t deadline_ns)
{
    return named_lock_enter_until(&db->writer_lock, deadline_ns);
}

void db_give_writer(struct db *db)
{
    named_lock_leave(&db->writer_lock);
}

enum status db_script(struct db *db, const char *sql, struct error *error)
{
    if (db_take_writer(db, clock_mono_ns() + SCRIPT_WAIT_MS * NS_PER_MS) != STATUS_OK) {
        return error_set(error, STATUS_TIMEOUT, "%s: the writer is taken", db->namespace);
    }
    int result = sqlite3_exec(db->writer->handle, sql, NULL, NULL, NULL);
    enum status status = STATUS_OK;
    if (result != SQLITE_OK) {
        status = error_set(error, db_connection_status(result), "%s: %s", db->namespace,
                           sqlite3_errmsg(db->writer->handle));
    }
    db_give_writer(db);
    return status;
}
