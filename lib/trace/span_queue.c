#include "trace/span_queue.h"

#include <sched.h>
#include <string.h>

static struct {
    _Atomic(struct span_block *) full; /* newest first */
    _Atomic uint32_t count;
    uint32_t max_count;
    uint32_t batch_count;
} queue;

/* In `open` while the owner writes: nobody else may take the chunk then. */
static struct span_block writing;

void span_queue_configure(uint32_t max_count, uint32_t batch_count)
{
    queue.max_count = max_count;
    queue.batch_count = batch_count;
}

static bool admit(uint32_t *before)
{
    *before = atomic_fetch_add_explicit(&queue.count, 1, memory_order_relaxed);
    if (*before < queue.max_count)
        return true;
    atomic_fetch_sub_explicit(&queue.count, 1, memory_order_relaxed);
    return false;
}

static enum span_queue_result refuse(void)
{
    atomic_fetch_sub_explicit(&queue.count, 1, memory_order_relaxed);
    return SPAN_QUEUE_FULL;
}

static enum span_queue_result admitted(uint32_t before)
{
    return before + 1 == queue.batch_count ? SPAN_QUEUED_BATCH : SPAN_QUEUED;
}

static void push_full(struct span_block *block)
{
    struct span_block *head = atomic_load_explicit(&queue.full, memory_order_relaxed);
    do {
        block->next = head;
        /* release: the exporter sees the records */
    } while (!atomic_compare_exchange_weak_explicit(&queue.full, &head, block, memory_order_release,
                                                    memory_order_relaxed));
}

/* The thread's chunk with room for `need` bytes; NULL: the pool is exhausted. */
static struct span_block *open_with_room(struct span_block *chunk, size_t need)
{
    if (chunk != NULL && SPAN_BLOCK_DATA_BYTES - chunk->used_bytes >= (int)need)
        return chunk;
    if (chunk != NULL)
        push_full(chunk);
    return span_pool_get();
}

static void append(struct span_block *chunk, const struct span_record *record, const void *prefix,
                   const void *body)
{
    uint8_t *at = chunk->data + chunk->used_bytes;
    memcpy(at, record, sizeof *record);
    at += sizeof *record;
    memcpy(at, prefix, record->prefix_bytes);
    memcpy(at + record->prefix_bytes, body, record->length_bytes - record->prefix_bytes);
    chunk->used_bytes = (uint16_t)(chunk->used_bytes + sizeof *record + record->length_bytes);
    chunk->record_count++;
}

enum span_queue_result span_queue_put(struct span_producer *producer,
                                      const struct span_record *record, const void *prefix,
                                      const void *body)
{
    uint32_t before;
    if (!admit(&before))
        return SPAN_QUEUE_FULL;
    struct span_block *chunk = NULL;
    if (producer != NULL)
        chunk = atomic_exchange_explicit(&producer->open, &writing, memory_order_acquire);
    chunk = open_with_room(chunk, sizeof *record + record->length_bytes);
    if (chunk != NULL)
        append(chunk, record, prefix, body);
    if (producer != NULL)
        atomic_store_explicit(&producer->open, chunk, memory_order_release);
    else if (chunk != NULL)
        push_full(chunk);
    return chunk != NULL ? admitted(before) : refuse();
}

enum span_queue_result span_queue_put_chain(struct span_block *head)
{
    uint32_t before;
    if (!admit(&before)) {
        span_pool_put_chain(head);
        return SPAN_QUEUE_FULL;
    }
    head->record_count = 1;
    push_full(head);
    return admitted(before);
}

void span_queue_seal(struct span_producer *producer, bool wait)
{
    struct span_block *chunk = atomic_load_explicit(&producer->open, memory_order_acquire);
    for (;;) {
        if (chunk == NULL || (chunk == &writing && !wait))
            return;
        if (chunk == &writing) {
            sched_yield();
            chunk = atomic_load_explicit(&producer->open, memory_order_acquire);
        } else if (atomic_compare_exchange_weak_explicit(
                       &producer->open, &chunk, NULL, memory_order_acquire, memory_order_acquire)) {
            push_full(chunk);
            return;
        }
    }
}

struct span_block *span_queue_take(void)
{
    struct span_block *newest = atomic_exchange_explicit(&queue.full, NULL, memory_order_acquire);
    struct span_block *oldest = NULL;
    while (newest != NULL) {
        struct span_block *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

uint32_t span_queue_count(void)
{
    return atomic_load_explicit(&queue.count, memory_order_relaxed);
}

void span_queue_taken(uint32_t count)
{
    atomic_fetch_sub_explicit(&queue.count, count, memory_order_relaxed);
}

void span_queue_forget(void)
{
    atomic_store(&queue.full, NULL);
    atomic_store(&queue.count, 0);
}
