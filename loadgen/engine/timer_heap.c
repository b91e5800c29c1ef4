#include "loadgen/engine/timer_heap.h"

#include <assert.h>
#include <stdlib.h>

enum { FIRST_CAPACITY = 64 };

void timer_heap_init(struct timer_heap *heap, size_t max_count)
{
    *heap = (struct timer_heap){.max_count = max_count};
}

void timer_heap_release(struct timer_heap *heap)
{
    free(heap->items);
    timer_heap_init(heap, heap->max_count);
}

static bool grow(struct timer_heap *heap)
{
    size_t capacity = heap->capacity ? heap->capacity * 2 : FIRST_CAPACITY;
    struct timer_heap_item *items = reallocarray(heap->items, capacity, sizeof(*items));
    if (items == NULL)
        return false;
    heap->items = items;
    heap->capacity = capacity;
    return true;
}

bool timer_heap_push(struct timer_heap *heap, uint64_t due_ns, void *what)
{
    if (heap->count == heap->max_count || (heap->count == heap->capacity && !grow(heap)))
        return false;
    size_t at = heap->count++;
    for (; at > 0 && heap->items[(at - 1) / 2].due_ns > due_ns; at = (at - 1) / 2)
        heap->items[at] = heap->items[(at - 1) / 2];
    heap->items[at] = (struct timer_heap_item){due_ns, what};
    return true;
}

uint64_t timer_heap_next_ns(const struct timer_heap *heap)
{
    return heap->count > 0 ? heap->items[0].due_ns : UINT64_MAX;
}

struct timer_heap_item timer_heap_pop(struct timer_heap *heap)
{
    assert(heap->count > 0);
    struct timer_heap_item first = heap->items[0];
    struct timer_heap_item last = heap->items[--heap->count];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < heap->count; at = child) {
        if (child + 1 < heap->count && heap->items[child + 1].due_ns < heap->items[child].due_ns)
            child++;
        if (heap->items[child].due_ns >= last.due_ns)
            break;
        heap->items[at] = heap->items[child];
    }
    heap->items[at] = last;
    return first;
}
