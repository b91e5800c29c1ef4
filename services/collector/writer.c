#include "services/collector/writer.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"

enum {
    SPANS_AT_ONCE = 5000,
    TRANSACTION_MS = 10,
    TICK_MS = 20,   /* while traces are open */
    IDLE_MS = 1000, /* the first span wakes it */
    LOG_EVERY_S = 10,
    BODY_MAX = 256 * 1024 * 1024,
    BODY_KEPT_MAX = 4 * 1024 * 1024,
};

struct writer {
    struct open_traces *open;
    struct log_inbox *inbox;
    struct store *store;
    struct counters *counters;
    pthread_t thread;
    atomic_bool stopping;
    struct digest digest;
    struct buffer body;
    uint64_t last_log_ns;
};

/* What happened to the spans of a transaction, counted once it is known. */
struct tally {
    uint64_t spans, no_memory;
};

static void complain(struct writer *writer, const char *what, const char *words)
{
    const uint64_t now_ns = clock_mono_ns();
    if (writer->last_log_ns != 0 && now_ns - writer->last_log_ns < LOG_EVERY_S * NS_PER_S)
        return;
    writer->last_log_ns = now_ns;
    log_event(LOG_ERROR, LOG_NO_IDS, what, LOG_TEXT("error", words));
}

static enum status add_trace(struct writer *writer, const struct open_trace *trace)
{
    if (writer->body.capacity_bytes > BODY_KEPT_MAX)
        buffer_release(&writer->body);
    buffer_clear(&writer->body);
    open_trace_write(trace, &writer->body);
    if (writer->body.failed != STATUS_OK)
        return STATUS_NO_MEMORY;
    const enum status status = digest_read(&writer->digest, trace);
    if (status != STATUS_OK)
        return STATUS_NO_MEMORY;
    return store_add(writer->store, trace, &writer->digest,
                     (struct text){buffer_text(&writer->body), writer->body.length_bytes});
}

/* Adds traces of the list until time is up. Returns the first that is left. */
static struct open_trace *add_some(struct writer *writer, struct open_trace *list,
                                   struct tally *tally, enum status *status)
{
    const uint64_t until_ns = clock_mono_ns() + TRANSACTION_MS * NS_PER_MS;
    while (list && *status == STATUS_OK) {
        const enum status added = add_trace(writer, list);
        if (added == STATUS_NO_MEMORY)
            tally->no_memory += list->span_count;
        else if (added != STATUS_OK)
            *status = added;
        tally->spans += list->span_count;
        list = list->older;
        if (clock_mono_ns() > until_ns)
            break;
    }
    return list;
}

static enum status retain(struct writer *writer)
{
    struct store_evicted evicted;
    const enum status status = store_retain(writer->store, &evicted);
    if (status == STATUS_OK) {
        counters_add(writer->counters, COUNTER_EVICTED, evicted.spans);
        counters_add(writer->counters, COUNTER_EVICTED_TRACES, evicted.traces);
        counters_add(writer->counters, COUNTER_LOGS_EVICTED, evicted.logs);
    }
    return status;
}

static void count(struct writer *writer, const struct tally *tally, enum status status)
{
    if (status == STATUS_OK) {
        counters_add(writer->counters, COUNTER_STORED, tally->spans - tally->no_memory);
        counters_add(writer->counters, COUNTER_DROPPED_MEMORY, tally->no_memory);
        return;
    }
    counters_add(writer->counters, COUNTER_DROPPED_STORE, tally->spans);
}

/* One transaction. Returns what is left of the list. */
static struct open_trace *write_some(struct writer *writer, struct open_trace *list)
{
    struct error error = {{0}};
    struct tally tally = {0};
    struct open_trace *left = list;
    enum status status = store_begin(writer->store, &error);
    if (status == STATUS_OK) {
        left = add_some(writer, list, &tally, &status);
        if (status == STATUS_OK)
            status = retain(writer);
        if (status == STATUS_OK)
            status = store_commit(writer->store, &error);
        if (status != STATUS_OK)
            store_rollback(writer->store);
    } else {
        /* Nothing can be written now: let this transaction's worth go rather than the memory. */
        tally.spans += list->span_count;
        left = list->older;
    }
    if (status != STATUS_OK)
        complain(writer, "traces are lost: the store failed",
                 error.text[0] ? error.text : status_words(status));
    count(writer, &tally, status);
    return left;
}

