/* Things that become due at times of their own, the earliest first: a binary heap up to a required
 * maximum. Equal times come in no order. One owner; never blocks. */
#ifndef CULPRIT_LOADGEN_ENGINE_TIMER_HEAP_H
#define CULPRIT_LOADGEN_ENGINE_TIMER_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timer_heap_item {
    uint64_t due_ns;
    void *what; /* borrowed */
};

struct timer_heap {
    struct timer_heap_item *items;
    size_t count, capacity, max_count;
};

void timer_heap_init(struct timer_heap *heap, size_t max_count);
void timer_heap_release(struct timer_heap *heap);

/* false: full, or no memory. */
bool timer_heap_push(struct timer_heap *heap, uint64_t due_ns, void *what);

/* Of the earliest; UINT64_MAX when empty. */
uint64_t timer_heap_next_ns(const struct timer_heap *heap);

/* Takes the earliest, of a heap that is not empty. */
struct timer_heap_item timer_heap_pop(struct timer_heap *heap);

#endif
