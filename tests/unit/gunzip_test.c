#include "otlp/gunzip.h"

#include <zlib.h>

#include "tests/unit/guard.h"
#include "tests/unit/rows.h"

enum { ROOM = 256 * 1024 };

/* Appends one gzip member. */
static void pack(struct buffer *out, const void *bytes, size_t length)
{
    z_stream stream = {0};
    uint8_t *room;
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    const size_t most = deflateBound(&stream, length);
    const size_t before = out->length_bytes;
    assert_int_equal(buffer_extend(out, most, &room), STATUS_OK);
    stream.next_in = (Bytef *)(uintptr_t)bytes;
    stream.avail_in = (uInt)length;
    stream.next_out = room;
    stream.avail_out = (uInt)most;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out->length_bytes = before + stream.total_out;
    deflateEnd(&stream);
}

enum damage { WHOLE, CUT_HEAD, CUT_BODY, CUT_TAIL, WRONG_CHECKSUM, WRONG_LENGTH, GARBAGE_BEHIND };

struct row {
    const char *it;
    int members;
    size_t member_bytes;
    size_t room;
    enum damage damage;
    enum status status;
};

static const struct row rows[] = {
    {"it inflates one member", 1, 1000, ROOM, WHOLE, STATUS_OK},
    {"it inflates an empty member", 1, 0, ROOM, WHOLE, STATUS_OK},
    {"it inflates several members", 3, 1000, ROOM, WHOLE, STATUS_OK},
    {"it fills its room to the last byte", 1, ROOM, ROOM, WHOLE, STATUS_OK},
    {"it stops one byte over its room", 1, ROOM + 1, ROOM, WHOLE, STATUS_TOO_LARGE},
    {"it counts all members against its room", 3, ROOM / 2, ROOM, WHOLE, STATUS_TOO_LARGE},
    {"it stops a bomb", 1, 64 * 1024 * 1024, ROOM, WHOLE, STATUS_TOO_LARGE},
    {"it refuses nothing", 0, 0, ROOM, WHOLE, STATUS_INVALID},
    {"it refuses a cut head", 1, 1000, ROOM, CUT_HEAD, STATUS_INVALID},
    {"it refuses a cut body", 1, 1000, ROOM, CUT_BODY, STATUS_INVALID},
    {"it refuses a cut tail", 1, 1000, ROOM, CUT_TAIL, STATUS_INVALID},
    {"it refuses a wrong checksum", 1, 1000, ROOM, WRONG_CHECKSUM, STATUS_INVALID},
    {"it refuses a wrong length", 1, 1000, ROOM, WRONG_LENGTH, STATUS_INVALID},
    {"it refuses garbage behind a member", 1, 1000, ROOM, GARBAGE_BEHIND, STATUS_INVALID},
};

static void damage(struct buffer *packed, enum damage how)
{
    switch (how) {
    case WHOLE:
        return;
    case CUT_HEAD:
        packed->length_bytes = 5;
        return;
    case CUT_BODY:
        packed->length_bytes -= 10;
        return;
    case CUT_TAIL:
        packed->length_bytes -= 1;
        return;
    case WRONG_CHECKSUM:
        packed->data[packed->length_bytes - 8] ^= 1;
        return;
    case WRONG_LENGTH:
        packed->data[packed->length_bytes - 1] ^= 1;
        return;
    case GARBAGE_BEHIND:
        buffer_append_text(packed, "garbage");
        return;
    }
}

static void check(void **state)
{
    const struct row *row = *state;
    struct buffer packed, plain;
    uint8_t *bytes = calloc(1, row->member_bytes + 1);
    buffer_init(&packed, 128 * 1024 * 1024);
    buffer_init(&plain, row->room);
    for (size_t i = 0; i < row->member_bytes && i < ROOM; i++)
        bytes[i] = (uint8_t)(i * 7);
    for (int i = 0; i < row->members; i++)
        pack(&packed, bytes, row->member_bytes);
    damage(&packed, row->damage);
    struct guard guard = guard_copy(packed.data, packed.length_bytes);
    assert_int_equal(gunzip(guard.bytes, packed.length_bytes, &plain), row->status);
    assert_true(plain.capacity_bytes <= row->room);
    if (row->status == STATUS_OK) {
        assert_int_equal(plain.length_bytes, row->member_bytes * (size_t)row->members);
        for (int i = 0; i < row->members; i++)
            assert_memory_equal(plain.data + (size_t)i * row->member_bytes, bytes,
                                row->member_bytes);
    }
    guard_release(&guard);
    buffer_release(&packed);
    buffer_release(&plain);
    free(bytes);
}

static void check_looks(void **state)
{
    (void)state;
    assert_true(gunzip_looks_like_it("\x1f\x8b\x08", 3));
    assert_false(gunzip_looks_like_it("\x1f", 1));
    assert_false(gunzip_looks_like_it("{}", 2));
}

int main(void)
{
    static struct rows all;
    ROWS(&all, rows, check);
    rows_one(&all, "it tells gzip by its first bytes", check_looks);
    return rows_run("gunzip", &all);
}
