/* Whether something got slower, or fails more, between two sides of runs of one sequence of
 * requests; step by step, in four ways, each with what it could have seen:
 *
 *   body    the median: its logarithm's shift
 *   quick   the same of the quickest tenth: what disturbs a machine only adds, and adds least there
 *   tail    the share of requests slower than the 99th percentile before and the least change
 *   errors  the share that failed or was not answered
 *
 * What such figures differ by when nothing changed is measured, from two sources that a change has
 * to exceed both: the spread of the differences between blocks of time (compare_blocks.h), widened
 * by COMPARE_WIDENING (of failures: where they come in bursts), and, where a side has several
 * runs, the spread from run to run. Chances are from Student's t, and Benjamini and Hochberg's way
 * keeps down what many steps find by chance. Only what is significant and no smaller than the least
 * change counts. Pure; may be called from any thread. */
#ifndef CULPRIT_LOADGEN_COMPARE_COMPARE_H
#define CULPRIT_LOADGEN_COMPARE_COMPARE_H

#include "base/json_writer.h"
#include "base/status.h"
#include "loadgen/base/verdict.h"
#include "loadgen/compare/compare_blocks.h"

/* Equal runs differ more than their blocks tell, as what disturbs them lasts. Root mean square of
 * difference over block error of three steps, 46 pairs of runs of 12 s one after the other, on two
 * processors that were loaded up to four times over: 1.1 to 2.6 of medians, 0.8 to 2.4 of
 * quickest tenths, 0.4 to 1.6 of tails. */
#define COMPARE_WIDENING       2.5
#define COMPARE_WIDENING_QUICK 2.0
#define COMPARE_WIDENING_TAIL  1.5
/* Failures mostly come one by one, and then chance alone is exact: blocks that differ by more than
 * so many times what chance gives (chi-square of 11, 1 in 100) show that they do not. */
#define COMPARE_ERRORS_NOTICED 2.25
/* Of the logarithm of one run's median, however quiet it was: 0.8 % in the quietest series. */
#define COMPARE_RUN_SPREAD   0.01
#define COMPARE_FALSE_SHARE  0.01
#define COMPARE_TAIL_LEAST   0.01  /* of all requests: as many again as were beyond p99 */
#define COMPARE_ERRORS_LEAST 0.001 /* of all requests */
#define COMPARE_SHARE_LARGE  0.05  /* a step with such an excess is no better than unsure */

enum { COMPARE_REQUESTS_LEAST = 100, COMPARE_TAIL_REQUESTS_LEAST = 300, COMPARE_WHY_MAX = 160 };

struct compare_settings {
    double least_change; /* 0.05: smaller ones of the median or of p99 do not count */
    double resolve;      /* 0.25: a step where a change as large could be missed is unsure */
};

struct compare_change {
    bool is_known; /* else the rest is empty */
    bool counts;   /* significant, and no smaller than the least change */
    double before, after;
    double least;                  /* a smaller effect does not count */
    double effect, error, freedom; /* of the logarithm (body, quick), or of the share */
    double chance;                 /* of one as large where nothing changed */
    double low, high;              /* effect's interval of 95 % */
    double detectable;             /* an effect as large is found in 19 of 20 */
};

#define COMPARE_WORD_LIST(X)                                                                       \
    X(SAME, "same")                                                                                \
    X(FASTER, "faster")                                                                            \
    X(BETTER, "fails less")                                                                        \
    X(UNSURE, "unsure")                                                                            \
    X(SLOWER, "slower")                                                                            \
    X(WORSE, "fails more")

enum compare_word {
#define COMPARE_WORD_ENUM(name, words) COMPARE_##name,
    COMPARE_WORD_LIST(COMPARE_WORD_ENUM)
#undef COMPARE_WORD_ENUM
        COMPARE_WORD_COUNT,
};

struct compare_step {
    const char *name;     /* borrowed from the parts */
    uint64_t requests[2]; /* of all runs of a side */
    double p99_ms[2];     /* INFINITY: falls among those of unknown latency */
    double p99_range[2];  /* interval of 95 % of their ratio; 0 and INFINITY where unknown */
    struct compare_change body, quick, tail, errors;
    enum compare_word word;
    char why[COMPARE_WHY_MAX]; /* of UNSURE */
};

struct compare_result {
    size_t step_count;
    struct compare_step steps[LOAD_FIGURES_STEPS_MAX];
    enum verdict verdict;
    char why[COMPARE_WHY_MAX]; /* of VERDICT_INCONCLUSIVE, and where no step is compared */
};

/* Both sides have at least one part. `trusts_tails` false: some generator was late, as its report
 * says. Parts of other steps or slots give VERDICT_INCONCLUSIVE and no step. STATUS_NO_MEMORY. */
MUST_CHECK enum status compare_sides(const struct compare_side sides[2], bool trusts_tails,
                                     const struct compare_settings *settings,
                                     struct compare_result *result);

const char *compare_words(enum compare_word word);

#endif
