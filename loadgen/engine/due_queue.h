/* First in, first out, for items that each become due a fixed while after they were put in, so that
 * order of arrival is order of dueness. A ring that grows up to a required maximum. One owner (or a
 * lock around it); never blocks. */
#ifndef CULPRIT_LOADGEN_ENGINE_DUE_QUEUE_H
#define CULPRIT_LOADGEN_ENGINE_DUE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct due_queue {
    unsigned char *slots; /* each: due time, then the item */
    size_t item_bytes, first, count, capacity, max_count;
};

void due_queue_init(struct due_queue *queue, size_t item_bytes, size_t max_count);
void due_queue_release(struct due_queue *queue);

/* Copies the item; false: full, or no memory. */
bool due_queue_push(struct due_queue *queue, uint64_t due_ns, const void *item);

/* Due time of the first; UINT64_MAX when empty. */
uint64_t due_queue_next_ns(const struct due_queue *queue);

/* Copies the first out and drops it; must not be empty. */
void due_queue_pop(struct due_queue *queue, void *item);

#endif
