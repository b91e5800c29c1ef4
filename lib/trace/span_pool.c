#include "trace/span_pool.h"

#include <stdatomic.h>
#include <sys/mman.h>

#include "trace/free_stack.h"

_Static_assert(sizeof(struct span_block) == SPAN_BLOCK_BYTES, "a block is exactly 1 KiB");

/* A block is out, free or retired: what the pool has no use for since it shrank. */
static _Atomic uint32_t links[SPAN_POOL_BLOCKS_MAX];
static struct free_stack free_blocks = {.links = links}, retired_blocks = {.links = links};
static _Atomic(struct span_block *) blocks; /* NULL before the start */
static atomic_size_t capacity;
static atomic_size_t surplus; /* of those that are out: so many are retired when they come back */
static size_t made_count;     /* of start and forget: these were ever handed to a stack */

/* Takes one from the surplus, if there is one. */
static bool take_surplus(void)
{
    size_t left = atomic_load_explicit(&surplus, memory_order_relaxed);
    while (left > 0)
        if (atomic_compare_exchange_weak_explicit(&surplus, &left, left - 1, memory_order_relaxed,
                                                  memory_order_relaxed))
            return true;
    return false;
}

/* The whole address range at once, so that blocks never move; memory only as it is needed. */
static enum status reserve(void)
{
    if (atomic_load(&blocks) != NULL)
        return STATUS_OK;
    void *memory = mmap(NULL, (size_t)SPAN_POOL_BLOCKS_MAX * SPAN_BLOCK_BYTES, PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return STATUS_NO_MEMORY;
    atomic_store(&blocks, memory);
    return STATUS_OK;
}

/* Makes blocks that never were there usable, up to `count` in all. */
static enum status make(size_t count)
{
    struct span_block *first = atomic_load(&blocks);
    if (count <= made_count)
        return STATUS_OK;
    if (mprotect(first, count * SPAN_BLOCK_BYTES, PROT_READ | PROT_WRITE) != 0)
        return STATUS_NO_MEMORY;
    /* The lowest on top. */
    for (size_t i = count; i-- > made_count;)
        free_stack_push(&retired_blocks, (uint32_t)i);
    made_count = count;
    return STATUS_OK;
}

/* Blocks that are still out from before the pool shrank count as they are; then retired ones. */
static void grow(size_t more)
{
    uint32_t indices[64];
    while (more > 0 && take_surplus())
        more--;
    while (more > 0) {
        size_t count = 0;
        while (count < more && count < sizeof indices / sizeof indices[0] &&
               free_stack_pop(&retired_blocks, &indices[count]))
            count++;
        more -= count;
        for (size_t i = count; i-- > 0;)
            free_stack_push(&free_blocks, indices[i]);
        if (count == 0)
            return;
    }
}

static void shrink(size_t fewer)
{
    uint32_t index;
    while (fewer > 0 && free_stack_pop(&free_blocks, &index)) {
        free_stack_push(&retired_blocks, index);
        fewer--;
    }
    atomic_fetch_add(&surplus, fewer);
}

enum status span_pool_start(size_t block_count)
{
    size_t before = atomic_load(&capacity);
    if (block_count > SPAN_POOL_BLOCKS_MAX)
        return STATUS_TOO_LARGE;
    enum status status = reserve();
    if (status == STATUS_OK)
        status = make(block_count);
    if (status != STATUS_OK)
        return status;
    atomic_store(&capacity, block_count);
    if (block_count > before)
        grow(block_count - before);
    else
        shrink(before - block_count);
    return STATUS_OK;
}

struct span_block *span_pool_get(void)
{
    uint32_t index;
    if (!free_stack_pop(&free_blocks, &index))
        return NULL;
    struct span_block *block = atomic_load_explicit(&blocks, memory_order_relaxed) + index;
    span_pool_clear(block);
    return block;
}

void span_pool_put(struct span_block *block)
{
    const struct span_block *first = atomic_load_explicit(&blocks, memory_order_relaxed);
    size_t offset = (size_t)((uintptr_t)block - (uintptr_t)first);
    /* A block of a fork's parent lies outside. */
    if (first == NULL || offset >= (size_t)SPAN_POOL_BLOCKS_MAX * SPAN_BLOCK_BYTES)
        return;
    bool retires = __builtin_expect(atomic_load_explicit(&surplus, memory_order_relaxed) > 0, 0) &&
                   take_surplus();
    free_stack_push(retires ? &retired_blocks : &free_blocks, (uint32_t)(offset / sizeof *block));
}

void span_pool_put_chain(struct span_block *block)
{
    while (block != NULL) {
        struct span_block *more = block->more;
        span_pool_put(block);
        block = more;
    }
}

size_t span_pool_capacity(void)
{
    return atomic_load_explicit(&capacity, memory_order_relaxed);
}

size_t span_pool_free_count(void)
{
    return free_stack_count(&free_blocks);
}

void span_pool_forget(void)
{
    atomic_store(&blocks, NULL);
    atomic_store(&capacity, 0);
    atomic_store(&surplus, 0);
    made_count = 0;
    free_stack_fill(&free_blocks, links, 0);
    free_stack_fill(&retired_blocks, links, 0);
}
