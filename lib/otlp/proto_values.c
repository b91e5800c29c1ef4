#include "otlp/proto_values.h"

#include "base/wire.h"
#include "otlp/proto_out.h"

static enum status read_value(struct spans *spans, struct text message, unsigned depth,
                              struct otlp_value *out);

static enum status read_key_value(struct spans *spans, struct text message, unsigned depth,
                                  struct otlp_attribute *out)
{
    struct wire_reader reader = wire_reader_of(message.data, message.length);
    struct wire_field field;
    enum status status;
    *out = (struct otlp_attribute){.key = {"", 0}};
    while ((status = wire_next(&reader, &field)) == STATUS_OK) {
        if (field.type != WIRE_BYTES)
            continue;
        if (field.number == OTLP_KEY_VALUE_KEY) {
            out->key = spans_intern(spans, field.bytes);
            status = out->key.data ? STATUS_OK : STATUS_TOO_LARGE;
        } else if (field.number == OTLP_KEY_VALUE_VALUE) {
            status = read_value(spans, field.bytes, depth, &out->value);
        }
        if (status != STATUS_OK)
            return status;
    }
    return status == STATUS_END ? STATUS_OK : status;
}

/* STATUS_INVALID when the message is broken. */
static enum status count_fields(struct text message, uint32_t number, uint32_t *count)
{
    struct wire_reader reader = wire_reader_of(message.data, message.length);
    struct wire_field field;
    enum status status;
    *count = 0;
    while ((status = wire_next(&reader, &field)) == STATUS_OK)
        *count += field.number == number && field.type == WIRE_BYTES;
    return status == STATUS_END ? STATUS_OK : status;
}

/* What the items of a message are: KeyValue messages, or bare values. */
enum item_kind { ITEM_KEY_VALUE, ITEM_VALUE };

