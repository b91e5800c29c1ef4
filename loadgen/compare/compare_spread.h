/* What a difference is to be held against: from the differences of blocks within the runs, and
 * from the runs of a side among each other. Pure. */
#ifndef CULPRIT_LOADGEN_COMPARE_COMPARE_SPREAD_H
#define CULPRIT_LOADGEN_COMPARE_COMPARE_SPREAD_H

#include "loadgen/compare/compare.h"

/* One figure of all runs. */
struct compare_runs {
    double values[2][COMPARE_REPORTS_MAX];
    size_t counts[2];
    double least_effect;
    double widening;     /* of what the blocks tell */
    double noticed;      /* of a share: from so many times what chance gives on */
    double least_spread; /* of one run's value */
    bool is_share;       /* and then of whose these are: */
    double hits[2], requests[2];
};

/* `blocks`: the differences of the figure block by block. Leaves `out` empty where there is nothing
 * to hold against. `chance`: below which a change will be significant at least. */
void compare_spread_judge(const struct compare_runs *runs, const double *blocks, size_t count,
                          double chance, struct compare_change *out);

/* How far apart the 99th percentiles are at least and at most, as a ratio: their ranks are as
 * many times less certain than by counting alone as the share of the tail is. */
void compare_spread_p99(const struct load_step_figures sides[2], const struct compare_change *tail,
                        double range[2]);

#endif
