#include "services/collector/open_traces.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/map.h"
#include "services/collector/light.h"

enum { SHARDS = 16, SHARD_TRACES_MAX = 1 << 20 };

struct shard {
    pthread_mutex_t lock;
    struct map by_id;                   /* id within the trace -> struct open_trace * */
    struct open_trace *newest, *oldest; /* by last span */
    struct open_trace *settling;        /* taken by the writer, readable */
};

struct open_traces {
    struct shard shards[SHARDS];
    size_t max_bytes;
    uint64_t settle_ns;
    atomic_uint_fast64_t traces, spans, bytes;
    pthread_mutex_t wait_lock;
    pthread_cond_t woken;
    bool wake; /* guarded by wait_lock */
};

enum status open_traces_new(struct open_traces **out, size_t max_bytes, uint64_t settle_ns)
{
    struct open_traces *open = calloc(1, sizeof(*open));
    pthread_condattr_t attributes;
    *out = open;
    if (!open)
        return STATUS_NO_MEMORY;
    open->max_bytes = max_bytes;
    open->settle_ns = settle_ns;
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_init(&open->shards[i].lock, NULL);
        map_init(&open->shards[i].by_id, SHARD_TRACES_MAX);
    }
    pthread_mutex_init(&open->wait_lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&open->woken, &attributes);
    pthread_condattr_destroy(&attributes);
    return STATUS_OK;
}

static void free_list(struct open_trace *list)
{
    while (list) {
        struct open_trace *older = list->older;
        open_trace_free(list);
        list = older;
    }
}

void open_traces_free(struct open_traces *open)
{
    if (!open)
        return;
    for (size_t i = 0; i < SHARDS; i++) {
        free_list(open->shards[i].newest);
        free_list(open->shards[i].settling);
        map_release(&open->shards[i].by_id);
        pthread_mutex_destroy(&open->shards[i].lock);
    }
    pthread_mutex_destroy(&open->wait_lock);
    pthread_cond_destroy(&open->woken);
    free(open);
}

