/* The latencies of one step as the text that HdrHistogram's plotters read: value (ms), percentile,
 * total count, 1/(1 - percentile), five rows for each halving of the distance to 100 %, and the
 * footer. Requests of unknown latency stand at the longest time that one of all was waited for: a
 * lower bound, so that no percentile looks better than it was. */
#ifndef CULPRIT_LOADGEN_REPORT_LOAD_HGRM_H
#define CULPRIT_LOADGEN_REPORT_LOAD_HGRM_H

#include "base/buffer.h"
#include "loadgen/load/load_figures.h"

void load_hgrm_write(const struct load_step_figures *step, struct buffer *out);

#endif