static enum status read_items(struct spans *spans, struct text message, enum item_kind kind,
                              unsigned depth, struct otlp_value *out)
{
    const uint32_t number =
        kind == ITEM_VALUE ? (uint32_t)OTLP_ARRAY_VALUES : (uint32_t)OTLP_KVLIST_VALUES;
    struct wire_reader reader = wire_reader_of(message.data, message.length);
    struct wire_field field;
    uint32_t count;
    enum status status = count_fields(message, number, &count);
    if (status != STATUS_OK)
        return status;
    struct otlp_attribute *items = arena_alloc_array(&spans->arena, count, sizeof(*items));
    if (!items)
        return STATUS_TOO_LARGE;
    *out = (struct otlp_value){.type = kind == ITEM_VALUE ? OTLP_ARRAY : OTLP_LIST, .items = items};
    while (wire_next(&reader, &field) == STATUS_OK && out->item_count < count) {
        if (field.number != number || field.type != WIRE_BYTES)
            continue;
        struct otlp_attribute *item = &items[out->item_count++];
        item->key = (struct text){"", 0};
        status = kind == ITEM_VALUE ? read_value(spans, field.bytes, depth + 1, &item->value)
                                    : read_key_value(spans, field.bytes, depth + 1, item);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static enum status read_text(struct spans *spans, struct text bytes, enum otlp_value_type type,
                             struct otlp_value *out)
{
    *out = (struct otlp_value){.type = type, .text = spans_text(spans, bytes)};
    return out->text.data ? STATUS_OK : STATUS_TOO_LARGE;
}

static enum status read_scalar(const struct wire_field *field, struct otlp_value *out)
{
    if (field->number == OTLP_VALUE_BOOL && field->type == WIRE_VARINT)
        *out = (struct otlp_value){.type = OTLP_BOOL, .boolean = field->value != 0};
    else if (field->number == OTLP_VALUE_INT && field->type == WIRE_VARINT)
        *out = (struct otlp_value){.type = OTLP_I64, .i64 = (int64_t)field->value};
    else if (field->number == OTLP_VALUE_DOUBLE && field->type == WIRE_FIXED64) {
        *out = (struct otlp_value){.type = OTLP_DOUBLE};
        memcpy(&out->number, &field->value, sizeof(out->number));
    }
    return STATUS_OK;
}

static enum status read_variant(struct spans *spans, const struct wire_field *field, unsigned depth,
                                struct otlp_value *out)
{
    if (field->type != WIRE_BYTES)
        return read_scalar(field, out);
    switch (field->number) {
    case OTLP_VALUE_STRING:
        return read_text(spans, field->bytes, OTLP_TEXT, out);
    case OTLP_VALUE_BYTES:
        return read_text(spans, field->bytes, OTLP_BYTES, out);
    case OTLP_VALUE_ARRAY:
        return read_items(spans, field->bytes, ITEM_VALUE, depth, out);
    case OTLP_VALUE_KVLIST:
        return read_items(spans, field->bytes, ITEM_KEY_VALUE, depth, out);
    default:
        return STATUS_OK;
    }
}

static enum status read_value(struct spans *spans, struct text message, unsigned depth,
                              struct otlp_value *out)
{
    struct wire_reader reader = wire_reader_of(message.data, message.length);
    struct wire_field field;
    enum status status;
    *out = (struct otlp_value){.type = OTLP_EMPTY};
    if (depth > OTLP_VALUE_DEPTH_MAX)
        return STATUS_OK;
    while ((status = wire_next(&reader, &field)) == STATUS_OK) {
        status = read_variant(spans, &field, depth, out);
        if (status != STATUS_OK)
            return status;
    }
    return status == STATUS_END ? STATUS_OK : status;
}

enum status proto_values_read_one(struct spans *spans, struct text message,
                                  struct otlp_attribute *out)
{
    return read_key_value(spans, message, 1, out);
}

enum status proto_values_read_value(struct spans *spans, struct text message,
                                    struct otlp_value *out)
{
    return read_value(spans, message, 1, out);
}

enum status proto_values_read(struct spans *spans, struct text message, uint32_t number,
                              struct otlp_attributes *out)
{
    struct wire_reader reader = wire_reader_of(message.data, message.length);
    struct wire_field field;
    uint32_t count;
    enum status status = count_fields(message, number, &count);
    if (status != STATUS_OK)
        return status;
    struct otlp_attribute *items = arena_alloc_array(&spans->arena, count, sizeof(*items));
    if (!items)
        return STATUS_TOO_LARGE;
    out->items = items;
    out->count = 0;
    while (wire_next(&reader, &field) == STATUS_OK && out->count < count) {
        if (field.number != number || field.type != WIRE_BYTES)
            continue;
        status = read_key_value(spans, field.bytes, 1, &items[out->count++]);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* ---- writing */

static void write_item(const struct otlp_attribute *item, bool keyed, uint32_t number,
                       struct buffer *out);

static void write_bytes_value(const struct otlp_value *value, struct buffer *out)
{
    proto_out_bytes(out, value->type == OTLP_TEXT ? OTLP_VALUE_STRING : OTLP_VALUE_BYTES,
                    value->text.data, value->text.length);
}

static void write_items(const struct otlp_value *value, struct buffer *out)
{
    _Static_assert(OTLP_KVLIST_VALUES == 1 && OTLP_ARRAY_VALUES == 1, "one number for both");
    const bool keyed = value->type == OTLP_LIST;
    const size_t mark = proto_out_begin(out, keyed ? OTLP_VALUE_KVLIST : OTLP_VALUE_ARRAY);
    for (uint32_t i = 0; i < value->item_count; i++)
        write_item(&value->items[i], keyed, 1, out);
    proto_out_end(out, mark);
}

/* The body of an AnyValue message. */
static void write_value(const struct otlp_value *value, struct buffer *out)
{
    switch (value->type) {
    case OTLP_EMPTY:
        return;
    case OTLP_TEXT:
    case OTLP_BYTES:
        write_bytes_value(value, out);
        return;
    case OTLP_BOOL:
        proto_out_u64(out, OTLP_VALUE_BOOL, value->boolean);
        return;
    case OTLP_I64:
        proto_out_u64(out, OTLP_VALUE_INT, (uint64_t)value->i64);
        return;
    case OTLP_DOUBLE:
        proto_out_double(out, OTLP_VALUE_DOUBLE, value->number);
        return;
    case OTLP_ARRAY:
    case OTLP_LIST:
        write_items(value, out);
        return;
    }
}

static bool is_composite(const struct otlp_value *value)
{
    return value->type == OTLP_ARRAY || value->type == OTLP_LIST;
}

/* Bytes of a scalar's AnyValue body. */
static size_t scalar_size(const struct otlp_value *value)
{
    switch (value->type) {
    case OTLP_TEXT:
    case OTLP_BYTES:
        return 1 + wire_varint_size(value->text.length) + value->text.length;
    case OTLP_BOOL:
        return 2;
    case OTLP_I64:
        return 1 + wire_varint_size((uint64_t)value->i64);
    case OTLP_DOUBLE:
        return 9;
    default:
        return 0;
    }
}

/* Composite values take padded lengths: exact ones would cost a pass for each level. */
static void write_composite(const struct otlp_value *value, uint32_t number, struct buffer *out)
{
    const size_t mark = proto_out_begin(out, number);
    write_value(value, out);
    proto_out_end(out, mark);
}

static void write_bare_value(const struct otlp_value *value, uint32_t number, struct buffer *out)
{
    if (is_composite(value)) {
        write_composite(value, number, out);
        return;
    }
    proto_out_head(out, number, scalar_size(value));
    write_value(value, out);
}

static void write_key_value(const struct otlp_attribute *attribute, uint32_t number,
                            struct buffer *out)
{
    if (is_composite(&attribute->value)) {
        const size_t mark = proto_out_begin(out, number);
        proto_out_text(out, OTLP_KEY_VALUE_KEY, attribute->key);
        write_composite(&attribute->value, OTLP_KEY_VALUE_VALUE, out);
        proto_out_end(out, mark);
        return;
    }
    const size_t value_size = scalar_size(&attribute->value);
    size_t size = 1 + wire_varint_size(value_size) + value_size;
    if (attribute->key.length > 0)
        size += 1 + wire_varint_size(attribute->key.length) + attribute->key.length;
    proto_out_head(out, number, size);
    proto_out_text(out, OTLP_KEY_VALUE_KEY, attribute->key);
    write_bare_value(&attribute->value, OTLP_KEY_VALUE_VALUE, out);
}

/* Items of an array are values, those of a list have keys. */
static void write_item(const struct otlp_attribute *item, bool keyed, uint32_t number,
                       struct buffer *out)
{
    if (keyed)
        write_key_value(item, number, out);
    else
        write_bare_value(&item->value, number, out);
}

void proto_values_write_value(const struct otlp_value *value, uint32_t number, struct buffer *out)
{
    write_bare_value(value, number, out);
}

void proto_values_write(const struct otlp_attributes *attributes, uint32_t number,
                        struct buffer *out)
{
    for (uint32_t i = 0; i < attributes->count; i++)
        write_key_value(&attributes->items[i], number, out);
}