/* Statistics only: nothing is read through these counters. */
static uint64_t load(const atomic_uint_fast64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void add(atomic_uint_fast64_t *counter, uint64_t more)
{
    atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

static void take(atomic_uint_fast64_t *counter, uint64_t less)
{
    atomic_fetch_sub_explicit(counter, less, memory_order_relaxed);
}

bool open_traces_have_room(const struct open_traces *open, size_t more_bytes)
{
    const uint64_t used = load(&open->bytes);
    return used < open->max_bytes && more_bytes <= open->max_bytes - used;
}

static uint32_t shard_of(const uint8_t id[16])
{
    return (uint32_t)(hash_bytes(id, 16) >> 32) % SHARDS;
}

/* ---- the order by last span: a list of each shard */

static void unlink_trace(struct shard *shard, struct open_trace *trace)
{
    if (trace->newer)
        trace->newer->older = trace->older;
    else
        shard->newest = trace->older;
    if (trace->older)
        trace->older->newer = trace->newer;
    else
        shard->oldest = trace->newer;
}

static void link_newest(struct shard *shard, struct open_trace *trace)
{
    trace->newer = NULL;
    trace->older = shard->newest;
    if (shard->newest)
        shard->newest->newer = trace;
    else
        shard->oldest = trace;
    shard->newest = trace;
}

/* ---- spans coming in */

static struct open_trace *find_or_open(struct open_traces *open, struct shard *shard,
                                       const uint8_t id[16])
{
    const uint64_t *found = map_find(&shard->by_id, id, 16);
    if (found) {
        struct open_trace *trace = (struct open_trace *)(uintptr_t)*found;
        unlink_trace(shard, trace);
        link_newest(shard, trace);
        return trace;
    }
    struct open_trace *trace = open_trace_new(id);
    uint64_t *slot = trace ? map_put(&shard->by_id, trace->id, sizeof(trace->id), NULL) : NULL;
    if (!slot) {
        open_trace_free(trace);
        return NULL;
    }
    *slot = (uintptr_t)trace;
    trace->shard = (uint32_t)(shard - open->shards);
    link_newest(shard, trace);
    add(&open->traces, 1);
    add(&open->bytes, open_trace_bytes(trace));
    return trace;
}

/* Spans of one trace that follow one another, under one lock. Returns how many were added. */
static size_t add_run(struct open_traces *open, const struct batch *batch, size_t begin, size_t end,
                      uint64_t now_ns)
{
    struct shard *shard = &open->shards[shard_of(batch->spans[begin].trace_id)];
    size_t added = 0;
    pthread_mutex_lock(&shard->lock);
    struct open_trace *trace = find_or_open(open, shard, batch->spans[begin].trace_id);
    if (trace) {
        const size_t before = open_trace_bytes(trace);
        for (size_t i = begin; i < end; i++)
            added +=
                open_trace_add(trace, &batch->spans[i], &batch->origins[batch->spans[i].origin]);
        trace->touched_ns = now_ns;
        add(&open->spans, added);
        add(&open->bytes, open_trace_bytes(trace) - before);
    }
    pthread_mutex_unlock(&shard->lock);
    return added;
}

uint64_t open_traces_add(struct open_traces *open, const struct batch *batch, uint64_t now_ns)
{
    const bool was_empty = load(&open->traces) == 0;
    uint64_t added = 0;
    for (size_t begin = 0; begin < batch->count;) {
        size_t end = begin + 1;
        while (end < batch->count &&
               memcmp(batch->spans[end].trace_id, batch->spans[begin].trace_id, 16) == 0)
            end++;
        added += add_run(open, batch, begin, end, now_ns);
        begin = end;
    }
    if (was_empty && batch->count > 0)
        open_traces_wake(open);
    return batch->count - added;
}

/* ---- settling */

static uint64_t quiet_ns(const struct open_traces *open)
{
    const uint64_t used = load(&open->bytes);
    if (used > open->max_bytes / 4 * 3)
        return 0;
    return used > open->max_bytes / 2 ? open->settle_ns / 4 : open->settle_ns;
}

/* Moves one trace from the open ones to those being written, and onto the writer's list. The list
 * goes by `older`; the shard's own goes by `newer`. */
static void take_trace(struct shard *shard, struct open_trace *trace, struct open_trace **list)
{
    unlink_trace(shard, trace);
    (void)map_remove(&shard->by_id, trace->id, sizeof(trace->id));
    trace->newer = shard->settling;
    shard->settling = trace;
    trace->older = *list;
    *list = trace;
}

struct open_trace *open_traces_settle(struct open_traces *open, uint64_t now_ns, size_t max_spans,
                                      bool all)
{
    const uint64_t quiet = quiet_ns(open);
    struct open_trace *list = NULL;
    size_t taken = 0;
    for (size_t i = 0; i < SHARDS && taken < max_spans; i++) {
        struct shard *shard = &open->shards[i];
        pthread_mutex_lock(&shard->lock);
        while (shard->oldest && taken < max_spans &&
               (all || shard->oldest->touched_ns + quiet <= now_ns)) {
            taken += shard->oldest->span_count;
            take_trace(shard, shard->oldest, &list);
        }
        pthread_mutex_unlock(&shard->lock);
    }
    return list;
}

static void forget(struct shard *shard, struct open_trace *trace)
{
    struct open_trace **place = &shard->settling;
    while (*place && *place != trace)
        place = &(*place)->newer;
    if (*place)
        *place = trace->newer;
}

void open_traces_done(struct open_traces *open, struct open_trace *list)
{
    while (list) {
        struct open_trace *older = list->older;
        struct shard *shard = &open->shards[list->shard];
        pthread_mutex_lock(&shard->lock);
        forget(shard, list);
        pthread_mutex_unlock(&shard->lock);
        take(&open->traces, 1);
        take(&open->spans, list->span_count);
        take(&open->bytes, open_trace_bytes(list));
        open_trace_free(list);
        list = older;
    }
}

/* ---- reading */

bool open_traces_copy(struct open_traces *open, const uint8_t id[16], struct buffer *out)
{
    struct shard *shard = &open->shards[shard_of(id)];
    bool any = false;
    pthread_mutex_lock(&shard->lock);
    for (const struct open_trace *trace = shard->settling; trace; trace = trace->newer) {
        if (memcmp(trace->id, id, 16) != 0)
            continue;
        open_trace_write(trace, out);
        any = true;
    }
    const uint64_t *found = map_find(&shard->by_id, id, 16);
    if (found) {
        open_trace_write((const struct open_trace *)(uintptr_t)*found, out);
        any = true;
    }
    pthread_mutex_unlock(&shard->lock);
    return any;
}

static void list_one(const struct open_trace *trace, uint64_t start_ns, uint64_t end_ns,
                     struct buffer *out)
{
    if (trace->start_ns > end_ns || trace->end_ns < start_ns)
        return;
    struct open_traces_row row = {.start_ns = trace->start_ns};
    memcpy(row.id, trace->id, sizeof(row.id));
    buffer_append(out, &row, sizeof(row));
}

void open_traces_list(struct open_traces *open, uint64_t start_ns, uint64_t end_ns,
                      struct buffer *out)
{
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &open->shards[i];
        pthread_mutex_lock(&shard->lock);
        for (const struct open_trace *trace = shard->newest; trace; trace = trace->older)
            list_one(trace, start_ns, end_ns, out);
        for (const struct open_trace *trace = shard->settling; trace; trace = trace->newer)
            list_one(trace, start_ns, end_ns, out);
        pthread_mutex_unlock(&shard->lock);
    }
}

struct visit {
    struct text service;
    void (*each_service)(void *context, struct text service);
    void (*each_span)(void *context, struct text span);
    void *context;
};

static void visit_services(const struct visit *visit, const struct open_trace *trace)
{
    for (uint32_t g = 0; g < trace->group_count; g++) {
        struct text service;
        if (light_read_resource(open_trace_resource(trace, g), &service))
            visit->each_service(visit->context, service);
    }
}

static void visit_spans(const struct visit *visit, const struct open_trace *trace)
{
    struct text service = {"", 0};
    uint32_t group = UINT32_MAX;
    for (uint32_t i = 0; i < trace->span_count; i++) {
        if (trace->spans[i].group != group) {
            group = trace->spans[i].group;
            (void)light_read_resource(open_trace_resource(trace, group), &service);
        }
        if (text_equal(service, visit->service))
            visit->each_span(visit->context, open_trace_span(trace, i));
    }
}

static void visit_all(struct open_traces *open, const struct visit *visit,
                      void (*one)(const struct visit *visit, const struct open_trace *trace))
{
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &open->shards[i];
        pthread_mutex_lock(&shard->lock);
        for (const struct open_trace *trace = shard->newest; trace; trace = trace->older)
            one(visit, trace);
        for (const struct open_trace *trace = shard->settling; trace; trace = trace->newer)
            one(visit, trace);
        pthread_mutex_unlock(&shard->lock);
    }
}

