#include "trace/span_wire.h"

#include <assert.h>

static void next_block(struct span_wire *wire)
{
    wire->block = wire->block->more;
    assert(wire->block != NULL);
    wire->at = wire->block->data;
    wire->end = wire->at + SPAN_BLOCK_DATA_BYTES;
}

void span_wire_across(struct span_wire *wire, const void *bytes, size_t length_bytes)
{
    const uint8_t *from = bytes;
    while (length_bytes > 0) {
        if (wire->at == wire->end)
            next_block(wire);
        size_t room = (size_t)(wire->end - wire->at);
        size_t part = length_bytes < room ? length_bytes : room;
        memcpy(wire->at, from, part);
        wire->at += part;
        from += part;
        length_bytes -= part;
    }
}

bool span_wire_is_ascii(struct text text)
{
    uint64_t seen = 0, word;
    size_t i = 0;
    for (; i + 8 <= text.length; i += 8) {
        memcpy(&word, text.data + i, 8);
        seen |= word;
    }
    for (; i < text.length; i++)
        seen |= (uint8_t)text.data[i];
    return (seen & 0x8080808080808080ull) == 0;
}

void span_wire_text(struct span_wire *wire, struct text text)
{
    if (span_wire_is_ascii(text)) {
        span_wire_bytes(wire, text.data, text.length);
        return;
    }
    while (text.length > 0) {
        size_t good = text_utf8_prefix(text);
        span_wire_bytes(wire, text.data, good);
        text = (struct text){text.data + good, text.length - good};
        if (text.length > 0) {
            span_wire_byte(wire, '?');
            text = (struct text){text.data + 1, text.length - 1};
        }
    }
}

void span_wire_field_bytes(struct span_wire *wire, unsigned field, const void *bytes,
                           size_t length_bytes)
{
    span_wire_begin(wire, field, length_bytes);
    span_wire_bytes(wire, bytes, length_bytes);
}

void span_wire_field_text(struct span_wire *wire, unsigned field, struct text text)
{
    span_wire_begin(wire, field, text.length);
    span_wire_text(wire, text);
}
