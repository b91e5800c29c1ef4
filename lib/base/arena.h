/* Memory that is given back all at once: blocks of 64 KiB (larger for larger pieces) up to a
 * required maximum. Pieces are 16-byte aligned and stay where they are. One owner, no locks. */
#ifndef CULPRIT_BASE_ARENA_H
#define CULPRIT_BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    size_t used_bytes;          /* of all blocks, for reports */
    size_t max_bytes;
};

void arena_init(struct arena *arena, size_t max_bytes);
void arena_release(struct arena *arena);

/* Zeroed memory; NULL when it would pass the maximum or malloc fails. Zero bytes give a pointer
 * that must not be read. */
void *arena_alloc(struct arena *arena, size_t length_bytes);

/* count * size with the overflow checked. */
void *arena_alloc_array(struct arena *arena, size_t count, size_t item_bytes);

/* A copy with a NUL behind it; NULL as above. */
char *arena_copy(struct arena *arena, const void *bytes, size_t length_bytes);

#endif