/* Cuts the list before `left` and gives the written part back. */
static void give_back(struct writer *writer, struct open_trace *list, struct open_trace *left)
{
    struct open_trace *last = list;
    while (last->older != left)
        last = last->older;
    last->older = NULL;
    open_traces_done(writer->open, list);
}

/* false: nothing had settled. */
static bool write_settled(struct writer *writer, bool all)
{
    struct open_trace *list = open_traces_settle(writer->open, clock_mono_ns(), SPANS_AT_ONCE, all);
    if (!list)
        return false;
    while (list) {
        struct open_trace *left = write_some(writer, list);
        give_back(writer, list, left);
        list = left;
    }
    return true;
}

/* ---- log records */

/* Those of a parcel from *next on, until time is up. */
static enum status add_logs(struct writer *writer, const struct logs *logs, size_t *next,
                            uint64_t *dropped)
{
    const uint64_t until_ns = clock_mono_ns() + TRANSACTION_MS * NS_PER_MS;
    while (*next < logs->count) {
        const enum status status = store_add_log(writer->store, &logs->items[*next]);
        if (status != STATUS_OK && status != STATUS_TOO_LARGE && status != STATUS_NO_MEMORY)
            return status;
        *dropped += status != STATUS_OK;
        ++*next;
        if (*next % 64 == 0 && clock_mono_ns() > until_ns)
            break;
    }
    return STATUS_OK;
}

/* One transaction. Where the store fails, what is left of the parcel is lost rather than the
 * memory. */
static void write_some_logs(struct writer *writer, const struct logs *logs, size_t *next)
{
    struct error error = {{0}};
    const size_t first = *next;
    uint64_t dropped = 0;
    enum status status = store_begin(writer->store, &error);
    if (status == STATUS_OK) {
        status = add_logs(writer, logs, next, &dropped);
        if (status == STATUS_OK)
            status = retain(writer);
        if (status == STATUS_OK)
            status = store_commit(writer->store, &error);
        if (status != STATUS_OK)
            store_rollback(writer->store);
    }
    if (status != STATUS_OK) {
        *next = logs->count;
        dropped = *next - first;
        complain(writer, "log records are lost: the store failed",
                 error.text[0] ? error.text : status_words(status));
    }
    counters_add(writer->counters, COUNTER_LOGS_STORED, *next - first - dropped);
    counters_add(writer->counters, COUNTER_LOGS_DROPPED, dropped);
}

/* false: none waited. */
static bool write_logs(struct writer *writer)
{
    struct log_parcel *parcel = log_inbox_take(writer->inbox);
    if (!parcel)
        return false;
    for (size_t next = 0; next < parcel->logs.count;)
        write_some_logs(writer, &parcel->logs, &next);
    log_inbox_done(writer->inbox, parcel);
    return true;
}

static void *run(void *argument)
{
    struct writer *writer = argument;
    for (;;) {
        const bool stopping = atomic_load(&writer->stopping);
        const bool wrote = write_settled(writer, stopping);
        if (write_logs(writer) || wrote)
            continue;
        if (stopping)
            return NULL;
        const bool idle = open_traces_stats(writer->open).traces == 0;
        open_traces_wait(writer->open, clock_mono_ns() + (idle ? IDLE_MS : TICK_MS) * NS_PER_MS);
    }
}

enum status writer_new(struct writer **out, const struct writer_config *config)
{
    struct writer *writer = calloc(1, sizeof(*writer));
    *out = NULL;
    if (!writer)
        return STATUS_NO_MEMORY;
    writer->open = config->open;
    writer->inbox = config->inbox;
    writer->store = config->store;
    writer->counters = config->counters;
    digest_init(&writer->digest);
    buffer_init(&writer->body, BODY_MAX);
    if (pthread_create(&writer->thread, NULL, run, writer) != 0) {
        digest_release(&writer->digest);
        free(writer);
        return STATUS_NO_MEMORY;
    }
    *out = writer;
    return STATUS_OK;
}

void writer_stop(struct writer *writer)
{
    if (!writer)
        return;
    atomic_store(&writer->stopping, true);
    open_traces_wake(writer->open);
    pthread_join(writer->thread, NULL);
    digest_release(&writer->digest);
    buffer_release(&writer->body);
    free(writer);
}
