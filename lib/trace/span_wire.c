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

/* ---- values; `depth` levels may follow */

static size_t key_value_size(const struct attribute *attribute, unsigned depth);
static size_t value_size(const struct attribute *attribute, unsigned depth);

/* Of equal keys of a map the last stays. */
static bool is_last(const struct attribute *items, size_t count, size_t at)
{
    for (size_t i = at + 1; i < count; i++)
        if (text_equal(items[i].key, items[at].key))
            return false;
    return items[at].key.length > 0;
}

static size_t items_size(const struct attribute *attribute, unsigned depth)
{
    size_t size = 0;
    for (size_t i = 0; i < attribute->item_count; i++) {
        const struct attribute *item = &attribute->items[i];
        if (attribute->type == ATTRIBUTE_ARRAY)
            size += field_size(value_size(item, depth));
        else if (is_last(attribute->items, attribute->item_count, i))
            size += field_size(key_value_size(item, depth));
    }
    return size;
}

/* Of an AnyValue; 0 is one without a value: empty. */
static size_t value_size(const struct attribute *attribute, unsigned depth)
{
    switch (attribute->type) {
    case ATTRIBUTE_TEXT:
    case ATTRIBUTE_BYTES:
        return field_size(attribute->text.length);
    case ATTRIBUTE_BOOL:
        return 2;
    case ATTRIBUTE_I64:
        return 1 + wire_varint_size((uint64_t)attribute->i64);
    case ATTRIBUTE_DOUBLE:
        return 9;
    case ATTRIBUTE_ARRAY:
    case ATTRIBUTE_MAP:
        return depth > 0 ? field_size(items_size(attribute, depth - 1)) : 0;
    case ATTRIBUTE_EMPTY:
        break;
    }
    return 0;
}

static size_t key_value_size(const struct attribute *attribute, unsigned depth)
{
    return field_size(attribute->key.length) + field_size(value_size(attribute, depth));
}

size_t span_wire_attribute_size(const struct attribute *attribute)
{
    return key_value_size(attribute, SPAN_VALUE_DEPTH_MAX);
}

static void put_value(struct span_wire *wire, const struct attribute *attribute, unsigned depth);
static void put_key_value(struct span_wire *wire, const struct attribute *attribute,
                          unsigned depth);

static void put_items(struct span_wire *wire, const struct attribute *attribute, unsigned depth)
{
    bool is_array = attribute->type == ATTRIBUTE_ARRAY;
    begin_field(wire, is_array ? OTLP_VALUE_ARRAY : OTLP_VALUE_KVLIST,
                items_size(attribute, depth));
    for (size_t i = 0; i < attribute->item_count; i++) {
        const struct attribute *item = &attribute->items[i];
        if (is_array) {
            begin_field(wire, OTLP_ARRAY_VALUES, value_size(item, depth));
            put_value(wire, item, depth);
        } else if (is_last(attribute->items, attribute->item_count, i)) {
            begin_field(wire, OTLP_KVLIST_VALUES, key_value_size(item, depth));
            put_key_value(wire, item, depth);
        }
    }
}

static void put_value(struct span_wire *wire, const struct attribute *attribute, unsigned depth)
{
    switch (attribute->type) {
    case ATTRIBUTE_TEXT:
        span_wire_field_text(wire, OTLP_VALUE_STRING, attribute->text);
        break;
    case ATTRIBUTE_BYTES:
        span_wire_field_bytes(wire, OTLP_VALUE_BYTES, attribute->text.data, attribute->text.length);
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
    case ATTRIBUTE_ARRAY:
    case ATTRIBUTE_MAP:
        if (depth > 0)
            put_items(wire, attribute, depth - 1);
        break;
    case ATTRIBUTE_EMPTY:
        break;
    }
}

static void put_key_value(struct span_wire *wire, const struct attribute *attribute, unsigned depth)
{
    span_wire_field_text(wire, OTLP_KEY_VALUE_KEY, attribute->key);
    begin_field(wire, OTLP_KEY_VALUE_VALUE, value_size(attribute, depth));
    put_value(wire, attribute, depth);
}

void span_wire_attribute(struct span_wire *wire, const struct attribute *attribute)
{
    put_key_value(wire, attribute, SPAN_VALUE_DEPTH_MAX);
}

/* ---- lists */

size_t span_wire_list_size(const struct span_wire_list *list)
{
    size_t size = 0, kept = 0;
    for (size_t i = 0; i < list->count; i++)
        if (is_last(list->attributes, list->count, i) && kept++ < SPAN_ATTRIBUTES_MAX)
            size += field_size(span_wire_attribute_size(&list->attributes[i]));
    size_t dropped = kept > SPAN_ATTRIBUTES_MAX ? kept - SPAN_ATTRIBUTES_MAX : 0;
    return size + (dropped ? 1 + wire_varint_size(dropped) : 0);
}

void span_wire_list(struct span_wire *wire, const struct span_wire_list *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct attribute *attribute = &list->attributes[i];
        if (!is_last(list->attributes, list->count, i) || kept++ >= SPAN_ATTRIBUTES_MAX)
            continue;
        begin_field(wire, list->field, span_wire_attribute_size(attribute));
        span_wire_attribute(wire, attribute);
    }
    if (kept > SPAN_ATTRIBUTES_MAX) {
        span_wire_byte(wire, (uint8_t)(list->dropped_field << 3 | WIRE_VARINT));
        span_wire_varint(wire, kept - SPAN_ATTRIBUTES_MAX);
    }
}
