#include "base/wire.h"

#include <string.h>

#include "base/rng.h"
#include "tests/unit/guard.h"
#include "tests/unit/rows.h"

#define BYTES(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

struct read_row {
    const char *it;
    const uint8_t *input;
    size_t length;
    enum status status;
    uint32_t number;
    enum wire_type type;
    uint64_t value; /* of BYTES: how many */
};

static const struct read_row read_rows[] = {
    {"it reads the guide's 150", BYTES(0x08, 0x96, 0x01), STATUS_OK, 1, WIRE_VARINT, 150},
    {"it reads the guide's \"testing\"", BYTES(0x12, 7, 't', 'e', 's', 't', 'i', 'n', 'g'),
     STATUS_OK, 2, WIRE_BYTES, 7},
    {"it reads a padded varint", BYTES(0x08, 0x81, 0x80, 0x80, 0x00), STATUS_OK, 1, WIRE_VARINT, 1},
    {"it reads a padded tag", BYTES(0x88, 0x80, 0x00, 0x05), STATUS_OK, 1, WIRE_VARINT, 5},
    {"it reads the largest varint",
     BYTES(0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01), STATUS_OK, 1,
     WIRE_VARINT, UINT64_MAX},
    {"it reads fixed64", BYTES(0x39, 1, 2, 3, 4, 5, 6, 7, 0x88), STATUS_OK, 7, WIRE_FIXED64,
     0x8807060504030201u},
    {"it reads fixed32", BYTES(0x85, 0x01, 1, 2, 3, 0x84), STATUS_OK, 16, WIRE_FIXED32,
     0x84030201u},
    {"it reads no bytes", BYTES(0x12, 0), STATUS_OK, 2, WIRE_BYTES, 0},
    {"it reads the largest field number", BYTES(0xf8, 0xff, 0xff, 0xff, 0x0f, 9), STATUS_OK,
     (1 << 29) - 1, WIRE_VARINT, 9},
    {"it refuses a larger field number", BYTES(0x80, 0x80, 0x80, 0x80, 0x10, 9), STATUS_INVALID, 0,
     0, 0},
    {"it refuses the field number 0", BYTES(0x00, 0x01), STATUS_INVALID, 0, 0, 0},
    {"it refuses a group's begin", BYTES(0x0b, 0x0c), STATUS_INVALID, 0, 0, 0},
    {"it refuses a group's end", BYTES(0x0c), STATUS_INVALID, 0, 0, 0},
    {"it refuses type 6", BYTES(0x0e, 0x00), STATUS_INVALID, 0, 0, 0},
    {"it refuses type 7", BYTES(0x0f, 0x00), STATUS_INVALID, 0, 0, 0},
    {"it refuses a cut tag", BYTES(0x80), STATUS_INVALID, 0, 0, 0},
    {"it refuses a tag without value", BYTES(0x08), STATUS_INVALID, 0, 0, 0},
    {"it refuses a cut varint", BYTES(0x08, 0xff), STATUS_INVALID, 0, 0, 0},
    {"it refuses a varint of eleven bytes",
     BYTES(0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00), STATUS_INVALID,
     0, 0, 0},
    {"it refuses cut fixed64", BYTES(0x09, 1, 2, 3, 4, 5, 6, 7), STATUS_INVALID, 0, 0, 0},
    {"it refuses cut fixed32", BYTES(0x0d, 1, 2, 3), STATUS_INVALID, 0, 0, 0},
    {"it refuses bytes of one too few", BYTES(0x12, 3, 'a', 'b'), STATUS_INVALID, 0, 0, 0},
    {"it refuses a length that would wrap",
     BYTES(0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01), STATUS_INVALID, 0, 0,
     0},
};

static void check_read(void **state)
{
    const struct read_row *row = *state;
    struct guard guard = guard_copy(row->input, row->length);
    struct wire_reader reader = wire_reader_of(guard.bytes, row->length);
    struct wire_field field = {0};
    assert_int_equal(wire_next(&reader, &field), row->status);
    if (row->status == STATUS_OK) {
        assert_true(field.number == row->number && field.type == row->type);
        const bool bytes = row->type == WIRE_BYTES;
        assert_true((bytes ? field.bytes.length : field.value) == row->value);
        if (bytes)
            assert_ptr_equal(field.bytes.data + field.bytes.length, guard.bytes + row->length);
        assert_int_equal(wire_next(&reader, &field), STATUS_END);
    } else {
        assert_int_equal(wire_next(&reader, &field), row->status); /* a fault stays */
    }
    guard_release(&guard);
}

