#include "http/queue_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "http/data_directory.h"

enum {
    BUSY_TIMEOUT_MS = 2000,
    OPEN_TIMEOUT_MS = 5000,
    TIDY_PAGES = 256,      /* from how long a log on a consumer copies it into the file */
    LONG_LOG_PAGES = 4000, /* and when a publisher does, should there be no consumer */
};

/* The partial index "messages_open" serves PEEK, NEXT and most of STATS. */
static const char *const texts[QUEUE_STATEMENTS] = {
    [QUEUE_BEGIN] = "BEGIN IMMEDIATE",
    [QUEUE_COMMIT] = "COMMIT",
    [QUEUE_ROLLBACK] = "ROLLBACK",
    [QUEUE_ADD] = "INSERT INTO messages(topic, key, payload, context, enqueued_ns,"
                  " due_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?5 / 1000000)"
                  " ON CONFLICT(topic, key) DO NOTHING",
    [QUEUE_PEEK] = "SELECT 1 FROM messages WHERE topic = ?1 AND state < 2 AND due_ms <= ?2 LIMIT 1",
    [QUEUE_NEXT] = "SELECT id, attempt FROM messages"
                   " WHERE topic = ?1 AND state < 2 AND due_ms <= ?2 ORDER BY due_ms LIMIT 1",
    [QUEUE_LEASE] = "UPDATE messages SET state = 1, attempt = attempt + 1, due_ms = ?2"
                    " WHERE id = ?1 RETURNING id, attempt, key, payload, context, enqueued_ns",
    [QUEUE_DEPTH] = "SELECT count(*) FROM (SELECT 1 FROM messages"
                    " WHERE topic = ?1 AND state < 2 AND due_ms <= ?2 LIMIT ?3)",
    [QUEUE_PARK] = "UPDATE messages SET state = 3 WHERE id = ?1",
    [QUEUE_END] = "UPDATE messages SET state = ?3, due_ms = ?4,"
                  " payload = CASE ?3 WHEN 2 THEN '' ELSE payload END"
                  " WHERE id = ?1 AND attempt = ?2 AND state = 1",
    [QUEUE_COUNT] = "INSERT INTO counts(topic, done) VALUES (?1, 1)"
                    " ON CONFLICT(topic) DO UPDATE SET done = done + 1 RETURNING done",
    [QUEUE_PRUNE] = "DELETE FROM messages WHERE topic = ?1 AND state = 2 AND id <= ?2",
    [QUEUE_STATS] = "SELECT coalesce((SELECT done FROM counts WHERE topic = ?1), 0),"
                    " (SELECT count(*) FROM messages WHERE topic = ?1 AND state < 2 AND state = 0),"
                    " (SELECT count(*) FROM messages WHERE topic = ?1 AND state < 2 AND state = 1),"
                    " (SELECT count(*) FROM messages WHERE topic = ?1 AND state = 3)",
};

