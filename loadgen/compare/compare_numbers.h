/* The statistics that comparing two runs needs. Pure; any thread. */
#ifndef CULPRIT_LOADGEN_COMPARE_COMPARE_NUMBERS_H
#define CULPRIT_LOADGEN_COMPARE_COMPARE_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>

/* Chance that Student's t of `freedom` (above 0; INFINITY: normal) is further from 0 than `t`. */
double compare_numbers_t_chance(double t, double freedom);

/* The t whose chance that is. `chance` in (0, 1). */
double compare_numbers_t_of(double chance, double freedom);

/* Which of the chances are significant so that of what is called so at most `share` is false
 * (Benjamini and Hochberg 1995). */
void compare_numbers_significant(const double *chances, size_t count, double share,
                                 bool *significant);

/* Mean, and unbiased variance; 0 of fewer than two. */
double compare_numbers_mean(const double *values, size_t count);
double compare_numbers_variance(const double *values, size_t count);

#endif
