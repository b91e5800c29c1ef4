#include "trace/span_wire.h"

#include <assert.h>

#include "base/otlp_fields.h"
#include "trace/attribute_wire.h"
#include "trace/last_keys.h"
#include "trace/span_body.h"

/* One takes seven bytes at the least. */
enum { ITEMS_MAX = SPAN_BODY_MAX / 7 };

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

/* ---- values */

struct bounds {
    uint32_t value_max;
    uint32_t depth; /* so many levels may follow */
};

static struct bounds outermost(uint32_t value_max)
{
    return (struct bounds){value_max, SPAN_VALUE_DEPTH_MAX};
}

static struct bounds inner(struct bounds bounds)
{
    return (struct bounds){bounds.value_max, bounds.depth - 1};
}

static struct text cut_bytes(struct text bytes, uint32_t count)
{
    return (struct text){bytes.data, bytes.length < count ? bytes.length : count};
}

static size_t key_value_size(const struct attribute *attribute, struct bounds bounds);
static size_t value_size(const struct attribute *attribute, struct bounds bounds);

/* Of equal keys of a map the last stays. One with more items than a span has room for is too big
 * whatever they are. */
static size_t items_size(const struct attribute *attribute, struct bounds bounds)
{
    size_t size = 0;
    struct last_keys last = {attribute->items, attribute->item_count, 0};
    if (attribute->type == ATTRIBUTE_MAP && attribute->item_count > ITEMS_MAX)
        return SPAN_BODY_MAX;
    for (size_t i = 0; i < attribute->item_count; i++) {
        const struct attribute *item = &attribute->items[i];
        if (attribute->type == ATTRIBUTE_ARRAY)
            size += field_size(value_size(item, bounds));
        else if (last_keys_next(&last, i))
            size += field_size(key_value_size(item, bounds));
    }
    return size;
}

/* Of an AnyValue; 0 is one without a value: empty. */
static size_t value_size(const struct attribute *attribute, struct bounds bounds)
{
    switch (attribute->type) {
    case ATTRIBUTE_TEXT:
        return field_size(attribute_wire_cut(attribute->text, bounds.value_max).length);
    case ATTRIBUTE_BYTES:
        return field_size(cut_bytes(attribute->text, bounds.value_max).length);
    case ATTRIBUTE_BOOL:
        return 2;
    case ATTRIBUTE_I64:
        return 1 + wire_varint_size((uint64_t)attribute->i64);
    case ATTRIBUTE_DOUBLE:
        return 9;
    case ATTRIBUTE_ARRAY:
    case ATTRIBUTE_MAP:
        return bounds.depth > 0 ? field_size(items_size(attribute, inner(bounds))) : 0;
    case ATTRIBUTE_EMPTY:
        break;
    }
    return 0;
}

static size_t key_value_size(const struct attribute *attribute, struct bounds bounds)
{
    return field_size(attribute->key.length) + field_size(value_size(attribute, bounds));
}

size_t span_wire_attribute_size(const struct attribute *attribute, uint32_t value_max)
{
    return key_value_size(attribute, outermost(value_max));
}

static void put_value(struct span_wire *wire, const struct attribute *attribute,
                      struct bounds bounds);
static void put_key_value(struct span_wire *wire, const struct attribute *attribute,
                          struct bounds bounds);

static void put_items(struct span_wire *wire, const struct attribute *attribute,
                      struct bounds bounds)
{
    bool is_array = attribute->type == ATTRIBUTE_ARRAY;
    struct last_keys last = {attribute->items, attribute->item_count, 0};
    begin_field(wire, is_array ? OTLP_VALUE_ARRAY : OTLP_VALUE_KVLIST,
                items_size(attribute, bounds));
    for (size_t i = 0; i < attribute->item_count; i++) {
        const struct attribute *item = &attribute->items[i];
        if (is_array) {
            begin_field(wire, OTLP_ARRAY_VALUES, value_size(item, bounds));
            put_value(wire, item, bounds);
        } else if (last_keys_next(&last, i)) {
            begin_field(wire, OTLP_KVLIST_VALUES, key_value_size(item, bounds));
            put_key_value(wire, item, bounds);
        }
    }
}

static void put_bytes(struct span_wire *wire, struct text bytes)
{
    span_wire_field_bytes(wire, OTLP_VALUE_BYTES, bytes.data, bytes.length);
}

static void put_value(struct span_wire *wire, const struct attribute *attribute,
                      struct bounds bounds)
{
    switch (attribute->type) {
    case ATTRIBUTE_TEXT:
        span_wire_field_text(wire, OTLP_VALUE_STRING,
                             attribute_wire_cut(attribute->text, bounds.value_max));
        break;
    case ATTRIBUTE_BYTES:
        put_bytes(wire, cut_bytes(attribute->text, bounds.value_max));
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
        if (bounds.depth > 0)
            put_items(wire, attribute, inner(bounds));
        break;
    case ATTRIBUTE_EMPTY:
        break;
    }
}

static void put_key_value(struct span_wire *wire, const struct attribute *attribute,
                          struct bounds bounds)
{
    span_wire_field_text(wire, OTLP_KEY_VALUE_KEY, attribute->key);
    begin_field(wire, OTLP_KEY_VALUE_VALUE, value_size(attribute, bounds));
    put_value(wire, attribute, bounds);
}

void span_wire_attribute(struct span_wire *wire, const struct attribute *attribute,
                         uint32_t value_max)
{
    put_key_value(wire, attribute, outermost(value_max));
}

/* ---- lists */

/* What is beyond counts as dropped. */
static size_t looked_at(const struct span_wire_list *list)
{
    return list->count < ITEMS_MAX ? list->count : ITEMS_MAX;
}

size_t span_wire_list_size(const struct span_wire_list *list)
{
    size_t size = 0, kept = 0, count = looked_at(list), dropped = list->count - count;
    struct last_keys last = {list->attributes, count, 0};
    for (size_t i = 0; i < count; i++)
        if (last_keys_next(&last, i) && kept++ < list->count_max)
            size += field_size(span_wire_attribute_size(&list->attributes[i], list->value_max));
    dropped += kept > list->count_max ? kept - list->count_max : 0;
    return size + (dropped ? 1 + wire_varint_size(dropped) : 0);
}

void span_wire_list(struct span_wire *wire, const struct span_wire_list *list)
{
    size_t kept = 0, count = looked_at(list), dropped = list->count - count;
    struct last_keys last = {list->attributes, count, 0};
    for (size_t i = 0; i < count; i++) {
        const struct attribute *attribute = &list->attributes[i];
        if (!last_keys_next(&last, i) || kept++ >= list->count_max)
            continue;
        begin_field(wire, list->field, span_wire_attribute_size(attribute, list->value_max));
        span_wire_attribute(wire, attribute, list->value_max);
    }
    dropped += kept > list->count_max ? kept - list->count_max : 0;
    if (dropped > 0) {
        span_wire_byte(wire, (uint8_t)(list->dropped_field << 3 | WIRE_VARINT));
        span_wire_varint(wire, dropped);
    }
}
