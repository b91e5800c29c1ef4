#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 64 * 1024, PIECE_ALIGN = 16 };

struct arena_block {
    alignas(PIECE_ALIGN) struct arena_block *older;
    size_t capacity_bytes; /* of bytes[] */
    size_t used_bytes;
    alignas(PIECE_ALIGN) uint8_t bytes[];
};

void arena_init(struct arena *arena, size_t max_bytes)
{
    *arena = (struct arena){.max_bytes = max_bytes};
}

void arena_release(struct arena *arena)
{
    struct arena_block *block = arena->blocks;
    while (block) {
        struct arena_block *older = block->older;
        free(block);
        block = older;
    }
    arena_init(arena, arena->max_bytes);
}

/* calloc(), so that pieces are zero without a second pass over fresh pages. */
static struct arena_block *new_block(struct arena *arena, size_t piece_bytes)
{
    const size_t left = arena->max_bytes - arena->used_bytes;
    if (left < sizeof(struct arena_block) || piece_bytes > left - sizeof(struct arena_block))
        return NULL;
    const size_t least = sizeof(struct arena_block) + piece_bytes;
    const size_t usual = left < BLOCK_BYTES ? left : BLOCK_BYTES;
    const size_t size = least > usual ? least : usual;
    struct arena_block *block = calloc(1, size);
    if (!block)
        return NULL;
    block->capacity_bytes = size - sizeof(struct arena_block);
    arena->used_bytes += size;
    return block;
}

/* The newest block is the one that is filled: one with less room left goes behind it. */
static void link_block(struct arena *arena, struct arena_block *block, size_t piece_bytes)
{
    struct arena_block *newest = arena->blocks;
    const size_t rest = block->capacity_bytes - piece_bytes;
    if (newest && newest->capacity_bytes - newest->used_bytes > rest) {
        block->older = newest->older;
        newest->older = block;
    } else {
        block->older = newest;
        arena->blocks = block;
    }
}

void *arena_alloc(struct arena *arena, size_t length_bytes)
{
    if (length_bytes > SIZE_MAX - PIECE_ALIGN)
        return NULL;
    const size_t piece = (length_bytes + PIECE_ALIGN - 1) & ~(size_t)(PIECE_ALIGN - 1);
    struct arena_block *block = arena->blocks;
    if (!block || piece > block->capacity_bytes - block->used_bytes) {
        block = new_block(arena, piece);
        if (!block)
            return NULL;
        link_block(arena, block, piece);
    }
    void *out = block->bytes + block->used_bytes;
    block->used_bytes += piece;
    return out;
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t item_bytes)
{
    size_t length_bytes;
    if (__builtin_mul_overflow(count, item_bytes, &length_bytes))
        return NULL;
    return arena_alloc(arena, length_bytes);
}

char *arena_copy(struct arena *arena, const void *bytes, size_t length_bytes)
{
    if (length_bytes == SIZE_MAX)
        return NULL;
    char *copy = arena_alloc(arena, length_bytes + 1);
    if (copy && length_bytes > 0)
        memcpy(copy, bytes, length_bytes);
    return copy;
}
