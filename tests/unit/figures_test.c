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

int main(void)
{
    struct rows all = {0};
    ROWS(&all, figure_rows, check_figure);
    ROWS(&all, share_rows, check_share);
    rows_one(&all, "it does not let one outlier widen a median's error", check_error);
    return rows_run("figures", &all);
}
