/* Which requests of a step to look at: the slowest ones and the first ones that failed, by trace.
 * Mergeable; one writer at a time. {0} is a valid empty one. */
#ifndef CULPRIT_LOADGEN_LOAD_LOAD_EXAMPLES_H
#define CULPRIT_LOADGEN_LOAD_LOAD_EXAMPLES_H

#include <stddef.h>
#include <stdint.h>

#include "loadgen/load/load_sample.h"

enum { LOAD_EXAMPLES_MAX = 3 };

struct load_example {
    uint64_t latency_ns; /* from when it was due; at least, where it was not answered */
    uint8_t trace_id[16];
};

struct load_examples {
    struct load_example slowest[LOAD_EXAMPLES_MAX]; /* the slowest first */
    struct load_example failed[LOAD_EXAMPLES_MAX];
    size_t slow_count, failed_count;
};

/* One without a trace is left out. */
void load_examples_add(struct load_examples *examples, const struct load_sample *sample);
void load_examples_merge(struct load_examples *into, const struct load_examples *from);

#endif
