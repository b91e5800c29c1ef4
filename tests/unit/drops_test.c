#include "loadgen/window/drops.h"

#include <string.h>

#include "tests/unit/rows.h"

struct row {
    const char *it;
    struct drops before, after;
    uint64_t spans;
    const char *where;
};

static const struct row rows[] = {
    {"it finds nothing lost where nothing was",
     {.sources = {{"cart", 0}}, .count = 1},
     {.sources = {{"cart", 0}}, .count = 1},
     0,
     ""},
    {"it leaves out what was lost before",
     {.sources = {{"cart", 5}, {"auth", 7}}, .count = 2},
     {.sources = {{"cart", 5}, {"auth", 9}}, .count = 2},
     2,
     "auth 2"},
    {"it adds up and names all",
     {.sources = {{"culprit", 1}}, .count = 1},
     {.sources = {{"culprit", 4}, {"cart", 12}}, .count = 2},
     15,
     "culprit 3, cart 12"},
    {"it counts one that started again from nothing",
     {.sources = {{"cart", 100}}, .count = 1},
     {.sources = {{"cart", 8}}, .count = 1},
     8,
     "cart 8"},
};

static void check(void **state)
{
    const struct row *row = *state;
    struct drops_lost lost;
    drops_between(&row->before, &row->after, &lost);
    assert_int_equal(lost.spans, row->spans);
    assert_string_equal(lost.where, row->where);
}

static void check_bound(void **state)
{
    struct drops before = {.count = 0}, after = {.count = DROPS_SOURCES_MAX, .silent = 3};
    struct drops_lost lost;
    (void)state;
    for (size_t i = 0; i < DROPS_SOURCES_MAX; i++) {
        memset(after.sources[i].name, 'x', 8);
        after.sources[i].spans = UINT32_MAX;
    }
    drops_between(&before, &after, &lost);
    assert_true(lost.spans == (uint64_t)UINT32_MAX * DROPS_SOURCES_MAX);
    assert_true(strlen(lost.where) < DROPS_WHERE_MAX && strlen(lost.where) > DROPS_WHERE_MAX - 40);
    assert_int_equal(lost.silent, 3);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, rows, check);
    rows_one(&all, "it cuts a list that is too long, and counts all the same", check_bound);
    return rows_run("drops", &all);
}
