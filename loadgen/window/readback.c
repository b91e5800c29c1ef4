#include "loadgen/window/readback.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "loadgen/base/fetch.h"
#include "loadgen/base/id_set.h"
#include "loadgen/engine/due_queue.h"
#include "loadgen/window/trace_fetch.h"

enum {
    THREADS = 4,
    THREADS_MAX = 16,
    WAITING_MAX = 65536,
    KNOWN_MAX = 4 * 1000 * 1000,
    POLL_ONE_IN = 100,
    POLL_MS = 20,
    FRESH_MS = 100, /* what is pushed later says nothing of how soon a trace is there */
    POLLS_MAX = 500,
};

static const size_t answer_bytes_max = (size_t)64 * 1024 * 1024;

/* When a trace is asked for, counted from the time before: 10 s in all. The first wait is what
 * exporters (400 ms) and settling (500 ms) need, so that most are read once. */
static const unsigned ladder_ms[] = {950, 750, 1500, 2500, 4300};
enum { LADDER_STEPS = sizeof ladder_ms / sizeof ladder_ms[0], POLLING = LADDER_STEPS };

struct entry {
    uint8_t trace_id[16];
    uint64_t flow;
    uint64_t done_ns;
    unsigned cart_lines;
    uint16_t polls;
    uint8_t step;
    bool has_failed;
};

struct readback {
    struct readback_config config;
    pthread_t threads[THREADS_MAX];
    unsigned started;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t work, idle;
    struct due_queue queues[LADDER_STEPS + 1]; /* the last: polling */
    uint64_t open;
    uint64_t pushed;
    bool give_up, stop;
    struct readback_totals totals;
    struct histogram polled;
    struct sample sample;
    struct id_set known;
    struct error trouble;
};

/* ---- one trace */

/* What one thread works with. */
struct reader {
    struct readback *readback;
    struct fetch fetch;
    struct spans spans;
};

static void note_trouble(struct readback *readback, const struct error *error)
{
    pthread_mutex_lock(&readback->lock);
    readback->totals.read_failures++;
    if (!readback->trouble.text[0])
        readback->trouble = *error;
    pthread_mutex_unlock(&readback->lock);
}

/* Fills reader->spans with what the back end has; false: it did not answer, or not sensibly. */
static bool read_trace(struct reader *reader, const uint8_t trace_id[16])
{
    struct error error = {0};
    enum status status = trace_fetch(&reader->fetch, trace_id, &reader->spans, &error);
    if (status != STATUS_OK)
        note_trouble(reader->readback, &error);
    return status == STATUS_OK;
}

static void add_missing(struct plan_found *sum, const struct plan_found *one, size_t count)
{
    for (size_t e = 0; e < count; e++) {
        sum->caller[e] += one->caller[e];
        sum->callee[e] += one->callee[e];
    }
}

/* The lock is held. */
static void add_to_totals(struct readback_totals *totals, const struct entry *entry,
                          const struct completeness *found, size_t edge_count)
{
    totals->spans += found->spans;
    totals->orphans += found->orphans;
    totals->duplicates += found->duplicates;
    totals->connected += complete_is_connected(found);
    totals->absent += found->spans == 0;
    if (entry->has_failed) {
        totals->arrived += found->spans > 0;
        totals->as_expected += found->spans > 0;
        return;
    }
    totals->arrived += complete_has_arrived(found);
    totals->as_expected += complete_is_as_expected(found);
    totals->expected += found->expected;
    totals->found += found->found;
    totals->lost += found->lost;
    totals->never_made += found->never_made;
    totals->extra += found->extra;
    add_missing(&totals->missing[entry->step], &found->missing, edge_count);
}

/* The lock is held: the entry is decided. */
static void decide(struct readback *readback, const struct entry *entry, const struct spans *spans,
                   const struct completeness *found)
{
    struct readback_totals *totals = &readback->totals;
    totals->requests++;
    totals->failed += entry->has_failed;
    if (found)
        add_to_totals(totals, entry, found, readback->config.plans[entry->step].count);
    else
        totals->unread++;
    if (found && spans->count > 0 && sample_wants(&readback->sample, entry->flow))
        sample_add(&readback->sample, entry->flow, spans, 0, spans->count);
    if (--readback->open == 0)
        pthread_cond_broadcast(&readback->idle);
}

/* The lock is held. */
static void ask_again(struct readback *readback, const struct entry *entry, size_t rung)
{
    unsigned after_ms = rung == POLLING ? POLL_MS : ladder_ms[rung];
    uint64_t due_ns = clock_mono_ns() + after_ms * NS_PER_MS;
    if (due_queue_push(&readback->queues[rung], due_ns, entry)) {
        pthread_cond_signal(&readback->work);
        return;
    }
    decide(readback, entry, NULL, NULL);
}

