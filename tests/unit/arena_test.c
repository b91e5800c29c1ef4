#include "base/arena.h"

#include <string.h>

#include "base/rng.h"
#include "tests/unit/rows.h"

enum { PIECES = 3000 };

static int all_bytes(const uint8_t *bytes, size_t length, uint8_t byte)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] != byte)
            return 0;
    }
    return 1;
}

/* Pieces of every size are zero at first, and keep what is written while others come. */
static void check_pieces(void **state)
{
    (void)state;
    static uint8_t *pieces[PIECES];
    static size_t lengths[PIECES];
    struct arena arena;
    struct rng rng;
    arena_init(&arena, (size_t)64 << 20);
    rng_seed(&rng, 1);
    for (size_t i = 0; i < PIECES; i++) {
        lengths[i] = rng_below(&rng, i % 50 == 0 ? 200000 : 300);
        pieces[i] = arena_alloc(&arena, lengths[i]);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
        assert_true(all_bytes(pieces[i], lengths[i], 0));
        memset(pieces[i], (int)(i % 251 + 1), lengths[i]);
    }
    for (size_t i = 0; i < PIECES; i++)
        assert_true(all_bytes(pieces[i], lengths[i], (uint8_t)(i % 251 + 1)));
    arena_release(&arena);
    assert_true(arena.used_bytes == 0 && arena.max_bytes == (size_t)64 << 20);
    arena_release(&arena);
}

struct max_row {
    const char *it;
    size_t max_bytes, length_bytes;
    int good;
};

static const struct max_row max_rows[] = {
    {"it gives a piece of its maximum less the block's head", 10000, 9900, 1},
    {"it refuses a piece of its maximum", 10000, 10000, 0},
    {"it gives a piece larger than a block", 1 << 20, 300000, 1},
    {"it refuses a piece that would wrap", 1 << 20, SIZE_MAX, 0},
    {"it refuses a piece that would nearly wrap", SIZE_MAX, SIZE_MAX - 40, 0},
    {"it refuses everything with a maximum of 0", 0, 1, 0},
    {"it refuses everything with no room for a block's head", 16, 0, 0},
    {"it gives a pointer for no bytes", 10000, 0, 1},
};

static void check_max(void **state)
{
    const struct max_row *row = *state;
    struct arena arena;
    arena_init(&arena, row->max_bytes);
    assert_int_equal(arena_alloc(&arena, row->length_bytes) != NULL, row->good);
    assert_true(arena.used_bytes <= row->max_bytes);
    arena_release(&arena);
}

static void check_bounded(void **state)
{
    (void)state;
    struct arena arena;
    size_t count = 0;
    arena_init(&arena, 1000000);
    while (arena_alloc(&arena, 1000) && count < 2000)
        count++;
    assert_in_range(count, 950, 1000);
    assert_true(arena.used_bytes <= 1000000);
    arena_release(&arena);
}

static void check_large_keeps_block(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    char *first = arena_alloc(&arena, 16);
    assert_non_null(arena_alloc(&arena, 100000));
    char *second = arena_alloc(&arena, 16);
    assert_ptr_equal(second, first + 16); /* the block that had room is still filled */
    arena_release(&arena);
}

static void check_array(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    assert_non_null(arena_alloc_array(&arena, 100, 8));
    assert_null(arena_alloc_array(&arena, SIZE_MAX / 4, 8));
    assert_null(arena_alloc_array(&arena, (SIZE_MAX >> 3) + 2, 8)); /* wraps to 8 */
    assert_non_null(arena_alloc_array(&arena, 0, 8));
    arena_release(&arena);
}

static void check_copy(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    assert_string_equal(arena_copy(&arena, "abcdef", 3), "abc");
    assert_string_equal(arena_copy(&arena, NULL, 0), "");
    assert_null(arena_copy(&arena, "a", SIZE_MAX));
    arena_release(&arena);
}

int main(void)
{
    static struct rows all;
    rows_one(&all, "it gives zeroed, aligned pieces that stay", check_pieces);
    ROWS(&all, max_rows, check_max);
    rows_one(&all, "it stops at its maximum", check_bounded);
    rows_one(&all, "it goes on filling a block behind a large piece", check_large_keeps_block);
    rows_one(&all, "it checks the size of arrays", check_array);
    rows_one(&all, "it copies and terminates", check_copy);
    return rows_run("arena", &all);
}