static void check_end(void **state)
{
    (void)state;
    struct wire_reader reader = wire_reader_of("", 0);
    struct wire_field field;
    assert_int_equal(wire_next(&reader, &field), STATUS_END);
}

struct size_row {
    const char *it;
    uint64_t value;
    size_t bytes;
};

static const struct size_row size_rows[] = {
    {"it writes 0 in one byte", 0, 1},
    {"it writes 127 in one byte", 127, 1},
    {"it writes 128 in two bytes", 128, 2},
    {"it writes 2^14 - 1 in two bytes", (1 << 14) - 1, 2},
    {"it writes 2^14 in three bytes", 1 << 14, 3},
    {"it writes 2^63 - 1 in nine bytes", INT64_MAX, 9},
    {"it writes 2^63 in ten bytes", (uint64_t)1 << 63, 10},
    {"it writes the largest in ten bytes", UINT64_MAX, 10},
};

static void check_size(void **state)
{
    const struct size_row *row = *state;
    uint8_t out[16];
    struct wire_writer writer = {out, out + sizeof(out), false};
    struct wire_field field;
    assert_int_equal(wire_varint_size(row->value), row->bytes);
    wire_put_u64(&writer, 1, row->value);
    assert_true((size_t)(writer.at - out) == row->bytes + 1 && !writer.overflow);
    struct wire_reader reader = wire_reader_of(out, row->bytes + 1);
    assert_int_equal(wire_next(&reader, &field), STATUS_OK);
    assert_true(field.value == row->value);
}

/* One field of each kind, and a message in a message. */
static void write_all(struct wire_writer *writer)
{
    uint8_t *outer, *inner;
    wire_put_u64(writer, 1, 300);
    wire_begin(writer, 2, &outer);
    wire_put_fixed64(writer, 3, 0x1122334455667788u);
    wire_begin(writer, 4, &inner);
    wire_put_bytes(writer, 5, "hello", 5);
    wire_end(writer, inner);
    wire_put_fixed32(writer, 16, 0xdeadbeef);
    wire_end(writer, outer);
    wire_put_double(writer, 6, 1.5);
    wire_put_bytes(writer, 7, NULL, 0);
    wire_put_tag(writer, 8, WIRE_VARINT);
    wire_put_varint(writer, 1);
}

static struct wire_field next_of(struct wire_reader *reader, uint32_t number, enum wire_type type)
{
    struct wire_field field = {0};
    assert_int_equal(wire_next(reader, &field), STATUS_OK);
    assert_true(field.number == number && field.type == type);
    return field;
}

static void check_round_trip(void **state)
{
    (void)state;
    uint8_t out[128];
    struct wire_field field;
    struct wire_writer writer = {out, out + sizeof(out), false};
    write_all(&writer);
    assert_false(writer.overflow);
    struct wire_reader reader = wire_reader_of(out, (size_t)(writer.at - out));
    assert_true(next_of(&reader, 1, WIRE_VARINT).value == 300);
    field = next_of(&reader, 2, WIRE_BYTES);
    struct wire_reader outer = wire_reader_of(field.bytes.data, field.bytes.length);
    assert_true(next_of(&outer, 3, WIRE_FIXED64).value == 0x1122334455667788u);
    field = next_of(&outer, 4, WIRE_BYTES);
    struct wire_reader inner = wire_reader_of(field.bytes.data, field.bytes.length);
    assert_true(text_is(next_of(&inner, 5, WIRE_BYTES).bytes, "hello"));
    assert_int_equal(wire_next(&inner, &field), STATUS_END);
    assert_true(next_of(&outer, 16, WIRE_FIXED32).value == 0xdeadbeef);
    assert_int_equal(wire_next(&outer, &field), STATUS_END);
    double number;
    field = next_of(&reader, 6, WIRE_FIXED64);
    memcpy(&number, &field.value, sizeof(number));
    assert_true(number == 1.5);
    assert_true(next_of(&reader, 7, WIRE_BYTES).bytes.length == 0);
    assert_true(next_of(&reader, 8, WIRE_VARINT).value == 1);
    assert_int_equal(wire_next(&reader, &field), STATUS_END);
}

