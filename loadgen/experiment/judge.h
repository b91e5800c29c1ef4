/* What a measured step amounts to: the findings held against the scenario's expectation. Pure. */
#ifndef CULPRIT_LOADGEN_EXPERIMENT_JUDGE_H
#define CULPRIT_LOADGEN_EXPERIMENT_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diagnose/diagnose.h"
#include "loadgen/base/verdict.h"
#include "loadgen/experiment/judge.h"
#include "loadgen/experiment/scenario.h"

enum { JUDGE_REASONS_MAX = 24, JUDGE_REASON_MAX = 400 };

/* What is judged. Shares are 0..1. */
struct judge_input {
    const struct scenario_step *step;
    const struct diagnosis *with_baseline;    /* judged by its regressions */
    const struct diagnosis *without_baseline; /* NULL, or judged by its standing findings too */
    uint64_t requests;                        /* that were to leave a trace */
    /* Answered wrongly, or not at all: in the step's window, and in the healthy one. A window's
     * count for nothing where its thresholds judge errors. */
    uint64_t failed_requests, healthy_failed_requests;
    const struct thresholds *healthy_thresholds; /* NULL: none */
    uint64_t unsent_requests;                    /* due, and never sent */
    double arrived;                              /* share of requests with all their spans */
};

struct judge_result {
    enum verdict verdict;
    char reasons[JUDGE_REASONS_MAX][JUDGE_REASON_MAX]; /* why it is no pass */
    size_t reason_count;
    bool found[SCENARIO_EXPECTED_MAX]; /* by expectation of the step */
};

/* Below this share of requests with all their spans a finding that is there could be hidden, or one
 * that is not could appear: the gates of the diagnosis look at shares of requests of that size. */
#define JUDGE_ARRIVED_LEAST 0.98

/* What the thresholds of a window say, beside what is there already: a broken one fails, an unsure
 * one makes it inconclusive. */
void judge_add_thresholds(const struct threshold_judgement *judgements, size_t count,
                          struct judge_result *result);

void judge_step(const struct judge_input *input, struct judge_result *result);

/* The finding answers the expectation: kind, service, operation, and peer where one is asked for.
 */
bool judge_matches(const struct expectation *expected, const struct finding *finding);

/* Sum of the savings of the findings that count. */
double judge_predicted_saving_ms(const struct diagnosis *diagnosis, bool with_baseline);

#endif
