#include "trace/free_stack.h"

static const uint64_t index_mask = 0xffffffffu;
static const uint64_t version_step = 1ull << 32;

void free_stack_fill(struct free_stack *stack, _Atomic uint32_t *links, uint32_t count)
{
    stack->links = links;
    atomic_store(&stack->head, 0);
    atomic_store(&stack->count, 0);
    for (uint32_t i = count; i-- > 0;)
        free_stack_push(stack, i);
}

void free_stack_push(struct free_stack *stack, uint32_t index)
{
    uint64_t head = atomic_load_explicit(&stack->head, memory_order_relaxed);
    uint64_t next;
    do {
        atomic_store_explicit(&stack->links[index], (uint32_t)(head & index_mask),
                              memory_order_relaxed);
        next = (head & ~index_mask) | (index + 1);
        /* release: the next owner of the thing sees all that the last one did with it */
    } while (!atomic_compare_exchange_weak_explicit(&stack->head, &head, next, memory_order_release,
                                                    memory_order_relaxed));
    atomic_fetch_add_explicit(&stack->count, 1, memory_order_relaxed);
}

bool free_stack_pop(struct free_stack *stack, uint32_t *index)
{
    uint64_t head = atomic_load_explicit(&stack->head, memory_order_acquire);
    uint64_t next;
    do {
        uint32_t top = (uint32_t)(head & index_mask);
        if (top == 0)
            return false;
        *index = top - 1;
        next = ((head & ~index_mask) + version_step) |
               atomic_load_explicit(&stack->links[top - 1], memory_order_relaxed);
        /* acquire: pairs with the release of the push */
    } while (!atomic_compare_exchange_weak_explicit(&stack->head, &head, next, memory_order_acquire,
                                                    memory_order_acquire));
    atomic_fetch_sub_explicit(&stack->count, 1, memory_order_relaxed);
    return true;
}
