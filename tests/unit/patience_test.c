#include "loadgen/engine/patience.h"

#include "tests/unit/rows.h"

#define NOW 5000000u

struct row {
    const char *it;
    struct patience patience;
    uint64_t until_ns;
    bool allows;
};

static const struct row rows[] = {
    {"it rests until the next request is due", {0, 1, false}, NOW + 500000, true},
    {"it rests for its longest time", {0, 1, false}, NOW + PATIENCE_REST_NS, true},
    {"it rests no longer", {0, 1, false}, NOW + PATIENCE_REST_NS + 1, false},
    {"it does not rest while somebody waits", {1, 1, false}, NOW + 500000, false},
    {"it does not rest before an answer was waited for", {0, 0, false}, NOW + 500000, false},
    {"it does not rest where something is due", {0, 1, false}, NOW, false},
    {"it does not rest where something is late", {0, 1, false}, NOW - 1, false},
};

static void check_row(void **state)
{
    const struct row *row = *state;
    assert_int_equal(patience_allows(&row->patience, NOW, row->until_ns), row->allows);
}

static void check_learning(void **state)
{
    (void)state;
    struct patience patience = {0};
    patience_learn(&patience, false);
    assert_int_equal(patience.rests_left, 0);
    patience_learn(&patience, true);
    assert_int_equal(patience.rests_left, PATIENCE_RESTS_MAX);
    patience.rests_left = 1;
    patience_learn(&patience, true);
    assert_int_equal(patience.rests_left, 1);
    patience_learn(&patience, false);
    assert_int_equal(patience.rests_left, 0);
    /* That one may have come in pieces: nobody looked. */
    patience.has_rested = true;
    patience_learn(&patience, true);
    assert_int_equal(patience.rests_left, 0);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, rows, check_row);
    rows_one(&all, "it learns from answers that were waited for alone", check_learning);
    return rows_run("patience", &all);
}
