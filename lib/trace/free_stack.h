/* A lock-free stack of the free ones among numbered things: last in, first out. The links lie
 * outside the things, because a slow reader may look at one whose thing is in use already.
 * Callable from any thread; never allocates. */
#ifndef CULPRIT_TRACE_FREE_STACK_H
#define CULPRIT_TRACE_FREE_STACK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct free_stack {
    _Atomic uint64_t head;   /* low half: index + 1 of the top, 0 when empty; high half: a number
                                that changes with every pop, so that an equal head is the same */
    _Atomic uint32_t *links; /* one a thing, the caller's */
    _Atomic uint32_t count;
};

/* Makes it hold 0 .. count - 1, the lowest on top. Not while others use it. */
void free_stack_fill(struct free_stack *stack, _Atomic uint32_t *links, uint32_t count);

void free_stack_push(struct free_stack *stack, uint32_t index);

/* false: empty. */
bool free_stack_pop(struct free_stack *stack, uint32_t *index);

/* A snapshot. */
static inline uint32_t free_stack_count(const struct free_stack *stack)
{
    return atomic_load_explicit(&stack->count, memory_order_relaxed);
}

#endif
