#include "trace/attribute_wire.h"

#include "base/otlp_fields.h"
#include "trace/last_keys.h"
#include "trace/span_body.h"

enum {
    ITEMS_MAX = SPAN_BODY_MAX / 7, /* one takes seven bytes at the least */
};

struct text attribute_wire_cut(struct text text, uint32_t max_characters)
{
    size_t length = 0;
    if (text.length <= max_characters)
        return text;
    for (uint32_t i = 0; i < max_characters && length < text.length; i++) {
        size_t step = text_utf8_length((struct text){text.data + length, text.length - length});
        length += step > 0 ? step : 1;
    }
    return (struct text){text.data, length};
}

/* For the items of a value that may be there. */
static struct attribute_bounds inner(struct attribute_bounds bounds)
{
    uint32_t depth = bounds.depth < ATTRIBUTE_DEPTH_MAX ? bounds.depth : ATTRIBUTE_DEPTH_MAX;
    return (struct attribute_bounds){bounds.length, depth - 1};
}

static struct text cut_bytes(struct text bytes, uint32_t count)
{
    return (struct text){bytes.data, bytes.length < count ? bytes.length : count};
}

static size_t key_value_size(const struct attribute *attribute, struct attribute_bounds bounds);
static size_t value_size(const struct attribute *attribute, struct attribute_bounds bounds);

/* Of equal keys of a map the last stays. One with more items than a span has room for is too big
 * whatever they are. */
static size_t items_size(const struct attribute *attribute, struct attribute_bounds bounds)
{
    size_t size = 0;
    struct last_keys last = {attribute->items, attribute->item_count, 0};
    if (attribute->type == ATTRIBUTE_MAP && attribute->item_count > ITEMS_MAX)
        return SPAN_BODY_MAX;
    for (size_t i = 0; i < attribute->item_count; i++) {
        const struct attribute *item = &attribute->items[i];
        if (attribute->type == ATTRIBUTE_ARRAY)
            size += span_wire_field_size(value_size(item, bounds));
        else if (last_keys_next(&last, i))
            size += span_wire_field_size(key_value_size(item, bounds));
    }
    return size;
}

/* Of an AnyValue; 0 is one without a value: empty. */
static size_t value_size(const struct attribute *attribute, struct attribute_bounds bounds)
{
    switch (attribute->type) {
    case ATTRIBUTE_TEXT:
        return span_wire_field_size(attribute_wire_cut(attribute->text, bounds.length).length);
    case ATTRIBUTE_BYTES:
        return span_wire_field_size(cut_bytes(attribute->text, bounds.length).length);
    case ATTRIBUTE_BOOL:
        return 2;
    case ATTRIBUTE_I64:
        return 1 + wire_varint_size((uint64_t)attribute->i64);
    case ATTRIBUTE_DOUBLE:
        return 9;
    case ATTRIBUTE_ARRAY:
    case ATTRIBUTE_MAP:
        if (bounds.depth == 0)
            break;
        return span_wire_field_size(items_size(attribute, inner(bounds)));
    case ATTRIBUTE_EMPTY:
        break;
    }
    return 0;
}

static size_t key_value_size(const struct attribute *attribute, struct attribute_bounds bounds)
{
    return span_wire_field_size(attribute->key.length) +
           span_wire_field_size(value_size(attribute, bounds));
}

size_t attribute_wire_size(const struct attribute *attribute, struct attribute_bounds bounds)
{
    return key_value_size(attribute, bounds);
}

static void put_value(struct span_wire *wire, const struct attribute *attribute,
                      struct attribute_bounds bounds);
static void put_key_value(struct span_wire *wire, const struct attribute *attribute,
                          struct attribute_bounds bounds);

static void put_items(struct span_wire *wire, const struct attribute *attribute,
                      struct attribute_bounds bounds)
{
    bool is_array = attribute->type == ATTRIBUTE_ARRAY;
    struct last_keys last = {attribute->items, attribute->item_count, 0};
    span_wire_begin(wire, is_array ? OTLP_VALUE_ARRAY : OTLP_VALUE_KVLIST,
                    items_size(attribute, bounds));
    for (size_t i = 0; i < attribute->item_count; i++) {
        const struct attribute *item = &attribute->items[i];
        if (is_array) {
            span_wire_begin(wire, OTLP_ARRAY_VALUES, value_size(item, bounds));
            put_value(wire, item, bounds);
        } else if (last_keys_next(&last, i)) {
            span_wire_begin(wire, OTLP_KVLIST_VALUES, key_value_size(item, bounds));
            put_key_value(wire, item, bounds);
        }
    }
}

