/* Small statistics for gates: quantiles, spread, and intervals of a share. Pure functions; none
 * allocates. */
#ifndef CULPRIT_DIAGNOSE_FIGURES_H
#define CULPRIT_DIAGNOSE_FIGURES_H

#include <stddef.h>

/* Sorts the values in place, smallest first. */
void figures_sort(double *values, size_t count);

/* Which of `count` sorted values is the quantile q in [0, 1], nearest rank: below count where there
 * is one. */
size_t figures_rank(size_t count, double q);

/* Of sorted values, q in [0, 1], nearest rank; 0 when there are none. */
double figures_quantile(const double *sorted, size_t count, double q);

/* Sorts the values; their median, 0 when there are none. */
double figures_median(double *values, size_t count);

/* The value that has among the sorted `to` the place that `value` has among the sorted `from`: what
 * it would have been, had it been drawn there. `value` itself where one of the two is empty. */
double figures_transfer(double value, const double *from, size_t from_count, const double *to,
                        size_t to_count);

/* Standard error of the median of sorted values, from their median absolute deviation, so that a
 * few outliers do not count. `scratch` has room for as many. */
double figures_median_error(const double *sorted, size_t count, double *scratch);

/* Sums over pairs of values, for their correlation. {0} holds none. */
struct figures_pairs {
    double count, x, y, xx, yy, xy;
};

void figures_add_pair(struct figures_pairs *pairs, double x, double y);

/* Pearson's r; `otherwise` where one of the two never varies. */
double figures_correlation(const struct figures_pairs *pairs, double otherwise);

/* 95 % interval of a share (Wilson 1927); 0 and 1 when total is 0. */
double figures_share_lower(double hits, double total);
double figures_share_upper(double hits, double total);

#endif
