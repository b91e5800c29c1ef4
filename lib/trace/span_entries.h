/* The memory of a span's body: entries one after the other over a chain of blocks, found by their
 * offset, overwritten in place where the size allows it, else left as holes (see span_body.h).
 * Never allocates but from the pool; the span's lock guards it. */
#ifndef CULPRIT_TRACE_SPAN_ENTRIES_H
#define CULPRIT_TRACE_SPAN_ENTRIES_H

#include "trace/span_body.h"
#include "trace/span_wire.h"

/* Of the entry at an offset: all of it. */
uint32_t span_entries_size_at(const struct span_body *body, uint32_t at);

uint8_t span_entries_byte_at(const struct span_body *body, uint32_t at);

/* Moves *at behind it. */
uint32_t span_entries_varint_at(const struct span_body *body, uint32_t *at);

bool span_entries_bytes_equal(const struct span_body *body, uint32_t at, struct text text);

/* A place to write an entry of `length` bytes to: over the entry at `old` (offset + 1, 0: none)
 * when it has the same size, else at the end, leaving a hole. false: no room, nothing changed. */
bool span_entries_begin(struct span_body *body, uint8_t tag, size_t length, uint32_t old,
                        struct span_wire *wire);

/* All of it, holes too, into `out` of length_bytes bytes. */
void span_entries_copy(const struct span_body *body, uint8_t *out);

/* Sets used_bytes of every block of the chain. */
void span_entries_seal(struct span_body *body);

/* Moves the entries of a contiguous body together; returns the new length. Bytes that are no
 * entries end it (cannot be). */
size_t span_entries_close_holes(uint8_t *bytes, size_t length_bytes);

#endif
