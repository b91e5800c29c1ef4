#include "base/wire.h"

#include <endian.h>

enum {
    VARINT_BYTES_MAX = 10,
    MARK_BYTES = 5,
    NUMBER_MAX = (1 << 29) - 1,
};

static const uint64_t length_max = INT32_MAX; /* what protobuf's readers accept */

static bool read_varint(struct wire_reader *in, uint64_t *out)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < VARINT_BYTES_MAX && in->at < in->end; i++) {
        const uint8_t byte = *in->at++;
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *out = value;
            return true;
        }
    }
    return false;
}

static bool read_fixed64(struct wire_reader *in, struct wire_field *field)
{
    uint64_t value;
    if ((size_t)(in->end - in->at) < sizeof(value))
        return false;
    memcpy(&value, in->at, sizeof(value));
    in->at += sizeof(value);
    field->value = le64toh(value);
    return true;
}

static bool read_fixed32(struct wire_reader *in, struct wire_field *field)
{
    uint32_t value;
    if ((size_t)(in->end - in->at) < sizeof(value))
        return false;
    memcpy(&value, in->at, sizeof(value));
    in->at += sizeof(value);
    field->value = le32toh(value);
    return true;
}

static bool read_bytes(struct wire_reader *in, struct wire_field *field)
{
    uint64_t length;
    if (!read_varint(in, &length) || length > (uint64_t)(in->end - in->at))
        return false;
    field->bytes = (struct text){(const char *)in->at, (size_t)length};
    in->at += length;
    return true;
}

static bool read_value(struct wire_reader *in, struct wire_field *field)
{
    switch (field->type) {
    case WIRE_VARINT:
        return read_varint(in, &field->value);
    case WIRE_FIXED64:
        return read_fixed64(in, field);
    case WIRE_BYTES:
        return read_bytes(in, field);
    case WIRE_FIXED32:
        return read_fixed32(in, field);
    }
    return false;
}

enum status wire_next(struct wire_reader *reader, struct wire_field *field)
{
    struct wire_reader in = *reader; /* moves on only when all is well: a fault stays a fault */
    struct wire_field read = {0};
    uint64_t tag;
    if (in.at >= in.end)
        return STATUS_END;
    if (!read_varint(&in, &tag) || tag >> 3 == 0 || tag >> 3 > NUMBER_MAX)
        return STATUS_INVALID;
    read.number = (uint32_t)(tag >> 3);
    read.type = (enum wire_type)(tag & 7);
    if (!read_value(&in, &read))
        return STATUS_INVALID;
    *reader = in;
    *field = read;
    return STATUS_OK;
}

/* All or nothing: a field is never written in part. */
static bool has_room(struct wire_writer *writer, size_t length_bytes)
{
    if (length_bytes > (size_t)(writer->end - writer->at))
        writer->overflow = true;
    return !writer->overflow;
}

static uint64_t tag_of(uint32_t number, enum wire_type type)
{
    return (uint64_t)number << 3 | (uint64_t)type;
}

void wire_put_varint(struct wire_writer *writer, uint64_t value)
{
    if (has_room(writer, wire_varint_size(value)))
        writer->at = wire_put_varint_raw(writer->at, value);
}

void wire_put_tag(struct wire_writer *writer, uint32_t number, enum wire_type type)
{
    wire_put_varint(writer, tag_of(number, type));
}

void wire_put_u64(struct wire_writer *writer, uint32_t number, uint64_t value)
{
    const uint64_t tag = tag_of(number, WIRE_VARINT);
    if (!has_room(writer, wire_varint_size(tag) + wire_varint_size(value)))
        return;
    writer->at = wire_put_varint_raw(writer->at, tag);
    writer->at = wire_put_varint_raw(writer->at, value);
}

void wire_put_fixed64(struct wire_writer *writer, uint32_t number, uint64_t value)
{
    const uint64_t tag = tag_of(number, WIRE_FIXED64);
    if (!has_room(writer, wire_varint_size(tag) + sizeof(value)))
        return;
    value = htole64(value);
    writer->at = wire_put_varint_raw(writer->at, tag);
    memcpy(writer->at, &value, sizeof(value));
    writer->at += sizeof(value);
}

void wire_put_fixed32(struct wire_writer *writer, uint32_t number, uint32_t value)
{
    const uint64_t tag = tag_of(number, WIRE_FIXED32);
    if (!has_room(writer, wire_varint_size(tag) + sizeof(value)))
        return;
    value = htole32(value);
    writer->at = wire_put_varint_raw(writer->at, tag);
    memcpy(writer->at, &value, sizeof(value));
    writer->at += sizeof(value);
}

void wire_put_double(struct wire_writer *writer, uint32_t number, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    wire_put_fixed64(writer, number, bits);
}

void wire_put_bytes(struct wire_writer *writer, uint32_t number, const void *bytes,
                    size_t length_bytes)
{
    const uint64_t tag = tag_of(number, WIRE_BYTES);
    const size_t head = wire_varint_size(tag) + wire_varint_size(length_bytes);
    if (length_bytes > length_max) {
        writer->overflow = true;
        return;
    }
    if (!has_room(writer, head + length_bytes))
        return;
    writer->at = wire_put_varint_raw(writer->at, tag);
    writer->at = wire_put_varint_raw(writer->at, length_bytes);
    if (length_bytes > 0)
        memcpy(writer->at, bytes, length_bytes);
    writer->at += length_bytes;
}

void wire_begin(struct wire_writer *writer, uint32_t number, uint8_t **mark)
{
    const uint64_t tag = tag_of(number, WIRE_BYTES);
    *mark = NULL;
    if (!has_room(writer, wire_varint_size(tag) + MARK_BYTES))
        return;
    *mark = wire_put_varint_raw(writer->at, tag);
    writer->at = *mark + MARK_BYTES;
}

void wire_end(struct wire_writer *writer, uint8_t *mark)
{
    if (writer->overflow || !mark)
        return;
    size_t length = (size_t)(writer->at - (mark + MARK_BYTES));
    if (length > length_max) {
        writer->overflow = true;
        return;
    }
    for (int i = 0; i < MARK_BYTES - 1; i++, length >>= 7)
        mark[i] = (uint8_t)(length | 0x80);
    mark[MARK_BYTES - 1] = (uint8_t)length;
}

enum status wire_find(struct text message, uint32_t number, struct text *out)
{
    struct wire_reader reader = wire_reader_of(message.data, message.length);
    struct wire_field field;
    enum status status;
    *out = (struct text){message.data, 0};
    while ((status = wire_next(&reader, &field)) == STATUS_OK) {
        if (field.number == number && field.type == WIRE_BYTES)
            *out = field.bytes;
    }
    return status == STATUS_END ? STATUS_OK : status;
}
