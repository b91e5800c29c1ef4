/* What a fault costs a checkout, as the customer feels it: the same flows in two windows, paired by
 * number. Pure but for memory. */
#ifndef CULPRIT_LOADGEN_EXPERIMENT_SAVING_H
#define CULPRIT_LOADGEN_EXPERIMENT_SAVING_H

#include <stddef.h>
#include <stdint.h>

#include "loadgen/window/window.h"

/* Median over the flows that both windows answered of (latency with the fault - without), in
 * milliseconds; 0 where there is no pair, or no memory. */
double saving_measured_ms(const struct window_result *faulty, const struct window_result *healthy);

#endif
