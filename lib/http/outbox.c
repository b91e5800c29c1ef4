#include "http/outbox.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "http/service.h"
#include "trace/trace.h"

enum { SWEEP_MAX = 64, SWEEP_TIMEOUT_MS = 5000, AGAIN_AFTER_MS = 1000, KEY_MAX = 63 };

struct outbox {
    const struct service_parts *parts;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool left_behind; /* guarded by mutex: some row may be unsent */
    bool stopping;    /* guarded by mutex */
};

static const struct db_query insert_row = {
    "INSERT outbox",
    "INSERT INTO outbox(key, topic, payload, context) VALUES (?, ?, ?, ?)",
};

static const struct db_query delete_row = {
    "DELETE outbox",
    "DELETE FROM outbox WHERE key = ?",
};

static const struct db_query select_rows = {
    "SELECT outbox",
    "SELECT key, topic, payload, context FROM outbox ORDER BY key LIMIT ?",
};

enum status outbox_write(struct db_transaction *transaction, const struct work *work,
                         struct outbox_message *message)
{
    struct span *span =
        queue_producer_span(work->parts->service, message->topic, &message->context);
    enum status status = db_execute(transaction, &insert_row, NULL, "ssss", message->key,
                                    message->topic, message->payload, message->context.fields);
    if (status != STATUS_OK) {
        span_set_status(span, SPAN_ERROR, text_of(status_words(status)));
    }
    span_end(span);
    return status;
}

static enum status strike_off(const struct work *work, const char *key)
{
    struct db_transaction *transaction = NULL;
    enum status status = db_begin(work, &transaction);
    if (status == STATUS_OK) {
        status = db_execute(transaction, &delete_row, NULL, "s", key);
    }
    if (status == STATUS_OK) {
        return db_commit(transaction);
    }
    db_rollback(transaction);
    return status;
}

static enum status send_row(const struct work *work, const struct outbox_message *message)
{
    enum status status = queue_publish(work->parts->queue, message->topic, message->key,
                                       text_of(message->payload), &message->context);
    return status == STATUS_OK ? strike_off(work, message->key) : status;
}

void outbox_send(struct outbox *outbox, const struct work *work,
                 const struct outbox_message *message)
{
    if (send_row(work, message) != STATUS_OK) {
        pthread_mutex_lock(&outbox->mutex);
        outbox->left_behind = true;
        pthread_cond_signal(&outbox->changed);
        pthread_mutex_unlock(&outbox->mutex);
    }
}

/* ---- what was left behind */

struct kept_row {
    char key[KEY_MAX + 1];
    char *topic, *payload;
    struct queue_context context;
};

/* Copies, so that no reader is held while the queue is written. *count rows to be freed in any
 * case. */
static enum status load(const struct work *work, struct kept_row rows[SWEEP_MAX], size_t *count)
{
    struct db_rows *found = NULL;
    enum status status = db_select(work, &select_rows, &found, "i", (int64_t)SWEEP_MAX);
    *count = 0;
    while (status == STATUS_OK && *count < SWEEP_MAX && db_next(found)) {
        struct kept_row *row = &rows[(*count)++];
        *row = (struct kept_row){.topic = strdup(db_text(found, 1)),
                                 .payload = strdup(db_text(found, 2))};
        text_copy(text_of(db_text(found, 0)), row->key, sizeof row->key);
        text_copy(text_of(db_text(found, 3)), row->context.fields, sizeof row->context.fields);
        status = row->topic && row->payload ? STATUS_OK : STATUS_NO_MEMORY;
    }
    enum status done = db_done(found);
    return status == STATUS_OK ? done : status;
}

/* STATUS_END: nothing is left. The thread has no span, so what it does makes none. */
static enum status sweep(const struct service_parts *parts)
{
    struct work work;
    size_t count = 0;
    service_work(parts, SWEEP_TIMEOUT_MS, &work);
    struct kept_row *rows = calloc(SWEEP_MAX, sizeof *rows);
    enum status status = rows ? load(&work, rows, &count) : STATUS_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        struct outbox_message message = {.topic = rows[i].topic,
                                         .key = rows[i].key,
                                         .payload = rows[i].payload,
                                         .context = rows[i].context};
        status = status == STATUS_OK ? send_row(&work, &message) : status;
        free(rows[i].topic);
        free(rows[i].payload);
    }
    free(rows);
    return status == STATUS_OK && count < SWEEP_MAX ? STATUS_END : status;
}

static void wait_ms(struct outbox *outbox, uint64_t ms)
{
    uint64_t until_ns = clock_mono_ns() + ms * NS_PER_MS;
    struct timespec until = {.tv_sec = (time_t)(until_ns / NS_PER_S),
                             .tv_nsec = (long)(until_ns % NS_PER_S)};
    pthread_cond_timedwait(&outbox->changed, &outbox->mutex, &until);
}

static void *run(void *argument)
{
    struct outbox *outbox = argument;
    pthread_mutex_lock(&outbox->mutex);
    while (!outbox->stopping) {
        if (!outbox->left_behind) {
            wait_ms(outbox, AGAIN_AFTER_MS);
            continue;
        }
        outbox->left_behind = false;
        pthread_mutex_unlock(&outbox->mutex);
        enum status status = sweep(outbox->parts);
        pthread_mutex_lock(&outbox->mutex);
        outbox->left_behind |= status != STATUS_END;
        if (status != STATUS_END && status != STATUS_OK && !outbox->stopping) {
            wait_ms(outbox, AGAIN_AFTER_MS);
        }
    }
    pthread_mutex_unlock(&outbox->mutex);
    return NULL;
}

enum status outbox_start(struct outbox **out, const struct service_parts *parts,
                         struct error *error)
{
    struct outbox *outbox = calloc(1, sizeof *outbox);
    if (!outbox) {
        return error_set(error, STATUS_NO_MEMORY, "no memory for the outbox");
    }
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&outbox->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&outbox->mutex, NULL);
    outbox->parts = parts;
    outbox->left_behind = true; /* by an earlier life, perhaps */
    if (pthread_create(&outbox->thread, NULL, run, outbox) != 0) {
        pthread_cond_destroy(&outbox->changed);
        pthread_mutex_destroy(&outbox->mutex);
        free(outbox);
        return error_set(error, STATUS_IO, "no thread for the outbox");
    }
    *out = outbox;
    return STATUS_OK;
}

void outbox_stop(struct outbox *outbox)
{
    if (!outbox) {
        return;
    }
    pthread_mutex_lock(&outbox->mutex);
    outbox->stopping = true;
    pthread_cond_signal(&outbox->changed);
    pthread_mutex_unlock(&outbox->mutex);
    pthread_join(outbox->thread, NULL);
    pthread_cond_destroy(&outbox->changed);
    pthread_mutex_destroy(&outbox->mutex);
    free(outbox);
}
