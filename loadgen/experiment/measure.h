/* One window of load, measured: requests sent, their traces read back and checked, fragments found,
 * drops counted. */
#ifndef CULPRIT_LOADGEN_EXPERIMENT_MEASURE_H
#define CULPRIT_LOADGEN_EXPERIMENT_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "loadgen/experiment/lab.h"
#include "loadgen/experiment/scenario.h"
#include "loadgen/window/drops.h"
#include "loadgen/window/fragments.h"
#include "loadgen/window/readback.h"
#include "loadgen/window/window.h"

struct measure_config {
    const struct scenario_environment *environment;
    uint64_t seed;
    const char *label; /* for progress: "healthy" */
};

struct measurement {
    struct window_result window;
    struct readback *readback; /* NULL: the window did not run */
    struct fragments fragments;
    struct drops_lost drops; /* spans lost on their way, while it lasted */
};

/* Loads the system for a moment without counting: connections, caches. */
MUST_CHECK enum status measure_warm_up(struct lab *lab, const struct measure_config *config,
                                       struct error *error);

/* STATUS_INTERRUPTED, STATUS_CLOSED (a process died) and others with words; the measurement holds
 * what there was until then and is to be released in any case. Returns when every trace is decided,
 * at most some 15 s after the last answer. */
MUST_CHECK enum status measure_run(struct lab *lab, const struct measure_config *config,
                                   struct measurement *out, struct error *error);
void measurement_release(struct measurement *measurement);

/* Shares of the requests whose traces should be there, 0..1 (1 where there are none): all spans of
 * calls that were made have arrived, fragments included; one root and no orphan; the calls that the
 * topology lists. */
struct coverage {
    uint64_t requests;
    double arrived, connected, as_expected;
};
struct coverage measurement_coverage(const struct measurement *measurement);

/* Requests that were not answered as they should be. */
uint64_t measurement_failed(const struct measurement *measurement);

#endif
