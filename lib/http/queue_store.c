#include "http/queue_store.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sqlite3.h>

#include "base/clock.h"

enum {
    BUSY_TIMEOUT_MS = 2000,
    OPEN_TIMEOUT_MS = 5000,
    TIDY_PAGES = 256,      /* from how long a log on a consumer copies it into the file */
    LONG_LOG_PAGES = 4000, /* and when a publisher does, should there be no consumer */
    PRUNE_EVERY = 1000,
};

enum state { WAITING, IN_HAND, DONE, PARKED };

enum statement {
    BEGIN,
    COMMIT,
    ROLLBACK,
    INSERT,
    PEEK,
    NEXT,
    LEASE,
    END,
    COUNT_DONE,
    PRUNE,
    RETURN,
    STATS,
    STATEMENTS,
};

/* The partial index "messages_open" serves PEEK, NEXT and most of STATS. */
static const char *const texts[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [INSERT] = "INSERT INTO messages(topic, key, payload, traceparent, trace_state, enqueued_ns,"
               " due_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6 / 1000000)"
               " ON CONFLICT(topic, key) DO NOTHING",
    [PEEK] = "SELECT 1 FROM messages WHERE topic = ?1 AND state < 2 AND due_ms <= ?2 LIMIT 1",
    [NEXT] = "SELECT id, attempt, key, payload, traceparent, trace_state, enqueued_ns FROM messages"
             " WHERE topic = ?1 AND state < 2 AND due_ms <= ?2 ORDER BY due_ms LIMIT 1",
    [LEASE] = "UPDATE messages SET state = 1, attempt = attempt + 1, due_ms = ?2 WHERE id = ?1",
    [END] = "UPDATE messages SET state = ?3, due_ms = ?4,"
            " payload = CASE ?3 WHEN 2 THEN '' ELSE payload END"
            " WHERE id = ?1 AND attempt = ?2 AND state = 1",
    [COUNT_DONE] = "INSERT INTO counts(topic, done) VALUES (?1, 1)"
                   " ON CONFLICT(topic) DO UPDATE SET done = done + 1 RETURNING done",
    [PRUNE] = "DELETE FROM messages WHERE topic = ?1 AND state = 2 AND id <= ?2",
    [RETURN] = "UPDATE messages SET state = ?2 WHERE id = ?1",
    [STATS] = "SELECT coalesce((SELECT done FROM counts WHERE topic = ?1), 0),"
              " (SELECT count(*) FROM messages WHERE topic = ?1 AND state < 2 AND state = 0),"
              " (SELECT count(*) FROM messages WHERE topic = ?1 AND state < 2 AND state = 1),"
              " (SELECT count(*) FROM messages WHERE topic = ?1 AND state = 3)",
};

