#include "loadgen/engine/due_queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 64 };

static size_t slot_bytes(const struct due_queue *queue)
{
    return sizeof(uint64_t) + queue->item_bytes;
}

static unsigned char *slot(const struct due_queue *queue, size_t index)
{
    return queue->slots + (queue->first + index) % queue->capacity * slot_bytes(queue);
}

void due_queue_init(struct due_queue *queue, size_t item_bytes, size_t max_count)
{
    *queue = (struct due_queue){.item_bytes = item_bytes, .max_count = max_count};
}

void due_queue_release(struct due_queue *queue)
{
    free(queue->slots);
    due_queue_init(queue, queue->item_bytes, queue->max_count);
}

static bool grow(struct due_queue *queue)
{
    size_t capacity = queue->capacity ? queue->capacity * 2 : FIRST_CAPACITY;
    unsigned char *slots = reallocarray(NULL, capacity, slot_bytes(queue));
    if (!slots)
        return false;
    for (size_t i = 0; i < queue->count; i++)
        memcpy(slots + i * slot_bytes(queue), slot(queue, i), slot_bytes(queue));
    free(queue->slots);
    queue->slots = slots;
    queue->capacity = capacity;
    queue->first = 0;
    return true;
}

bool due_queue_push(struct due_queue *queue, uint64_t due_ns, const void *item)
{
    if (queue->count >= queue->max_count || (queue->count == queue->capacity && !grow(queue)))
        return false;
    unsigned char *into = slot(queue, queue->count++);
    memcpy(into, &due_ns, sizeof due_ns);
    memcpy(into + sizeof due_ns, item, queue->item_bytes);
    return true;
}

uint64_t due_queue_next_ns(const struct due_queue *queue)
{
    uint64_t due_ns = UINT64_MAX;
    if (queue->count > 0)
        memcpy(&due_ns, slot(queue, 0), sizeof due_ns);
    return due_ns;
}

void due_queue_pop(struct due_queue *queue, void *item)
{
    assert(queue->count > 0);
    memcpy(item, slot(queue, 0) + sizeof(uint64_t), queue->item_bytes);
    queue->first = (queue->first + 1) % queue->capacity;
    queue->count--;
}