static void put_bytes(struct span_wire *wire, struct text bytes)
{
    span_wire_field_bytes(wire, OTLP_VALUE_BYTES, bytes.data, bytes.length);
}

static void put_value(struct span_wire *wire, const struct attribute *attribute,
                      struct attribute_bounds bounds)
{
    switch (attribute->type) {
    case ATTRIBUTE_TEXT:
        span_wire_field_text(wire, OTLP_VALUE_STRING,
                             attribute_wire_cut(attribute->text, bounds.length));
        break;
    case ATTRIBUTE_BYTES:
        put_bytes(wire, cut_bytes(attribute->text, bounds.length));
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
                          struct attribute_bounds bounds)
{
    span_wire_field_text(wire, OTLP_KEY_VALUE_KEY, attribute->key);
    span_wire_begin(wire, OTLP_KEY_VALUE_VALUE, value_size(attribute, bounds));
    put_value(wire, attribute, bounds);
}

void attribute_wire_put(struct span_wire *wire, const struct attribute *attribute,
                        struct attribute_bounds bounds)
{
    put_key_value(wire, attribute, bounds);
}

/* ---- lists */

/* What is beyond counts as dropped. */
static size_t looked_at(const struct attribute_wire_list *list)
{
    return list->count < ITEMS_MAX ? list->count : ITEMS_MAX;
}

size_t attribute_wire_list_size(const struct attribute_wire_list *list)
{
    size_t size = 0, kept = 0, count = looked_at(list), dropped = list->count - count;
    struct last_keys last = {list->attributes, count, 0};
    for (size_t i = 0; i < count; i++)
        if (last_keys_next(&last, i) && kept++ < list->count_max)
            size += span_wire_field_size(attribute_wire_size(&list->attributes[i], list->bounds));
    dropped += kept > list->count_max ? kept - list->count_max : 0;
    return size + (dropped ? 1 + wire_varint_size(dropped) : 0);
}

void attribute_wire_list(struct span_wire *wire, const struct attribute_wire_list *list)
{
    size_t kept = 0, count = looked_at(list), dropped = list->count - count;
    struct last_keys last = {list->attributes, count, 0};
    for (size_t i = 0; i < count; i++) {
        const struct attribute *attribute = &list->attributes[i];
        if (!last_keys_next(&last, i) || kept++ >= list->count_max)
            continue;
        span_wire_begin(wire, list->field, attribute_wire_size(attribute, list->bounds));
        attribute_wire_put(wire, attribute, list->bounds);
    }
    dropped += kept > list->count_max ? kept - list->count_max : 0;
    if (dropped > 0) {
        span_wire_byte(wire, (uint8_t)(list->dropped_field << 3 | WIRE_VARINT));
        span_wire_varint(wire, dropped);
    }
}

/* ---- over flat memory */

static bool begin(struct wire_writer *writer, uint32_t number, size_t length_bytes,
                  struct span_wire *wire)
{
    writer->overflow |= span_wire_field_size(length_bytes) > (size_t)(writer->end - writer->at);
    if (writer->overflow)
        return false;
    *wire = (struct span_wire){.at = writer->at, .end = writer->end};
    span_wire_begin(wire, number, length_bytes);
    return true;
}

void attribute_wire_text(struct wire_writer *writer, uint32_t number, struct text text)
{
    struct span_wire wire;
    if (!begin(writer, number, text.length, &wire))
        return;
    span_wire_text(&wire, text);
    writer->at = wire.at;
}

void attribute_wire_pair(struct wire_writer *writer, uint32_t number,
                         const struct attribute *attribute, struct attribute_bounds bounds)
{
    struct span_wire wire;
    if (!begin(writer, number, attribute_wire_size(attribute, bounds), &wire))
        return;
    attribute_wire_put(&wire, attribute, bounds);
    writer->at = wire.at;
}

void attribute_wire_value(struct wire_writer *writer, uint32_t number,
                          const struct attribute *attribute, struct attribute_bounds bounds)
{
    struct span_wire wire;
    if (!begin(writer, number, value_size(attribute, bounds), &wire))
        return;
    put_value(&wire, attribute, bounds);
    writer->at = wire.at;
}
