#include "trace/span_pool.h"

#include <sys/mman.h>

#include "trace/free_stack.h"

_Static_assert(sizeof(struct span_block) == SPAN_BLOCK_BYTES, "a block is exactly 1 KiB");

static struct {
    struct span_block *blocks; /* NULL before the start */
    size_t capacity;
    struct free_stack free;
} pool;

static size_t mapping_bytes(size_t block_count)
{
    return block_count * (sizeof(struct span_block) + sizeof(uint32_t));
}

enum status span_pool_start(size_t block_count)
{
    if (pool.blocks != NULL && pool.capacity == block_count)
        return STATUS_OK;
    bool all_free = pool.blocks != NULL && span_pool_free_count() == pool.capacity;
    void *memory = mmap(NULL, mapping_bytes(block_count), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return STATUS_NO_MEMORY;
    if (all_free)
        munmap(pool.blocks, mapping_bytes(pool.capacity));
    pool.blocks = memory;
    pool.capacity = block_count;
    free_stack_fill(&pool.free, (_Atomic uint32_t *)(pool.blocks + block_count),
                    (uint32_t)block_count);
    return STATUS_OK;
}

struct span_block *span_pool_get(void)
{
    uint32_t index;
    if (!free_stack_pop(&pool.free, &index))
        return NULL;
    struct span_block *block = &pool.blocks[index];
    span_pool_clear(block);
    return block;
}

void span_pool_put(struct span_block *block)
{
    /* A block of an earlier pool lies outside. */
    if (block >= pool.blocks && block < pool.blocks + pool.capacity)
        free_stack_push(&pool.free, (uint32_t)(block - pool.blocks));
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
    return pool.capacity;
}

size_t span_pool_free_count(void)
{
    return free_stack_count(&pool.free);
}

void span_pool_forget(void)
{
    pool.blocks = NULL;
    pool.capacity = 0;
    free_stack_fill(&pool.free, NULL, 0);
}
