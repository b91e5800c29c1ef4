/* libFuzzer: any bytes as a protobuf message, and its BYTES fields as messages again. What was read
 * whole is written by our writer and must read back alike. */
#include <stdlib.h>

#include "base/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DEPTH_MAX = 8 };

static void expect(bool truth)
{
    if (!truth)
        abort();
}

static void put_field(struct wire_writer *writer, const struct wire_field *field)
{
    switch (field->type) {
    case WIRE_VARINT:
        wire_put_u64(writer, field->number, field->value);
        break;
    case WIRE_FIXED64:
        wire_put_fixed64(writer, field->number, field->value);
        break;
    case WIRE_FIXED32:
        wire_put_fixed32(writer, field->number, (uint32_t)field->value);
        break;
    case WIRE_BYTES:
        wire_put_bytes(writer, field->number, field->bytes.data, field->bytes.length);
        break;
    }
}

static bool same(const struct wire_field *a, const struct wire_field *b)
{
    return a->number == b->number && a->type == b->type && a->value == b->value &&
           text_equal(a->bytes, b->bytes);
}

static enum status walk(const uint8_t *data, size_t size, unsigned depth,
                        struct wire_writer *writer)
{
    struct wire_reader reader = wire_reader_of(data, size);
    struct wire_field field;
    enum status status;
    while ((status = wire_next(&reader, &field)) == STATUS_OK) {
        if (writer)
            put_field(writer, &field);
        if (field.type != WIRE_BYTES)
            continue;
        const uint8_t *begin = (const uint8_t *)field.bytes.data;
        expect(begin >= data && begin + field.bytes.length <= data + size);
        if (depth < DEPTH_MAX)
            (void)!walk(begin, field.bytes.length, depth + 1, NULL);
    }
    expect(status == STATUS_END || status == STATUS_INVALID);
    return status;
}

static void compare(struct wire_reader first, struct wire_reader second)
{
    struct wire_field a, b;
    enum status status;
    do {
        status = wire_next(&first, &a);
        expect(status == wire_next(&second, &b));
        expect(status != STATUS_OK || same(&a, &b));
    } while (status == STATUS_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size + 1); /* never longer: the input's varints are at best shortest */
    expect(copy != NULL);
    struct wire_writer writer = {copy, copy + size, false};
    if (walk(data, size, 0, &writer) == STATUS_END) {
        expect(!writer.overflow);
        compare(wire_reader_of(data, size), wire_reader_of(copy, (size_t)(writer.at - copy)));
    }
    free(copy);
    return 0;
}