static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS messages(id INTEGER PRIMARY KEY, topic TEXT NOT NULL,"
    " key TEXT NOT NULL, payload TEXT NOT NULL, traceparent TEXT NOT NULL,"
    " trace_state TEXT NOT NULL, enqueued_ns INTEGER NOT NULL, due_ms INTEGER NOT NULL,"
    " state INTEGER NOT NULL DEFAULT 0, attempt INTEGER NOT NULL DEFAULT 0, UNIQUE(topic, key));"
    "CREATE INDEX IF NOT EXISTS messages_open ON messages(topic, due_ms) WHERE state < 2;"
    "CREATE INDEX IF NOT EXISTS messages_parked ON messages(topic) WHERE state = 3;"
    "CREATE TABLE IF NOT EXISTS counts(topic TEXT PRIMARY KEY, done INTEGER NOT NULL)"
    " WITHOUT ROWID;"
    "COMMIT;";

struct queue_store {
    pthread_mutex_t mutex; /* guards what follows */
    sqlite3 *handle;
    sqlite3_stmt *statements[STATEMENTS];
    int log_pages;
};

static enum status status_of(int result)
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

/* ---- statements; all under the mutex */

static sqlite3_stmt *ready(struct queue_store *store, enum statement which)
{
    sqlite3_stmt *statement = store->statements[which];
    sqlite3_reset(statement);
    return statement;
}

static void bind_text(sqlite3_stmt *statement, int at, struct text value)
{
    /* The caller's text outlives the step; reset comes before the next use, and rebinds. */
    sqlite3_bind_text(statement, at, value.data ? value.data : "", (int)value.length,
                      SQLITE_STATIC);
}

/* Runs it to its end. */
static enum status finish(sqlite3_stmt *statement)
{
    int result;
    do {
        result = sqlite3_step(statement);
    } while (result == SQLITE_ROW);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return status_of(result);
}

static enum status run(struct queue_store *store, enum statement which)
{
    return finish(ready(store, which));
}

/* Ends the transaction as `status` says. */
static enum status settle(struct queue_store *store, enum status status)
{
    enum status ended = status == STATUS_OK ? run(store, COMMIT) : status;
    if (ended != STATUS_OK) {
        enum status undone = run(store, ROLLBACK);
        (void)undone; /* there is nothing left to undo where sqlite did it by itself */
    }
    return ended;
}

/* ---- opening */

static enum status make_directories(const char *path, struct error *error)
{
    char copy[512];
    text_copy(text_of(path), copy, sizeof copy);
    for (char *at = copy + 1; *at; at++) {
        if (*at != '/') {
            continue;
        }
        *at = '\0';
        if (mkdir(copy, 0700) != 0 && errno != EEXIST) {
            return error_set(error, STATUS_IO, "%s: %s", copy, strerror(errno));
        }
        *at = '/';
    }
    return STATUS_OK;
}

static int note_log(void *context, sqlite3 *handle, const char *name, int pages)
{
    struct queue_store *store = context;
    (void)name;
    store->log_pages = pages;
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

static int configure(struct queue_store *store)
{
    const char *sync = getenv("CULPRIT_DB_SYNC");
    bool off = sync && strcmp(sync, "off") == 0;
    sqlite3_busy_timeout(store->handle, BUSY_TIMEOUT_MS);
    sqlite3_db_config(store->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    int result = execute_patiently(store->handle, "PRAGMA journal_mode=WAL");
    if (result == SQLITE_OK) {
        result = sqlite3_exec(store->handle,
                              off ? "PRAGMA synchronous=OFF" : "PRAGMA synchronous=NORMAL", NULL,
                              NULL, NULL);
    }
    if (result == SQLITE_OK) {
        result = execute_patiently(store->handle, schema);
    }
    sqlite3_wal_hook(store->handle, note_log, store);
    for (size_t i = 0; result == SQLITE_OK && i < STATEMENTS; i++) {
        result = sqlite3_prepare_v3(store->handle, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                    &store->statements[i], NULL);
    }
    return result;
}

enum status queue_store_new(struct queue_store **out, const char *path, struct error *error)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    enum status status = make_directories(path, error);
    *out = NULL;
    if (status != STATUS_OK) {
        return status;
    }
    struct queue_store *store = calloc(1, sizeof *store);
    if (!store) {
        return error_set(error, STATUS_NO_MEMORY, "no memory for the queue");
    }
    pthread_mutex_init(&store->mutex, NULL);
    int result = sqlite3_open_v2(path, &store->handle, flags, NULL);
    if (result == SQLITE_OK) {
        result = configure(store);
    }
    if (result != SQLITE_OK) {
        error_set(error, STATUS_IO, "queue %s: %s", path, sqlite3_errmsg(store->handle));
        queue_store_free(store);
        return STATUS_IO;
    }
    *out = store;
    return STATUS_OK;
}

void queue_store_free(struct queue_store *store)
{
    if (!store) {
        return;
    }
    for (size_t i = 0; i < STATEMENTS; i++) {
        sqlite3_finalize(store->statements[i]);
    }
    sqlite3_close(store->handle);
    pthread_mutex_destroy(&store->mutex);
    free(store);
}

/* ---- adding */

static enum status add(struct queue_store *store, const struct text values[5], uint64_t now_ns)
{
    sqlite3_stmt *insert = ready(store, INSERT);
    for (int i = 0; i < 5; i++) {
        bind_text(insert, i + 1, values[i]);
    }
    sqlite3_bind_int64(insert, 6, (int64_t)now_ns);
    return finish(insert);
}

enum status queue_store_add(struct queue_store *store, const char *topic, const char *key,
                            struct text payload, const struct queue_context *context,
                            uint64_t now_ns)
{
    const struct text values[5] = {text_of(topic), text_of(key), payload,
                                   text_of(context ? context->traceparent : ""),
                                   text_of(context ? context->trace_state : "")};
    pthread_mutex_lock(&store->mutex);
    enum status status = run(store, BEGIN);
    if (status == STATUS_OK) {
        status = settle(store, add(store, values, now_ns));
    }
    pthread_mutex_unlock(&store->mutex);
    return status;
}

/* ---- claiming */

static bool something_is_due(struct queue_store *store, const char *topic, uint64_t now_ms)
{
    sqlite3_stmt *peek = ready(store, PEEK);
    bind_text(peek, 1, text_of(topic));
    sqlite3_bind_int64(peek, 2, (int64_t)now_ms);
    bool found = sqlite3_step(peek) == SQLITE_ROW;
    sqlite3_reset(peek);
    return found;
}

static struct text column(sqlite3_stmt *statement, int at)
{
    const char *value = (const char *)sqlite3_column_text(statement, at);
    return (struct text){value, value ? (size_t)sqlite3_column_bytes(statement, at) : 0};
}

static enum status read_claim(sqlite3_stmt *next, struct queue_claim *claim)
{
    struct text payload = column(next, 3);
    *claim = (struct queue_claim){.id = sqlite3_column_int64(next, 0),
                                  .attempt = (unsigned)sqlite3_column_int(next, 1),
                                  .payload = malloc(payload.length + 1),
                                  .payload_bytes = payload.length,
                                  .enqueued_wall_ns = (uint64_t)sqlite3_column_int64(next, 6)};
    if (!claim->payload) {
        return STATUS_NO_MEMORY;
    }
    text_copy(payload, claim->payload, payload.length + 1);
    text_copy(column(next, 2), claim->key, sizeof claim->key);
    text_copy(column(next, 4), claim->context.traceparent, sizeof claim->context.traceparent);
    text_copy(column(next, 5), claim->context.trace_state, sizeof claim->context.trace_state);
    return STATUS_OK;
}

/* STATUS_NOT_FOUND: nothing is due. */
static enum status find_next(struct queue_store *store, const char *topic, uint64_t now_ms,
                             struct queue_claim *claim)
{
    sqlite3_stmt *next = ready(store, NEXT);
    bind_text(next, 1, text_of(topic));
    sqlite3_bind_int64(next, 2, (int64_t)now_ms);
    int result = sqlite3_step(next);
    enum status status = result == SQLITE_DONE ? STATUS_NOT_FOUND : status_of(result);
    if (result == SQLITE_ROW) {
        status = read_claim(next, claim);
    }
    sqlite3_reset(next);
    return status;
}

static enum status park(struct queue_store *store, int64_t id)
{
    sqlite3_stmt *statement = ready(store, RETURN);
    sqlite3_bind_int64(statement, 1, id);
    sqlite3_bind_int64(statement, 2, PARKED);
    return finish(statement);
}

static enum status lease(struct queue_store *store, struct queue_claim *claim, uint64_t until_ms)
{
    sqlite3_stmt *statement = ready(store, LEASE);
    sqlite3_bind_int64(statement, 1, claim->id);
    sqlite3_bind_int64(statement, 2, (int64_t)until_ms);
    claim->attempt++;
    return finish(statement);
}

/* In a transaction. Parks those whose last lease ended without a word. */
static enum status claim_next(struct queue_store *store, const char *topic, uint64_t now_ms,
                              uint64_t until_ms, struct queue_claim *claim)
{
    enum status status = find_next(store, topic, now_ms, claim);
    while (status == STATUS_OK && claim->attempt >= QUEUE_STORE_ATTEMPTS_MAX) {
        status = park(store, claim->id);
        queue_store_release(claim);
        if (status == STATUS_OK) {
            status = find_next(store, topic, now_ms, claim);
        }
    }
    return status == STATUS_OK ? lease(store, claim, until_ms) : status;
}

enum status queue_store_claim(struct queue_store *store, const char *topic, uint64_t now_ms,
                              uint64_t until_ms, struct queue_claim *claim)
{
    enum status status = STATUS_NOT_FOUND;
    *claim = (struct queue_claim){0};
    pthread_mutex_lock(&store->mutex);
    if (something_is_due(store, topic, now_ms)) {
        status = run(store, BEGIN);
        if (status == STATUS_OK) {
            status = claim_next(store, topic, now_ms, until_ms, claim);
            /* What was parked on the way stays parked. */
            enum status ended = settle(store, status == STATUS_NOT_FOUND ? STATUS_OK : status);
            status = status == STATUS_NOT_FOUND ? status : ended;
        }
    }
    pthread_mutex_unlock(&store->mutex);
    if (status != STATUS_OK) {
        queue_store_release(claim);
    }
    return status;
}

void queue_store_release(struct queue_claim *claim)
{
    free(claim->payload);
    claim->payload = NULL;
    claim->payload_bytes = 0;
}

/* ---- ending */

static enum status end(struct queue_store *store, const struct queue_claim *claim, enum state state,
                       uint64_t due_ms)
{
    sqlite3_stmt *statement = ready(store, END);
    sqlite3_bind_int64(statement, 1, claim->id);
    sqlite3_bind_int64(statement, 2, claim->attempt);
    sqlite3_bind_int64(statement, 3, state);
    sqlite3_bind_int64(statement, 4, (int64_t)due_ms);
    enum status status = finish(statement);
    if (status == STATUS_OK && sqlite3_changes(store->handle) == 0) {
        return STATUS_NOT_FOUND;
    }
    return status;
}

static enum status prune(struct queue_store *store, const char *topic, int64_t newest_id)
{
    sqlite3_stmt *statement = ready(store, PRUNE);
    bind_text(statement, 1, text_of(topic));
    sqlite3_bind_int64(statement, 2, newest_id - QUEUE_STORE_KEYS_KEPT);
    return finish(statement);
}

static enum status count_done(struct queue_store *store, const char *topic, int64_t id)
{
    sqlite3_stmt *statement = ready(store, COUNT_DONE);
    bind_text(statement, 1, text_of(topic));
    int result = sqlite3_step(statement);
    int64_t done = result == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    enum status status = result == SQLITE_ROW ? finish(statement) : status_of(result);
    if (status == STATUS_OK && done % PRUNE_EVERY == 0) {
        status = prune(store, topic, id);
    }
    return status;
}

enum status queue_store_done(struct queue_store *store, const char *topic,
                             const struct queue_claim *claim)
{
    pthread_mutex_lock(&store->mutex);
    enum status status = run(store, BEGIN);
    if (status == STATUS_OK) {
        status = end(store, claim, DONE, 0);
        if (status == STATUS_OK) {
            status = count_done(store, topic, claim->id);
        }
        status = settle(store, status);
    }
    pthread_mutex_unlock(&store->mutex);
    return status;
}

enum status queue_store_return(struct queue_store *store, const struct queue_claim *claim,
                               uint64_t due_ms)
{
    enum state state = claim->attempt >= QUEUE_STORE_ATTEMPTS_MAX ? PARKED : WAITING;
    pthread_mutex_lock(&store->mutex);
    enum status status = run(store, BEGIN);
    if (status == STATUS_OK) {
        status = settle(store, end(store, claim, state, due_ms));
    }
    pthread_mutex_unlock(&store->mutex);
    return status;
}

/* ---- the rest */

enum status queue_store_stats(struct queue_store *store, const char *topic, struct queue_stats *out)
{
    *out = (struct queue_stats){0};
    pthread_mutex_lock(&store->mutex);
    sqlite3_stmt *statement = ready(store, STATS);
    bind_text(statement, 1, text_of(topic));
    int result = sqlite3_step(statement);
    if (result == SQLITE_ROW) {
        out->done = (uint64_t)sqlite3_column_int64(statement, 0);
        out->waiting = (uint64_t)sqlite3_column_int64(statement, 1);
        out->in_hand = (uint64_t)sqlite3_column_int64(statement, 2);
        out->parked = (uint64_t)sqlite3_column_int64(statement, 3);
    }
    sqlite3_reset(statement);
    pthread_mutex_unlock(&store->mutex);
    return result == SQLITE_DONE ? STATUS_IO : status_of(result);
}

void queue_store_tidy(struct queue_store *store)
{
    pthread_mutex_lock(&store->mutex);
    if (store->log_pages >= TIDY_PAGES) {
        sqlite3_wal_checkpoint_v2(store->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
        store->log_pages = 0;
    }
    pthread_mutex_unlock(&store->mutex);
}
