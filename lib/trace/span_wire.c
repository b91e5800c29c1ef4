#include "trace/span_wire.h"

#include <assert.h>

#include "base/otlp_fields.h"
#include "trace/span_body.h"

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

static bool is_ascii(struct text text)
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
    if (is_ascii(text)) {
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

static size_t field_size(size_t length_bytes)
{
    return 1 + wire_varint_size(length_bytes) + length_bytes;
}

static void begin_field(struct span_wire *wire, unsigned field, size_t length_bytes)
{
    span_wire_byte(wire, (uint8_t)(field << 3 | WIRE_BYTES));
    span_wire_varint(wire, length_bytes);
}

void span_wire_field_bytes(struct span_wire *wire, unsigned field, const void *bytes,
                           size_t length_bytes)
{
    begin_field(wire, field, length_bytes);
    span_wire_bytes(wire, bytes, length_bytes);
}

void span_wire_field_text(struct span_wire *wire, unsigned field, struct text text)
{
    begin_field(wire, field, text.length);
    span_wire_text(wire, text);
}

static size_t value_size(const struct attribute *attribute)
{
    switch (attribute->type) {
    case ATTRIBUTE_TEXT:
        return field_size(attribute->text.length);
    case ATTRIBUTE_BOOL:
        return 2;
    case ATTRIBUTE_I64:
        return 1 + wire_varint_size((uint64_t)attribute->i64);
    case ATTRIBUTE_DOUBLE:
        return 9;
    }
    return 0; /* an AnyValue without a value: empty */
}

size_t span_wire_attribute_size(const struct attribute *attribute)
{
    return field_size(attribute->key.length) + field_size(value_size(attribute));
}

void span_wire_attribute(struct span_wire *wire, const struct attribute *attribute)
{
    span_wire_field_text(wire, OTLP_KEY_VALUE_KEY, attribute->key);
    begin_field(wire, OTLP_KEY_VALUE_VALUE, value_size(attribute));
    switch (attribute->type) {
    case ATTRIBUTE_TEXT:
        span_wire_field_text(wire, OTLP_VALUE_STRING, attribute->text);
        break;
    case ATTRIBUTE_BOOL:
        span_wire_byte(wire, OTLP_VALUE_BOOL << 3 | WIRE_VARINT);
        span_wire_byte(wire, attribute->boolean);
        break;
    case ATTRIBUTE_I64:
        span_wire_byte(wire, OTLP_VALUE_INT << 3 | WIRE_VARINT);
        span_wire_varint(wire, (uint64_t)attribute->i64);
        break;
    case ATTRIBUTE_DOUBLE:
        span_wire_byte(wire, OTLP_VALUE_DOUBLE << 3 | WIRE_FIXED64);
        span_wire_bytes(wire, &attribute->number, sizeof attribute->number);
        break;
    }
}

/* A valid key that does not come again later. */
static bool is_kept(const struct span_wire_list *list, size_t at)
{
    struct text key = list->attributes[at].key;
    for (size_t i = at + 1; i < list->count; i++)
        if (text_equal(list->attributes[i].key, key))
            return false;
    return key.length > 0;
}

size_t span_wire_list_size(const struct span_wire_list *list)
{
    size_t size = 0, kept = 0;
    for (size_t i = 0; i < list->count; i++)
        if (is_kept(list, i) && kept++ < SPAN_ATTRIBUTES_MAX)
            size += field_size(span_wire_attribute_size(&list->attributes[i]));
    size_t dropped = kept > SPAN_ATTRIBUTES_MAX ? kept - SPAN_ATTRIBUTES_MAX : 0;
    return size + (dropped ? 1 + wire_varint_size(dropped) : 0);
}

void span_wire_list(struct span_wire *wire, const struct span_wire_list *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct attribute *attribute = &list->attributes[i];
        if (!is_kept(list, i) || kept++ >= SPAN_ATTRIBUTES_MAX)
            continue;
        begin_field(wire, list->field, span_wire_attribute_size(attribute));
        span_wire_attribute(wire, attribute);
    }
    if (kept > SPAN_ATTRIBUTES_MAX) {
        span_wire_byte(wire, (uint8_t)(list->dropped_field << 3 | WIRE_VARINT));
        span_wire_varint(wire, kept - SPAN_ATTRIBUTES_MAX);
    }
}
