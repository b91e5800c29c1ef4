/* Protobuf's wire format, both ways, without schema compiler and without allocation.
 * Source: protobuf.dev/programming-guides/encoding. Field numbers: base/otlp_fields.h. */
#ifndef CULPRIT_BASE_WIRE_H
#define CULPRIT_BASE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/status.h"
#include "base/text.h"

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

struct wire_reader {
    const uint8_t *at, *end;
};

struct wire_field {
    uint32_t number;
    enum wire_type type;
    uint64_t value;    /* VARINT, FIXED64, FIXED32 */
    struct text bytes; /* BYTES: a slice of the input */
};

static inline struct wire_reader wire_reader_of(const void *bytes, size_t length_bytes)
{
    const uint8_t *at = bytes;
    return (struct wire_reader){at, at + length_bytes};
}

/* STATUS_OK with *field set; STATUS_END at the end; STATUS_INVALID on a varint over 10 bytes or
 * cut, a length beyond the input, a field number 0 or above 2^29-1, or the group types. Unknown
 * numbers are the caller's to ignore. */
MUST_CHECK enum status wire_next(struct wire_reader *reader, struct wire_field *field);

/* The last field of that number that is of bytes, as protobuf has it for a field that is not
 * repeated; empty, in the message, when there is none. STATUS_OK, or STATUS_INVALID as above. */
MUST_CHECK enum status wire_find(struct text message, uint32_t number, struct text *out);

/* Writer over memory of the caller: after an overflow `overflow` is set and nothing more is
 * written. `at` never passes `end`. */
struct wire_writer {
    uint8_t *at, *end;
    bool overflow;
};

static inline size_t wire_varint_size(uint64_t value)
{
    return (size_t)(63 - __builtin_clzll(value | 1)) / 7 + 1;
}

/* The unchecked step: writes at `at`, which has 10 bytes of room, and returns the new end. */
static inline uint8_t *wire_put_varint_raw(uint8_t *at, uint64_t value)
{
    while (value >= 0x80) {
        *at++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *at++ = (uint8_t)value;
    return at;
}

void wire_put_varint(struct wire_writer *writer, uint64_t value);
void wire_put_tag(struct wire_writer *writer, uint32_t number, enum wire_type type);
void wire_put_u64(struct wire_writer *writer, uint32_t number, uint64_t value); /* varint */
void wire_put_fixed64(struct wire_writer *writer, uint32_t number, uint64_t value);
void wire_put_fixed32(struct wire_writer *writer, uint32_t number, uint32_t value);
void wire_put_double(struct wire_writer *writer, uint32_t number, double value);
void wire_put_bytes(struct wire_writer *writer, uint32_t number, const void *bytes,
                    size_t length_bytes);

/* A message whose length is not known yet: begin reserves a varint of 5 bytes (padded, which is
 * legal), end fills it in. *mark is the reserved place. */
void wire_begin(struct wire_writer *writer, uint32_t number, uint8_t **mark);
void wire_end(struct wire_writer *writer, uint8_t *mark);

#endif
