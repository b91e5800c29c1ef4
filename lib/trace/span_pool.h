/* The one pool of memory behind all spans: blocks of 1 KiB from one range of addresses. A live
 * span, what overflows from it, and the chunks of ended spans are all blocks. Last in, first out,
 * so that a quiet process touches few pages. Lock-free: callable from any thread; never allocates
 * or blocks after span_pool_start. */
#ifndef CULPRIT_TRACE_SPAN_POOL_H
#define CULPRIT_TRACE_SPAN_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { SPAN_BLOCK_BYTES = 1024, SPAN_BLOCK_HEADER_BYTES = 24 };
enum { SPAN_POOL_BLOCKS_MAX = 64 << 10 };
enum { SPAN_BLOCK_DATA_BYTES = SPAN_BLOCK_BYTES - SPAN_BLOCK_HEADER_BYTES };

struct span_block {
    struct span_block *next; /* in a list of blocks */
    struct span_block *more; /* what follows of the same span, or NULL */
    uint16_t used_bytes;     /* of data */
    uint16_t read_bytes;     /* of data, by the exporter */
    uint16_t record_count;   /* that begin in this block */
    uint16_t padding;
    uint8_t data[SPAN_BLOCK_DATA_BYTES];
};

/* Makes it a pool of `block_count` blocks, also while others take and return them: blocks never
 * move, and those that are out stay good until they are put back. Not two of these at once, nor
 * span_pool_forget. STATUS_NO_MEMORY, STATUS_TOO_LARGE (above SPAN_POOL_BLOCKS_MAX): nothing has
 * changed. */
MUST_CHECK enum status span_pool_start(size_t block_count);

/* A block with next, more and the counts 0, the data undefined. NULL: exhausted. */
struct span_block *span_pool_get(void);

void span_pool_put(struct span_block *block);

/* Makes a block what span_pool_get gives. */
static inline void span_pool_clear(struct span_block *block)
{
    block->next = block->more = NULL;
    block->used_bytes = block->read_bytes = block->record_count = 0;
}

/* A block and all that hangs on `more`. */
void span_pool_put_chain(struct span_block *block);

size_t span_pool_capacity(void);

/* A snapshot. */
size_t span_pool_free_count(void);

/* In the child of a fork: the blocks of threads that are gone are never handed out again. */
void span_pool_forget(void);

#endif