/* A polled id goes on to the ladder once it was seen, or has been asked for often enough. */
static void handle_polled(struct readback *readback, struct entry *entry, bool is_there)
{
    entry->polls++;
    if (is_there)
        histogram_add(&readback->polled, clock_mono_ns() - entry->done_ns);
    ask_again(readback, entry, is_there || entry->polls >= POLLS_MAX ? 0 : POLLING);
}

static bool is_final(const struct entry *entry, const struct completeness *found)
{
    if (entry->has_failed)
        return false; /* nobody knows how much of it there should be */
    return complete_has_arrived(found) && complete_is_as_expected(found) &&
           complete_is_connected(found);
}

static bool has_given_up(struct readback *readback)
{
    pthread_mutex_lock(&readback->lock);
    bool give_up = readback->give_up;
    pthread_mutex_unlock(&readback->lock);
    return give_up;
}

static void handle(struct reader *reader, struct entry *entry, size_t rung)
{
    struct readback *readback = reader->readback;
    struct completeness found;
    bool given_up = has_given_up(readback);
    bool answered = !given_up && read_trace(reader, entry->trace_id);
    if (answered)
        complete_check(&readback->config.plans[entry->step], entry->cart_lines, &reader->spans,
                       &found);
    pthread_mutex_lock(&readback->lock);
    readback->totals.reads += !given_up;
    bool is_last = rung + 1 >= LADDER_STEPS || given_up;
    if (rung == POLLING && !given_up)
        handle_polled(readback, entry, answered && reader->spans.count > 0);
    else if (is_last || (answered && is_final(entry, &found)))
        decide(readback, entry, &reader->spans, answered ? &found : NULL);
    else
        ask_again(readback, entry, rung + 1);
    pthread_mutex_unlock(&readback->lock);
}

/* ---- threads */

/* The lock is held. Takes the entry that is due first; false: none is due yet, *wait_until_ns says
 * when one will be (UINT64_MAX: nothing waits). */
static bool take_due(struct readback *readback, struct entry *entry, size_t *rung,
                     uint64_t *wait_until_ns)
{
    uint64_t now_ns = clock_mono_ns();
    *wait_until_ns = UINT64_MAX;
    for (size_t q = 0; q <= LADDER_STEPS; q++) {
        uint64_t due_ns = due_queue_next_ns(&readback->queues[q]);
        if (due_ns < *wait_until_ns) {
            *wait_until_ns = due_ns;
            *rung = q;
        }
    }
    if (*wait_until_ns == UINT64_MAX || (*wait_until_ns > now_ns && !readback->give_up))
        return false;
    due_queue_pop(&readback->queues[*rung], entry);
    return true;
}

/* The lock is held. */
static void wait_for_work(struct readback *readback, uint64_t until_ns)
{
    uint64_t longest_ns = clock_mono_ns() + NS_PER_S;
    if (until_ns > longest_ns)
        until_ns = longest_ns;
    struct timespec until = {.tv_sec = (time_t)(until_ns / NS_PER_S),
                             .tv_nsec = (long)(until_ns % NS_PER_S)};
    (void)pthread_cond_timedwait(&readback->work, &readback->lock, &until);
}

static void *run(void *context)
{
    struct readback *readback = context;
    struct reader reader = {.readback = readback};
    struct error error = {0};
    /* checked by readback_new already */
    if (fetch_init(&reader.fetch, readback->config.query_url, answer_bytes_max, &error) !=
        STATUS_OK)
        return NULL;
    pthread_mutex_lock(&readback->lock);
    while (!readback->stop) {
        struct entry entry;
        size_t rung = 0;
        uint64_t wait_until_ns;
        if (!take_due(readback, &entry, &rung, &wait_until_ns)) {
            wait_for_work(readback, wait_until_ns);
            continue;
        }
        pthread_mutex_unlock(&readback->lock);
        handle(&reader, &entry, rung);
        pthread_mutex_lock(&readback->lock);
    }
    pthread_mutex_unlock(&readback->lock);
    spans_release(&reader.spans);
    fetch_release(&reader.fetch);
    return NULL;
}

static enum status start_threads(struct readback *readback, struct error *error)
{
    unsigned count = readback->config.thread_count ? readback->config.thread_count : THREADS;
    for (unsigned i = 0; i < count && i < THREADS_MAX; i++) {
        int failure = pthread_create(&readback->threads[i], NULL, run, readback);
        if (failure)
            return error_set(error, STATUS_NO_MEMORY, "thread: %s", strerror(failure));
        readback->started++;
    }
    return STATUS_OK;
}

