#include "trace/span_queue.h"

#include <sched.h>
#include <string.h>

#include "trace/asymmetric.h"

static struct {
    _Atomic(struct span_block *) full; /* newest first */
    _Atomic uint32_t count;
    _Atomic uint32_t max_count; /* 0: closed */
    _Atomic uint32_t batch_count;
} queue;

/* A chunk holds about as many spans of the usual size. */
enum { CREDIT = 4, SPINS = 64 };

/* What a thread put that was held up for so long that nobody waited for it any more. */
static void clear(void)
{
    struct span_block *block = span_queue_take();
    while (block != NULL) {
        struct span_block *next = block->next;
        span_queue_taken(block->record_count);
        span_pool_put_chain(block);
        block = next;
    }
}

void span_queue_configure(uint32_t max_count, uint32_t batch_count)
{
    clear();
    atomic_store(&queue.batch_count, batch_count);
    atomic_store(&queue.max_count, max_count);
}

void span_queue_close(void)
{
    atomic_store(&queue.max_count, 0);
}

/* Books `count` places. *crossed: with them a whole batch waits. */
static bool book(uint32_t count, bool *crossed)
{
    /* seq_cst, both: who closed it and sees no place booked knows that none will be. */
    uint32_t before = atomic_fetch_add(&queue.count, count);
    if (before + count <= atomic_load(&queue.max_count)) {
        uint32_t batch_count = atomic_load_explicit(&queue.batch_count, memory_order_relaxed);
        *crossed |= before < batch_count && before + count >= batch_count;
        return true;
    }
    atomic_fetch_sub_explicit(&queue.count, count, memory_order_relaxed);
    return false;
}

static void unbook(uint32_t count)
{
    if (count > 0)
        atomic_fetch_sub_explicit(&queue.count, count, memory_order_relaxed);
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

static void append(struct span_block *chunk, const void *record, size_t length_bytes)
{
    memcpy(chunk->data + chunk->used_bytes, record, length_bytes);
    chunk->used_bytes = (uint16_t)(chunk->used_bytes + length_bytes);
    chunk->record_count++;
}

static enum span_queue_result put_alone(const void *record, size_t length_bytes)
{
    bool crossed = false;
    if (!book(1, &crossed))
        return SPAN_QUEUE_FULL;
    struct span_block *chunk = span_pool_get();
    if (chunk == NULL) {
        unbook(1);
        return SPAN_QUEUE_FULL;
    }
    append(chunk, record, length_bytes);
    push_full(chunk);
    return crossed ? SPAN_QUEUED_BATCH : SPAN_QUEUED;
}

static void seal(struct span_side *side)
{
    if (side->open != NULL)
        push_full(side->open);
    side->open = NULL;
    unbook(atomic_load_explicit(&side->credit, memory_order_relaxed));
    atomic_store_explicit(&side->credit, 0, memory_order_relaxed);
}

/* One place for a record in the chunk that is open. */
static bool use_credit(struct span_side *side, bool *crossed)
{
    uint32_t credit = atomic_load_explicit(&side->credit, memory_order_relaxed);
    if (credit == 0)
        return book(1, crossed);
    atomic_store_explicit(&side->credit, credit - 1, memory_order_relaxed);
    return true;
}

/* A new chunk, with one place taken for a record and some for others to come. */
static bool open_chunk(struct span_side *side, bool *crossed)
{
    uint32_t credit = CREDIT;
    seal(side);
    if (!book(CREDIT, crossed)) {
        credit = 1;
        if (!book(1, crossed))
            return false;
    }
    side->open = span_pool_get();
    if (side->open == NULL) {
        unbook(credit);
        return false;
    }
    atomic_store_explicit(&side->credit, credit - 1, memory_order_relaxed);
    return true;
}

static enum span_queue_result put_on(struct span_side *side, const void *record,
                                     size_t length_bytes)
{
    bool crossed = false;
    struct span_block *chunk = side->open;
    bool fits = chunk != NULL && SPAN_BLOCK_DATA_BYTES - chunk->used_bytes >= (int)length_bytes;
    if (!(fits ? use_credit(side, &crossed) : open_chunk(side, &crossed)))
        return SPAN_QUEUE_FULL;
    append(side->open, record, length_bytes);
    return crossed ? SPAN_QUEUED_BATCH : SPAN_QUEUED;
}

enum span_queue_result span_queue_put(struct span_producer *producer, const void *record,
                                      size_t length_bytes)
{
    if (producer == NULL)
        return put_alone(record, length_bytes);
    atomic_store_explicit(&producer->busy, 1, memory_order_relaxed);
    asymmetric_light();
    /* acquire: the exporter has left the side that it turned up */
    unsigned up = atomic_load_explicit(&producer->up, memory_order_acquire);
    enum span_queue_result result = put_on(&producer->sides[up], record, length_bytes);
    /* release: the exporter sees the records */
    atomic_store_explicit(&producer->busy, 0, memory_order_release);
    return result;
}

enum span_queue_result span_queue_put_chain(struct span_block *head)
{
    bool crossed = false;
    if (!book(1, &crossed)) {
        span_pool_put_chain(head);
        return SPAN_QUEUE_FULL;
    }
    head->record_count = 1;
    push_full(head);
    return crossed ? SPAN_QUEUED_BATCH : SPAN_QUEUED;
}

void span_queue_turn(struct span_producer *producer)
{
    unsigned char up = atomic_load_explicit(&producer->up, memory_order_relaxed);
    /* release: the side that comes up is as span_queue_seal_down left it */
    atomic_store_explicit(&producer->up, up ^ 1, memory_order_release);
}

void span_queue_seal_down(struct span_producer *producer)
{
    int spins = 0;
    /* acquire: what the owner wrote, who is on the other side once it was out */
    while (atomic_load_explicit(&producer->busy, memory_order_acquire))
        if (++spins >= SPINS)
            sched_yield();
    seal(&producer->sides[atomic_load_explicit(&producer->up, memory_order_relaxed) ^ 1]);
}

void span_queue_seal(struct span_producer *producer)
{
    seal(&producer->sides[0]);
    seal(&producer->sides[1]);
}

uint32_t span_queue_credit(const struct span_producer *producer)
{
    return atomic_load_explicit(&producer->sides[0].credit, memory_order_relaxed) +
           atomic_load_explicit(&producer->sides[1].credit, memory_order_relaxed);
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
    return atomic_load(&queue.count);
}

void span_queue_taken(uint32_t count)
{
    atomic_fetch_sub_explicit(&queue.count, count, memory_order_relaxed);
}

void span_queue_forget(void)
{
    span_queue_close(); /* to a span that a hook forked in the end of */
    atomic_store(&queue.full, NULL);
    atomic_store(&queue.count, 0);
}
