#include "trace/attribute_wire.h"

#include "base/otlp_fields.h"

struct limits {
    uint32_t value_length;
    unsigned depth; /* levels that may follow */
};

static void put_value(struct wire_writer *writer, uint32_t number,
                      const struct attribute *attribute, struct limits limits);

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

/* Over bytes that were copied already: the length stays. */
static void mend_utf8(uint8_t *at, size_t length)
{
    struct text rest = {(const char *)at, length};
    while (rest.length > 0) {
        size_t good = text_utf8_prefix(rest);
        if (good == rest.length)
            return;
        at += good;
        *at++ = '?';
        rest = (struct text){(const char *)at, rest.length - good - 1};
    }
}

void attribute_wire_text(struct wire_writer *writer, uint32_t number, struct text text)
{
    wire_put_bytes(writer, number, text.data, text.length);
    if (!writer->overflow)
        mend_utf8(writer->at - text.length, text.length);
}

/* Of equal keys of a map the last stays; without a key there is nothing. */
static bool is_last(const struct attribute *items, size_t count, size_t at)
{
    for (size_t i = at + 1; i < count; i++)
        if (text_equal(items[i].key, items[at].key))
            return false;
    return items[at].key.length > 0;
}

/* A short message takes one byte of length, not the five that were kept for it. */
static void end_short(struct wire_writer *writer, uint8_t *mark)
{
    enum { KEPT_BYTES = 5 };
    if (writer->overflow)
        return;
    size_t length = (size_t)(writer->at - mark) - KEPT_BYTES;
    if (length >= 0x80) {
        wire_end(writer, mark);
        return;
    }
    mark[0] = (uint8_t)length;
    memmove(mark + 1, mark + KEPT_BYTES, length);
    writer->at = mark + 1 + length;
}

static void put_pair(struct wire_writer *writer, uint32_t number, const struct attribute *attribute,
                     struct limits limits)
{
    uint8_t *mark;
    wire_begin(writer, number, &mark);
    attribute_wire_text(writer, OTLP_KEY_VALUE_KEY, attribute->key);
    put_value(writer, OTLP_KEY_VALUE_VALUE, attribute, limits);
    end_short(writer, mark);
}

static void put_items(struct wire_writer *writer, const struct attribute *attribute,
                      struct limits limits)
{
    const bool is_array = attribute->type == ATTRIBUTE_ARRAY;
    uint8_t *mark;
    wire_begin(writer, is_array ? OTLP_VALUE_ARRAY : OTLP_VALUE_KVLIST, &mark);
    limits.depth--;
    for (size_t i = 0; i < attribute->item_count && !writer->overflow; i++) {
        if (is_array)
            put_value(writer, OTLP_ARRAY_VALUES, &attribute->items[i], limits);
        else if (is_last(attribute->items, attribute->item_count, i))
            put_pair(writer, OTLP_KVLIST_VALUES, &attribute->items[i], limits);
    }
    end_short(writer, mark);
}

static struct text cut_bytes(struct text bytes, uint32_t max_bytes)
{
    bytes.length = bytes.length < max_bytes ? bytes.length : max_bytes;
    return bytes;
}

/* The inside of an AnyValue; nothing is the empty one. */
static void put_variant(struct wire_writer *writer, const struct attribute *attribute,
                        struct limits limits)
{
    switch (attribute->type) {
    case ATTRIBUTE_TEXT:
        attribute_wire_text(writer, OTLP_VALUE_STRING,
                            attribute_wire_cut(attribute->text, limits.value_length));
        break;
    case ATTRIBUTE_BYTES: {
        struct text bytes = cut_bytes(attribute->text, limits.value_length);
        wire_put_bytes(writer, OTLP_VALUE_BYTES, bytes.data, bytes.length);
        break;
    }
    case ATTRIBUTE_BOOL:
        wire_put_u64(writer, OTLP_VALUE_BOOL, attribute->boolean);
        break;
    case ATTRIBUTE_I64:
        wire_put_u64(writer, OTLP_VALUE_INT, (uint64_t)attribute->i64);
        break;
    case ATTRIBUTE_DOUBLE:
        wire_put_double(writer, OTLP_VALUE_DOUBLE, attribute->number);
        break;
    case ATTRIBUTE_ARRAY:
    case ATTRIBUTE_MAP:
        if (limits.depth > 0)
            put_items(writer, attribute, limits);
        break;
    case ATTRIBUTE_EMPTY:
        break;
    }
}

static void put_value(struct wire_writer *writer, uint32_t number,
                      const struct attribute *attribute, struct limits limits)
{
    uint8_t *mark;
    wire_begin(writer, number, &mark);
    put_variant(writer, attribute, limits);
    end_short(writer, mark);
}

void attribute_wire_pair(struct wire_writer *writer, uint32_t number,
                         const struct attribute *attribute, uint32_t value_length)
{
    put_pair(writer, number, attribute, (struct limits){value_length, ATTRIBUTE_WIRE_DEPTH_MAX});
}

void attribute_wire_value(struct wire_writer *writer, uint32_t number,
                          const struct attribute *attribute, uint32_t value_length)
{
    put_value(writer, number, attribute, (struct limits){value_length, ATTRIBUTE_WIRE_DEPTH_MAX});
}
