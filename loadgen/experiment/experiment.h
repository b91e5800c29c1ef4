/* A scenario carried out in a lab: a healthy window and, for each step, a window with its faults;
 * each diagnosed against the healthy one and judged. The healthy window can be shared by scenarios
 * of equal environment. Both windows send the same sequence of requests. */
#ifndef CULPRIT_LOADGEN_EXPERIMENT_EXPERIMENT_H
#define CULPRIT_LOADGEN_EXPERIMENT_EXPERIMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "diagnose/diagnose.h"
#include "loadgen/base/verdict.h"
#include "loadgen/experiment/judge.h"
#include "loadgen/experiment/lab.h"
#include "loadgen/experiment/measure.h"
#include "loadgen/experiment/scenario.h"
#include "loadgen/stack/backend.h"

/* A healthy window and its traces. {0} is a valid empty one. */
struct reference {
    bool is_there;
    struct scenario_environment environment;
    struct measurement measurement;
    struct spans spans;
};

struct experiment_step {
    const struct scenario_step *step; /* of the scenario */
    bool is_done;
    struct measurement measurement;
    struct diagnosis with_baseline, without_baseline;
    bool is_judged_alone; /* without_baseline counts too: nothing was planted */
    struct threshold_judgement judgements[THRESHOLDS_MAX]; /* of the step's thresholds */
    struct judge_result result;
    double predicted_saving_ms, measured_saving_ms;
};

struct experiment {
    const struct scenario *scenario; /* borrowed */
    const struct reference *reference;
    uint64_t seed;
    struct threshold_judgement healthy[THRESHOLDS_MAX]; /* of the scenario's, for the reference */
    struct judge_result healthy_result;
    bool is_healthy_judged;
    struct experiment_step steps[SCENARIO_STEPS_MAX];
    size_t step_count;    /* begun */
    enum verdict verdict; /* the worst of all windows; inconclusive when not all are done */
    struct backend_latency trace_latency; /* over all windows of this experiment */
    struct error cut_short;               /* by what; empty: by nothing */
    const char *page; /* where its traces can be looked at, borrowed; NULL: nowhere */
};

/* Sets the environment, warms up, measures. STATUS_INTERRUPTED, STATUS_CLOSED (a process died) and
 * others with words; release it in any case. */
MUST_CHECK enum status reference_measure(struct reference *reference, struct lab *lab,
                                         const struct scenario *scenario, uint64_t seed,
                                         struct error *error);
void reference_release(struct reference *reference);

/* Statuses as above; holds what there was until then, release it in any case. The reference must be
 * one of the scenario's environment and outlive the experiment. */
MUST_CHECK enum status experiment_run(struct experiment *experiment, struct lab *lab,
                                      const struct scenario *scenario,
                                      const struct reference *reference, uint64_t seed,
                                      struct error *error);
void experiment_release(struct experiment *experiment);

#endif