/* With every room from none to enough: never a byte behind the end, and overflow exactly when it
 * does not fit. What was written before the overflow is a prefix of whole fields. */
static void check_overflow(void **state)
{
    (void)state;
    static const uint8_t zeros[128];
    uint8_t whole[128];
    struct wire_writer writer = {whole, whole + sizeof(whole), false};
    write_all(&writer);
    const size_t needed = (size_t)(writer.at - whole);
    for (size_t room = 0; room <= needed; room++) {
        struct guard guard = guard_copy(zeros, room);
        struct wire_writer small = {guard.bytes, guard.bytes + room, false};
        write_all(&small);
        assert_int_equal(small.overflow, room < needed);
        assert_true(small.at <= small.end);
        if (room == needed)
            assert_memory_equal(guard.bytes, whole, needed);
        const uint8_t *stopped_at = small.at;
        wire_put_u64(&small, 1, 0); /* nothing more after an overflow, small as it may be */
        if (room < needed)
            assert_ptr_equal(small.at, stopped_at);
        guard_release(&guard);
    }
}

/* Damaged messages: every answer is a status, every slice lies within the input. */
static void check_noise(void **state)
{
    (void)state;
    uint8_t whole[128];
    struct rng rng;
    struct wire_writer writer = {whole, whole + sizeof(whole), false};
    write_all(&writer);
    const size_t length = (size_t)(writer.at - whole);
    rng_seed(&rng, 11);
    for (int round = 0; round < 20000; round++) {
        struct guard guard = guard_copy(whole, rng_below(&rng, length + 1));
        struct wire_field field;
        const uint8_t *end = guard.map + guard.map_bytes - (size_t)sysconf(_SC_PAGESIZE);
        struct wire_reader reader = {guard.bytes, end};
        for (int i = 0; guard.bytes < end && i < 3; i++)
            guard.bytes[rng_below(&rng, (uint64_t)(end - guard.bytes))] = (uint8_t)rng_next(&rng);
        enum status status;
        while ((status = wire_next(&reader, &field)) == STATUS_OK) {
            if (field.type == WIRE_BYTES)
                assert_true(field.bytes.length <= length &&
                            (const uint8_t *)field.bytes.data + field.bytes.length <= end);
        }
        assert_true(status == STATUS_END || status == STATUS_INVALID);
        guard_release(&guard);
    }
}

/* The last one counts; numbers in a field of that number and another type do not. */
static const struct find_row {
    const char *name, *message;
    size_t length;
    enum status status;
    const char *found;
} find_rows[] = {
    {"finds the only one", "\x0a\x01x", 3, STATUS_OK, "x"},
    {"finds the last of two", "\x0a\x01x\x12\x01y\x0a\x01z", 9, STATUS_OK, "z"},
    {"finds nothing of another number", "\x12\x01y", 3, STATUS_OK, ""},
    {"passes a varint of that number over", "\x0a\x01x\x08\x05", 5, STATUS_OK, "x"},
    {"says when the message is cut", "\x0a\x01x\x12\x05y", 6, STATUS_INVALID, NULL},
};

static void check_find(void **state)
{
    const struct find_row *row = *state;
    struct text found;
    struct text message = {row->message, row->length};
    assert_int_equal(wire_find(message, 1, &found), row->status);
    if (row->found)
        assert_true(text_is(found, row->found));
}

int main(void)
{
    static struct rows all;
    ROWS(&all, read_rows, check_read);
    rows_one(&all, "it ends at the end", check_end);
    ROWS(&all, size_rows, check_size);
    rows_one(&all, "it reads what it wrote", check_round_trip);
    rows_one(&all, "it never writes behind the end", check_overflow);
    rows_one(&all, "it survives damaged messages", check_noise);
    ROWS(&all, find_rows, check_find);
    return rows_run("wire", &all);
}