void open_traces_each_service(struct open_traces *open,
                              void (*each)(void *context, struct text service), void *context)
{
    const struct visit visit = {.each_service = each, .context = context};
    visit_all(open, &visit, visit_services);
}

void open_traces_each_span(struct open_traces *open, struct text service,
                           void (*each)(void *context, struct text span), void *context)
{
    const struct visit visit = {.service = service, .each_span = each, .context = context};
    visit_all(open, &visit, visit_spans);
}

struct open_traces_stats open_traces_stats(const struct open_traces *open)
{
    return (struct open_traces_stats){load(&open->traces), load(&open->spans), load(&open->bytes)};
}

/* ---- the writer's sleep */

void open_traces_wait(struct open_traces *open, uint64_t deadline_ns)
{
    const struct timespec until = {.tv_sec = (time_t)(deadline_ns / NS_PER_S),
                                   .tv_nsec = (long)(deadline_ns % NS_PER_S)};
    pthread_mutex_lock(&open->wait_lock);
    while (!open->wake && pthread_cond_timedwait(&open->woken, &open->wait_lock, &until) == 0)
        continue;
    open->wake = false;
    pthread_mutex_unlock(&open->wait_lock);
}

void open_traces_wake(struct open_traces *open)
{
    pthread_mutex_lock(&open->wait_lock);
    open->wake = true;
    pthread_cond_signal(&open->woken);
    pthread_mutex_unlock(&open->wait_lock);
}
