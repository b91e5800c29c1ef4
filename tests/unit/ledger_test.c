#include "diagnose/ledger.h"

#include "base/rng.h"
#include "tests/unit/rows.h"

struct ledger_row {
    const char *it;
    int claims[4][2];
    int from, to, claimed;
};

static const struct ledger_row ledger_rows[] = {
    {"it has nothing claimed at first", {{0}}, 0, 100, 0},
    {"it counts what lies within", {{10, 20}}, 0, 100, 10},
    {"it counts only what is asked for", {{10, 50}}, 20, 30, 10},
    {"it counts what is claimed twice once", {{10, 30}, {20, 40}}, 0, 100, 30},
    {"it adds claims that lie apart", {{60, 70}, {10, 20}}, 0, 100, 20},
    {"it joins claims that a third one bridges", {{10, 20}, {30, 40}, {15, 35}}, 0, 100, 30},
    {"it passes over an empty claim", {{10, 10}, {20, 15}}, 0, 100, 0},
    {"it keeps a claim within another", {{10, 90}, {20, 30}}, 0, 100, 80},
};

static void check_ledger(void **state)
{
    const struct ledger_row *row = *state;
    struct arena arena;
    struct ledger ledger;
    arena_init(&arena, 1 << 20);
    assert_int_equal(ledger_init(&ledger, 3, &arena), STATUS_OK);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(ledger_claim(&ledger, 1, row->claims[i][0], row->claims[i][1]), STATUS_OK);
    assert_int_equal(ledger_claimed_ns(&ledger, 1, row->from, row->to), row->claimed);
    assert_int_equal(ledger_claimed_ns(&ledger, 0, row->from, row->to), 0);
    arena_release(&arena);
}

/* Against an array of marks. */
static void check_random(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 5);
    for (int round = 0; round < 500; round++) {
        bool marks[100] = {false};
        struct arena arena;
        struct ledger ledger;
        arena_init(&arena, 1 << 20);
        assert_int_equal(ledger_init(&ledger, 1, &arena), STATUS_OK);
        for (int i = 0; i < 12; i++) {
            const int64_t from = (int64_t)rng_below(&rng, 100);
            const int64_t to = from + (int64_t)rng_below(&rng, 100 - (uint64_t)from);
            assert_int_equal(ledger_claim(&ledger, 0, from, to), STATUS_OK);
            for (int64_t k = from; k < to; k++)
                marks[k] = true;
        }
        const int64_t from = (int64_t)rng_below(&rng, 100);
        int64_t wanted = 0;
        for (int64_t k = from; k < 100; k++)
            wanted += marks[k];
        assert_int_equal(ledger_claimed_ns(&ledger, 0, from, 100), wanted);
        arena_release(&arena);
    }
}

int main(void)
{
    struct rows all = {0};
    ROWS(&all, ledger_rows, check_ledger);
    rows_one(&all, "it agrees with a plain count, whatever is claimed", check_random);
    return rows_run("ledger", &all);
}
