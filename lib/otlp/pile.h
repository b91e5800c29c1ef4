/* Items of unknown number gathered on a stack, then copied to their place all at once: for readers
 * that learn the length of a list at its end. Lists within lists use one pile. One owner. */
#ifndef CULPRIT_OTLP_PILE_H
#define CULPRIT_OTLP_PILE_H

#include <string.h>

#include "base/arena.h"
#include "base/buffer.h"

/* Copies what lies above `mark` (an earlier buffer.length_bytes) into the arena and takes it off.
 * NULL when it does not fit, or some push did not; a pointer not to be read when there is nothing.
 */
static inline void *pile_take(struct buffer *pile, size_t mark, struct arena *arena)
{
    if (pile->failed != STATUS_OK)
        return NULL;
    const size_t length_bytes = pile->length_bytes - mark;
    void *out = arena_alloc(arena, length_bytes);
    if (out && length_bytes > 0)
        memcpy(out, pile->data + mark, length_bytes);
    pile->length_bytes = mark;
    return out;
}

#endif
