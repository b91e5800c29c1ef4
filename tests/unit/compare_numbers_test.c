#include "loadgen/compare/compare_numbers.h"

#include <math.h>

#include "tests/unit/rows.h"

/* From printed tables of Student's t and of the normal distribution, both sides together; of half a
 * degree by summing up the density. */
struct t_row {
    const char *it;
    double t, freedom, chance;
};

static const struct t_row t_rows[] = {
    {"it knows t of 1 degree", 12.706, 1, 0.05},
    {"it knows t of 2 degrees", 9.925, 2, 0.01},
    {"it knows t of 5 degrees", 2.015, 5, 0.1},
    {"it knows t of 11 degrees", 4.437, 11, 0.001},
    {"it knows t of 30 degrees", 2.750, 30, 0.01},
    {"it knows t of 120 degrees", 1.980, 120, 0.05},
    {"it knows the normal distribution", 1.960, INFINITY, 0.05},
    {"it knows its tail", 3.291, INFINITY, 0.001},
    {"it takes very many degrees for that", 1.960, 1e7, 0.05},
    {"it knows t between whole degrees", 2.333, 7.5, 0.05},
};

static void check_t(void **state)
{
    const struct t_row *row = *state;
    assert_true(fabs(compare_numbers_t_chance(row->t, row->freedom) / row->chance - 1) < 0.004);
    assert_true(fabs(compare_numbers_t_chance(-row->t, row->freedom) / row->chance - 1) < 0.004);
    assert_true(fabs(compare_numbers_t_of(row->chance, row->freedom) / row->t - 1) < 0.001);
}

struct significant_row {
    const char *it;
    double chances[6];
    size_t count;
    unsigned significant; /* how many, the smallest first */
};

/* At 0.05. */
static const struct significant_row significant_rows[] = {
    {"it finds nothing in nothing", {0}, 0, 0},
    {"it takes one alone at the share itself", {0.05}, 1, 1},
    {"it asks more of one among many", {0.02, 0.5, 0.5, 0.5, 0.5, 0.5}, 6, 0},
    {"it takes one that is small enough", {0.008, 0.5, 0.5, 0.5, 0.5, 0.5}, 6, 1},
    {"it takes all up to the last that is", {0.001, 0.03, 0.024, 0.9}, 4, 3},
    {"it takes equal ones together", {0.02, 0.02, 0.02, 0.9}, 4, 3},
};

static void check_significant(void **state)
{
    const struct significant_row *row = *state;
    bool significant[6];
    unsigned count = 0;
    compare_numbers_significant(row->chances, row->count, 0.05, significant);
    for (size_t i = 0; i < row->count; i++) {
        count += significant[i];
        for (size_t k = 0; k < row->count; k++)
            assert_false(significant[i] && !significant[k] && row->chances[k] < row->chances[i]);
    }
    assert_int_equal(count, row->significant);
}

static void check_moments(void **state)
{
    (void)state;
    const double values[] = {1, 2, 3, 6};
    assert_true(fabs(compare_numbers_mean(values, 4) - 3) < 1e-12);
    assert_true(fabs(compare_numbers_variance(values, 4) - 14.0 / 3) < 1e-12);
    assert_true(compare_numbers_variance(values, 1) == 0 && compare_numbers_mean(values, 0) == 0);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, t_rows, check_t);
    ROWS(&all, significant_rows, check_significant);
    rows_one(&all, "it knows mean and variance", check_moments);
    return rows_run("compare numbers", &all);
}
