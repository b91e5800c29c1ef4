#include "diagnose/figures.h"

#include <math.h>

#include "tests/unit/rows.h"

struct figure_row {
    const char *it;
    double values[6];
    size_t count;
    double q, wanted;
};

static const struct figure_row figure_rows[] = {
    {"it gives 0 for nothing", {0}, 0, 0.5, 0},
    {"it gives the only value", {7}, 1, 0.9, 7},
    {"it gives the middle of three", {3, 1, 2}, 3, 0.5, 2},
    {"it gives the lower middle of four", {4, 1, 3, 2}, 4, 0.5, 2},
    {"it gives the largest at 1", {4, 1, 3, 2}, 4, 1, 4},
    {"it gives the smallest at 0", {4, 1, 3, 2}, 4, 0, 1},
    {"it gives the nearest rank", {10, 20, 30, 40, 50}, 5, 0.9, 50},
};

static void check_figure(void **state)
{
    const struct figure_row *row = *state;
    double values[6];
    for (size_t i = 0; i < 6; i++)
        values[i] = row->values[i];
    figures_sort(values, row->count);
    assert_true(figures_quantile(values, row->count, row->q) == row->wanted);
}

struct share_row {
    const char *it;
    double hits, total, lower, upper; /* to three decimals, by Wilson's formula at 1.96 */
};

static const struct share_row share_rows[] = {
    {"it knows nothing from nothing", 0, 0, 0, 1},
    {"it is sure of 84 % from 20 of 20", 20, 20, 0.839, 1},
    {"it leaves 1.9 % open after 0 of 200", 0, 200, 0, 0.019},
    {"it is even about a half", 50, 100, 0.404, 0.596},
};

static void check_share(void **state)
{
    const struct share_row *row = *state;
    assert_true(fabs(figures_share_lower(row->hits, row->total) - row->lower) < 0.0006);
    assert_true(fabs(figures_share_upper(row->hits, row->total) - row->upper) < 0.0006);
}

static void check_error(void **state)
{
    (void)state;
    double values[] = {1, 2, 3, 4, 1000}, scratch[5];
    const double error = figures_median_error(values, 5, scratch);
    assert_true(fabs(error - 1.4826 * 1.2533 * 1 / sqrt(5)) < 1e-9);
    assert_true(figures_median_error(values, 0, scratch) == 0);
}

struct transfer_row {
    const char *it;
    double value, wanted;
};

static const struct transfer_row transfer_rows[] = {
    {"it gives the smallest for the smallest", 10, 1},
    {"it gives the largest for the largest", 50, 9},
    {"it gives the middle for the middle", 30, 5},
    {"it gives the smallest for what is below all", -5, 1},
    {"it gives the largest for what is above all", 500, 9},
};

static void check_transfer(void **state)
{
    const struct transfer_row *row = *state;
    const double from[] = {10, 20, 30, 40, 50}, to[] = {1, 3, 5, 7, 9};
    assert_true(figures_transfer(row->value, from, 5, to, 5) == row->wanted);
    assert_true(figures_transfer(row->value, from, 0, to, 5) == row->value);
    assert_true(figures_transfer(row->value, from, 5, to, 0) == row->value);
    assert_true(figures_transfer(row->value, from, 5, to, 1) == 1);
}

struct pairs_row {
    const char *it;
    double x[4], y[4], wanted; /* 7: it never varies */
};

static const struct pairs_row pairs_rows[] = {
    {"it finds what grows together", {1, 2, 3, 4}, {10, 20, 30, 40}, 1},
    {"it finds what shrinks as the other grows", {1, 2, 3, 4}, {8, 6, 4, 2}, -1},
    {"it finds nothing in common", {1, 2, 3, 4}, {1, -1, -1, 1}, 0},
    {"it says nothing of what never varies", {1, 2, 3, 4}, {0.1, 0.1, 0.1, 0.1}, 7},
};

static void check_pairs(void **state)
{
    const struct pairs_row *row = *state;
    struct figures_pairs pairs = {0};
    for (size_t i = 0; i < 4; i++)
        figures_add_pair(&pairs, row->x[i], row->y[i]);
    assert_true(fabs(figures_correlation(&pairs, 7) - row->wanted) < 1e-9);
}

int main(void)
{
    struct rows all = {0};
    ROWS(&all, figure_rows, check_figure);
    ROWS(&all, share_rows, check_share);
    ROWS(&all, transfer_rows, check_transfer);
    ROWS(&all, pairs_rows, check_pairs);
    rows_one(&all, "it does not let one outlier widen a median's error", check_error);
    return rows_run("figures", &all);
}
