#include "http/queue_store.h"

#include <pthread.h>
#include <stdlib.h>

#include "http/queue_file.h"

enum { PRUNE_EVERY = 1000, BACK_OFF_FIRST_MS = 100, BACK_OFF_MAX_MS = 10000 };

struct queue_store {
    pthread_mutex_t mutex; /* guards the file */
    struct queue_file file;
};

enum status queue_store_new(struct queue_store **out, const char *path, struct error *error)
{
    struct queue_store *store = calloc(1, sizeof *store);
    *out = NULL;
    if (!store) {
        return error_set(error, STATUS_NO_MEMORY, "no memory for the queue");
    }
    pthread_mutex_init(&store->mutex, NULL);
    enum status status = queue_file_open(&store->file, path, error);
    if (status != STATUS_OK) {
        queue_store_free(store);
        return status;
    }
    *out = store;
    return STATUS_OK;
}

void queue_store_free(struct queue_store *store)
{
    if (!store) {
        return;
    }
    queue_file_close(&store->file);
    pthread_mutex_destroy(&store->mutex);
    free(store);
}

/* ---- all below happens under the mutex, but for what is in the header */

static enum status run(struct queue_store *store, enum queue_statement which)
{
    return queue_file_finish(queue_file_statement(&store->file, which));
}

/* Ends the transaction as `status` says. */
static enum status settle(struct queue_store *store, enum status status)
{
    enum status ended = status == STATUS_OK ? run(store, QUEUE_COMMIT) : status;
    if (ended != STATUS_OK) {
        enum status undone = run(store, QUEUE_ROLLBACK);
        (void)undone; /* there is nothing left to undo where sqlite did it by itself */
    }
    return ended;
}

/* ---- adding */

static enum status add(struct queue_store *store, const struct text values[4], uint64_t now_ns)
{
    sqlite3_stmt *insert = queue_file_statement(&store->file, QUEUE_ADD);
    for (int i = 0; i < 4; i++) {
        queue_file_bind(insert, i + 1, values[i]);
    }
    sqlite3_bind_int64(insert, 5, (int64_t)now_ns);
    return queue_file_finish(insert);
}

enum status queue_store_add(struct queue_store *store, const char *topic, const char *key,
                            struct text payload, const struct queue_context *context,
                            uint64_t now_ns)
{
    const struct text values[4] = {text_of(topic), text_of(key), payload,
                                   text_of(context ? context->fields : "")};
    pthread_mutex_lock(&store->mutex);
    enum status status = run(store, QUEUE_BEGIN);
    if (status == STATUS_OK) {
        status = settle(store, add(store, values, now_ns));
    }
    pthread_mutex_unlock(&store->mutex);
    return status;
}

/* ---- claiming */