static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS messages(id INTEGER PRIMARY KEY, topic TEXT NOT NULL,"
    " key TEXT NOT NULL, payload TEXT NOT NULL, context TEXT NOT NULL,"
    " enqueued_ns INTEGER NOT NULL, due_ms INTEGER NOT NULL,"
    " state INTEGER NOT NULL DEFAULT 0, attempt INTEGER NOT NULL DEFAULT 0, UNIQUE(topic, key));"
    "CREATE INDEX IF NOT EXISTS messages_open ON messages(topic, due_ms) WHERE state < 2;"
    "CREATE INDEX IF NOT EXISTS messages_parked ON messages(topic) WHERE state = 3;"
    "CREATE TABLE IF NOT EXISTS counts(topic TEXT PRIMARY KEY, done INTEGER NOT NULL)"
    " WITHOUT ROWID;"
    "COMMIT;";

enum status queue_file_status(int result)
{
    switch (result & 0xff) {
    case SQLITE_OK:
    case SQLITE_DONE:
    case SQLITE_ROW:
        return STATUS_OK;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return STATUS_BUSY;
    case SQLITE_NOMEM:
        return STATUS_NO_MEMORY;
    default:
        return STATUS_IO;
    }
}

/* ---- statements */

sqlite3_stmt *queue_file_statement(struct queue_file *file, enum queue_statement which)
{
    sqlite3_stmt *statement = file->statements[which];
    sqlite3_reset(statement);
    return statement;
}

void queue_file_bind(sqlite3_stmt *statement, int at, struct text value)
{
    sqlite3_bind_text(statement, at, value.data ? value.data : "", (int)value.length,
                      SQLITE_STATIC);
}

enum status queue_file_finish(sqlite3_stmt *statement)
{
    int result;
    do {
        result = sqlite3_step(statement);
    } while (result == SQLITE_ROW);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return queue_file_status(result);
}

/* ---- opening */

static int note_log(void *context, sqlite3 *handle, const char *name, int pages)
{
    struct queue_file *file = context;
    (void)name;
    file->log_pages = pages;
    if (pages >= LONG_LOG_PAGES) {
        sqlite3_wal_checkpoint_v2(handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    }
    return SQLITE_OK;
}

/* Two processes that make the file at the same moment are in each other's way for a while, and
 * sqlite's own waiting does not cover the change to WAL. */
static int execute_patiently(sqlite3 *handle, const char *script)
{
    uint64_t deadline_ns = clock_mono_ns() + OPEN_TIMEOUT_MS * NS_PER_MS;
    int result = sqlite3_exec(handle, script, NULL, NULL, NULL);
    while ((result & 0xff) == SQLITE_BUSY && clock_mono_ns() < deadline_ns) {
        sqlite3_exec(handle, "ROLLBACK", NULL, NULL, NULL);
        clock_sleep_until_ns(clock_mono_ns() + 10 * NS_PER_MS);
        result = sqlite3_exec(handle, script, NULL, NULL, NULL);
    }
    return result;
}

static int configure(struct queue_file *file)
{
    const char *sync = getenv("CULPRIT_DB_SYNC");
    bool off = sync && strcmp(sync, "off") == 0;
    sqlite3_busy_timeout(file->handle, BUSY_TIMEOUT_MS);
    sqlite3_db_config(file->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    int result = execute_patiently(file->handle, "PRAGMA journal_mode=WAL");
    if (result == SQLITE_OK) {
        result =
            sqlite3_exec(file->handle, off ? "PRAGMA synchronous=OFF" : "PRAGMA synchronous=NORMAL",
                         NULL, NULL, NULL);
    }
    if (result == SQLITE_OK) {
        result = execute_patiently(file->handle, schema);
    }
    sqlite3_wal_hook(file->handle, note_log, file);
    for (size_t i = 0; result == SQLITE_OK && i < QUEUE_STATEMENTS; i++) {
        result = sqlite3_prepare_v3(file->handle, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                    &file->statements[i], NULL);
    }
    return result;
}

enum status queue_file_open(struct queue_file *file, const char *path, struct error *error)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    *file = (struct queue_file){0};
    enum status status = data_directory_make_above(path, error);
    if (status != STATUS_OK) {
        return status;
    }
    int result = sqlite3_open_v2(path, &file->handle, flags, NULL);
    if (result == SQLITE_OK) {
        result = configure(file);
    }
    if (result == SQLITE_OK) {
        return STATUS_OK;
    }
    error_set(error, STATUS_IO, "queue %s: %s", path, sqlite3_errmsg(file->handle));
    queue_file_close(file);
    return STATUS_IO;
}

void queue_file_close(struct queue_file *file)
{
    for (size_t i = 0; i < QUEUE_STATEMENTS; i++) {
        sqlite3_finalize(file->statements[i]);
    }
    sqlite3_close(file->handle);
    *file = (struct queue_file){0};
}

void queue_file_tidy(struct queue_file *file)
{
    if (file->log_pages >= TIDY_PAGES) {
        sqlite3_wal_checkpoint_v2(file->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
        file->log_pages = 0;
    }
}
