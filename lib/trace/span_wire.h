/* Writes protobuf over a chain of blocks, or over flat memory (`at` and `end` of it, no block),
 * that was made long enough before: no step is checked for overflow but by assert. Sizes come
 * first, then the writing of exactly as many bytes. A span's is guarded by the span's lock. */
#ifndef CULPRIT_TRACE_SPAN_WIRE_H
#define CULPRIT_TRACE_SPAN_WIRE_H

#include <string.h>

#include "base/wire.h"
#include "trace/span_pool.h"

struct span_wire {
    uint8_t *at, *end; /* in the block's data */
    struct span_block *block;
    uint32_t start; /* offset of the entry in the body */
};

/* The way over the end of a block. */
void span_wire_across(struct span_wire *wire, const void *bytes, size_t length_bytes);

static inline void span_wire_bytes(struct span_wire *wire, const void *bytes, size_t length_bytes)
{
    if (length_bytes > (size_t)(wire->end - wire->at)) {
        span_wire_across(wire, bytes, length_bytes);
    } else if (length_bytes > 0) {
        memcpy(wire->at, bytes, length_bytes);
        wire->at += length_bytes;
    }
}

static inline void span_wire_byte(struct span_wire *wire, uint8_t byte)
{
    if (wire->at == wire->end)
        span_wire_across(wire, &byte, 1);
    else
        *wire->at++ = byte;
}

static inline void span_wire_varint(struct span_wire *wire, uint64_t value)
{
    if (wire->end - wire->at >= 10) {
        wire->at = wire_put_varint_raw(wire->at, value);
    } else {
        uint8_t bytes[10] = {0};
        span_wire_across(wire, bytes, (size_t)(wire_put_varint_raw(bytes, value) - bytes));
    }
}

bool span_wire_is_ascii(struct text text);

/* With '?' in place of each byte that is not UTF-8: the length stays. */
void span_wire_text(struct span_wire *wire, struct text text);

/* Tag, length and `length_bytes` bytes. */
static inline size_t span_wire_field_size(size_t length_bytes)
{
    return 1 + wire_varint_size(length_bytes) + length_bytes;
}

/* Tag and length alone. `field` below 16, here and below. */
static inline void span_wire_begin(struct span_wire *wire, unsigned field, size_t length_bytes)
{
    span_wire_byte(wire, (uint8_t)(field << 3 | WIRE_BYTES));
    span_wire_varint(wire, length_bytes);
}

/* With tag and length. */
void span_wire_field_bytes(struct span_wire *wire, unsigned field, const void *bytes,
                           size_t length_bytes);
void span_wire_field_text(struct span_wire *wire, unsigned field, struct text text);

#endif