static bool something_is_due(struct queue_store *store, const char *topic, uint64_t now_ms)
{
    sqlite3_stmt *peek = queue_file_statement(&store->file, QUEUE_PEEK);
    queue_file_bind(peek, 1, text_of(topic));
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

static enum status read_claim(sqlite3_stmt *row, struct queue_claim *claim)
{
    struct text payload = column(row, 3);
    *claim = (struct queue_claim){.id = sqlite3_column_int64(row, 0),
                                  .attempt = (unsigned)sqlite3_column_int(row, 1),
                                  .payload = malloc(payload.length + 1),
                                  .payload_bytes = payload.length,
                                  .enqueued_wall_ns = (uint64_t)sqlite3_column_int64(row, 5)};
    if (!claim->payload) {
        return STATUS_NO_MEMORY;
    }
    text_copy(payload, claim->payload, payload.length + 1);
    text_copy(column(row, 2), claim->key, sizeof claim->key);
    text_copy(column(row, 4), claim->context.fields, sizeof claim->context.fields);
    return STATUS_OK;
}

/* STATUS_NOT_FOUND: nothing is due. */
static enum status find_next(struct queue_store *store, const char *topic, uint64_t now_ms,
                             int64_t *id, int64_t *attempts)
{
    sqlite3_stmt *next = queue_file_statement(&store->file, QUEUE_NEXT);
    queue_file_bind(next, 1, text_of(topic));
    sqlite3_bind_int64(next, 2, (int64_t)now_ms);
    int result = sqlite3_step(next);
    *id = sqlite3_column_int64(next, 0);
    *attempts = sqlite3_column_int64(next, 1);
    sqlite3_reset(next);
    return result == SQLITE_DONE ? STATUS_NOT_FOUND : queue_file_status(result);
}

static enum status park(struct queue_store *store, int64_t id)
{
    sqlite3_stmt *statement = queue_file_statement(&store->file, QUEUE_PARK);
    sqlite3_bind_int64(statement, 1, id);
    return queue_file_finish(statement);
}

static enum status lease(struct queue_store *store, int64_t id, uint64_t until_ms,
                         struct queue_claim *claim)
{
    sqlite3_stmt *statement = queue_file_statement(&store->file, QUEUE_LEASE);
    sqlite3_bind_int64(statement, 1, id);
    sqlite3_bind_int64(statement, 2, (int64_t)until_ms);
    int result = sqlite3_step(statement);
    if (result != SQLITE_ROW) {
        sqlite3_reset(statement);
        return result == SQLITE_DONE ? STATUS_NOT_FOUND : queue_file_status(result);
    }
    enum status status = read_claim(statement, claim);
    enum status finished = queue_file_finish(statement);
    return status == STATUS_OK ? finished : status;
}

/* Of those that are due; a figure for people, so a failure is none. */
static uint64_t count_due(struct queue_store *store, const char *topic, uint64_t now_ms)
{
    sqlite3_stmt *statement = queue_file_statement(&store->file, QUEUE_DEPTH);
    queue_file_bind(statement, 1, text_of(topic));
    sqlite3_bind_int64(statement, 2, (int64_t)now_ms);
    sqlite3_bind_int64(statement, 3, QUEUE_STORE_DEPTH_MAX);
    int64_t count = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    return count > 0 ? (uint64_t)count : 0;
}

/* In a transaction. Parks those whose last lease ended without a word. */
static enum status claim_next(struct queue_store *store, const char *topic, uint64_t now_ms,
                              uint64_t until_ms, struct queue_claim *claim)
{
    int64_t id, attempts;
    enum status status = find_next(store, topic, now_ms, &id, &attempts);
    while (status == STATUS_OK && attempts >= QUEUE_STORE_ATTEMPTS_MAX) {
        status = park(store, id);
        if (status == STATUS_OK) {
            status = find_next(store, topic, now_ms, &id, &attempts);
        }
    }
    if (status == STATUS_OK) {
        status = lease(store, id, until_ms, claim);
    }
    if (status == STATUS_OK) {
        claim->depth = count_due(store, topic, now_ms);
    }
    return status;
}

enum status queue_store_claim(struct queue_store *store, const char *topic, uint64_t now_ms,
                              uint64_t until_ms, struct queue_claim *claim)
{
    enum status status = STATUS_NOT_FOUND;
    *claim = (struct queue_claim){0};
    pthread_mutex_lock(&store->mutex);
    if (something_is_due(store, topic, now_ms)) {
        status = run(store, QUEUE_BEGIN);
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

uint64_t queue_store_back_off_ms(unsigned attempt)
{
    uint64_t wait_ms = BACK_OFF_FIRST_MS;
    for (unsigned i = 1; i < attempt && wait_ms < BACK_OFF_MAX_MS; i++) {
        wait_ms *= 2;
    }
    return wait_ms < BACK_OFF_MAX_MS ? wait_ms : BACK_OFF_MAX_MS;
}

static enum status end(struct queue_store *store, const struct queue_claim *claim,
                       enum queue_state state, uint64_t due_ms)
{
    sqlite3_stmt *statement = queue_file_statement(&store->file, QUEUE_END);
    sqlite3_bind_int64(statement, 1, claim->id);
    sqlite3_bind_int64(statement, 2, claim->attempt);
    sqlite3_bind_int64(statement, 3, state);
    sqlite3_bind_int64(statement, 4, (int64_t)due_ms);
    enum status status = queue_file_finish(statement);
    if (status == STATUS_OK && sqlite3_changes(store->file.handle) == 0) {
        return STATUS_NOT_FOUND;
    }
    return status;
}

static enum status prune(struct queue_store *store, const char *topic, int64_t newest_id)
{
    sqlite3_stmt *statement = queue_file_statement(&store->file, QUEUE_PRUNE);
    queue_file_bind(statement, 1, text_of(topic));
    sqlite3_bind_int64(statement, 2, newest_id - QUEUE_STORE_KEYS_KEPT);
    return queue_file_finish(statement);
}

static enum status count_done(struct queue_store *store, const char *topic, int64_t id)
{
    sqlite3_stmt *statement = queue_file_statement(&store->file, QUEUE_COUNT);
    queue_file_bind(statement, 1, text_of(topic));
    int result = sqlite3_step(statement);
    int64_t done = result == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    enum status status =
        result == SQLITE_ROW ? queue_file_finish(statement) : queue_file_status(result);
    if (status == STATUS_OK && done % PRUNE_EVERY == 0) {
        status = prune(store, topic, id);
    }
    return status;
}

enum status queue_store_done(struct queue_store *store, const char *topic,
                             const struct queue_claim *claim)
{
    pthread_mutex_lock(&store->mutex);
    enum status status = run(store, QUEUE_BEGIN);
    if (status == STATUS_OK) {
        status = end(store, claim, QUEUE_DONE, 0);
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
    enum queue_state state =
        claim->attempt >= QUEUE_STORE_ATTEMPTS_MAX ? QUEUE_PARKED : QUEUE_WAITING;
    pthread_mutex_lock(&store->mutex);
    enum status status = run(store, QUEUE_BEGIN);
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
    sqlite3_stmt *statement = queue_file_statement(&store->file, QUEUE_STATS);
    queue_file_bind(statement, 1, text_of(topic));
    int result = sqlite3_step(statement);
    if (result == SQLITE_ROW) {
        out->done = (uint64_t)sqlite3_column_int64(statement, 0);
        out->waiting = (uint64_t)sqlite3_column_int64(statement, 1);
        out->in_hand = (uint64_t)sqlite3_column_int64(statement, 2);
        out->parked = (uint64_t)sqlite3_column_int64(statement, 3);
    }
    sqlite3_reset(statement);
    pthread_mutex_unlock(&store->mutex);
    return result == SQLITE_DONE ? STATUS_IO : queue_file_status(result);
}

void queue_store_tidy(struct queue_store *store)
{
    pthread_mutex_lock(&store->mutex);
    queue_file_tidy(&store->file);
    pthread_mutex_unlock(&store->mutex);
}
