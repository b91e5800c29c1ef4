/* Trace ids of generated requests: unique within a run and from run to run, whatever the seed says.
 * Pure. */
#ifndef CULPRIT_LOADGEN_LOAD_LOAD_TRACE_H
#define CULPRIT_LOADGEN_LOAD_LOAD_TRACE_H

#include <stdint.h>

enum { LOAD_TRACEPARENT_LENGTH = 55 };

/* Writes the ids of request `index` and its traceparent (W3C Trace Context level 2: version 00,
 * sampled and random). `words` are three random ones of the run. */
void load_trace_make(const uint64_t words[3], uint64_t index, uint8_t trace_id[16],
                     char traceparent[LOAD_TRACEPARENT_LENGTH + 1]);

#endif
