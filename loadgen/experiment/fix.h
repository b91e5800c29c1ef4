/* What leads from a step of an experiment to the next one, and what it brought: the finding that
 * the next step does not expect any more is the one that was fixed. After the last step comes the
 * healthy window, which was measured first. Pure but for the memory of saving_measured_ms. */
#ifndef CULPRIT_LOADGEN_EXPERIMENT_FIX_H
#define CULPRIT_LOADGEN_EXPERIMENT_FIX_H

#include "loadgen/experiment/experiment.h"

struct fix {
    const struct finding *finding; /* that led to it, the one that saves most; NULL: none was there
                                    */
    size_t count;                  /* of such findings */
    double predicted_ms;           /* what they said that fixing them saves */
    double measured_ms;            /* between the two windows, of the median pair of requests */
    double before_ms, after_ms;    /* the median request of each */
};

/* Of step `index`, which is done. Measured is 0 where the next step was not reached. */
void fix_of_step(const struct experiment *experiment, size_t index, struct fix *out);

#endif