enum status readback_new(struct readback **out, const struct readback_config *config,
                         struct error *error)
{
    *out = NULL;
    struct fetch probe;
    enum status status = fetch_init(&probe, config->query_url, answer_bytes_max, error);
    fetch_release(&probe);
    if (status != STATUS_OK)
        return status;
    struct readback *readback = calloc(1, sizeof *readback);
    if (!readback)
        return error_set(error, STATUS_NO_MEMORY, "no memory");
    readback->config = *config;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&readback->lock, NULL);
    pthread_cond_init(&readback->work, &monotonic);
    pthread_cond_init(&readback->idle, &monotonic);
    pthread_condattr_destroy(&monotonic);
    for (size_t q = 0; q <= LADDER_STEPS; q++)
        due_queue_init(&readback->queues[q], sizeof(struct entry), WAITING_MAX);
    id_set_init(&readback->known, KNOWN_MAX);
    sample_init(&readback->sample, config->flow_count);
    status = start_threads(readback, error);
    if (status != STATUS_OK) {
        readback_free(readback);
        return status;
    }
    *out = readback;
    return STATUS_OK;
}

void readback_free(struct readback *readback)
{
    if (!readback)
        return;
    pthread_mutex_lock(&readback->lock);
    readback->stop = true;
    pthread_cond_broadcast(&readback->work);
    pthread_mutex_unlock(&readback->lock);
    for (unsigned i = 0; i < readback->started; i++)
        pthread_join(readback->threads[i], NULL);
    for (size_t q = 0; q <= LADDER_STEPS; q++)
        due_queue_release(&readback->queues[q]);
    id_set_release(&readback->known);
    sample_release(&readback->sample);
    pthread_cond_destroy(&readback->work);
    pthread_cond_destroy(&readback->idle);
    pthread_mutex_destroy(&readback->lock);
    free(readback);
}

/* ---- from outside */

void readback_push(struct readback *readback, const struct window_request *request)
{
    if (!request->sampled)
        return;
    struct entry entry = {
        .flow = request->sample.number,
        .done_ns = request->sample.done_ns,
        .cart_lines = request->cart_lines,
        .step = (uint8_t)request->sample.step,
        .has_failed = request->sample.outcome != LOAD_OK,
    };
    memcpy(entry.trace_id, request->sample.trace_id, sizeof entry.trace_id);
    bool is_fresh = clock_mono_ns() < entry.done_ns + FRESH_MS * NS_PER_MS;
    pthread_mutex_lock(&readback->lock);
    id_set_add(&readback->known, entry.trace_id);
    readback->open++;
    bool is_polled = readback->pushed++ % POLL_ONE_IN == 0 && is_fresh;
    ask_again(readback, &entry, is_polled ? POLLING : 0);
    pthread_mutex_unlock(&readback->lock);
}

uint64_t readback_open_count(struct readback *readback)
{
    pthread_mutex_lock(&readback->lock);
    uint64_t open = readback->open;
    pthread_mutex_unlock(&readback->lock);
    return open;
}

bool readback_wait(struct readback *readback, uint64_t deadline_ns)
{
    struct timespec until = {.tv_sec = (time_t)(deadline_ns / NS_PER_S),
                             .tv_nsec = (long)(deadline_ns % NS_PER_S)};
    pthread_mutex_lock(&readback->lock);
    int failure = 0;
    while (readback->open > 0 && failure != ETIMEDOUT)
        failure = pthread_cond_timedwait(&readback->idle, &readback->lock, &until);
    bool all = readback->open == 0;
    pthread_mutex_unlock(&readback->lock);
    return all;
}

void readback_give_up(struct readback *readback)
{
    pthread_mutex_lock(&readback->lock);
    readback->give_up = true;
    pthread_cond_broadcast(&readback->work);
    pthread_mutex_unlock(&readback->lock);
}

const struct readback_totals *readback_totals(const struct readback *readback)
{
    return &readback->totals;
}

const struct histogram *readback_polled_latency(const struct readback *readback)
{
    return &readback->polled;
}

struct sample *readback_sample(struct readback *readback)
{
    return &readback->sample;
}

bool readback_knows(const struct readback *readback, const uint8_t trace_id[16])
{
    return id_set_has(&readback->known, trace_id);
}

const char *readback_trouble(const struct readback *readback)
{
    return readback->trouble.text;
}
