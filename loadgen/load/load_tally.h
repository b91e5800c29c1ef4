/* What one loop counts, and what others see of it: samples are put by and shown together, so that
 * the lock is taken once for many of them and before a wait. One thread counts; any may collect. */
#ifndef CULPRIT_LOADGEN_LOAD_LOAD_TALLY_H
#define CULPRIT_LOADGEN_LOAD_LOAD_TALLY_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "loadgen/load/load_figures.h"
#include "loadgen/load/load_sample.h"
#include "loadgen/load/load_timeline.h"

struct load_flow_counts {
    uint64_t due;         /* that arrived, or that users began */
    uint64_t ok;          /* every step was */
    uint64_t failed;      /* some step was not, and the rest was left out */
    uint64_t cut;         /* the end came between two steps */
    uint64_t turned_away; /* over the limit of flows under way: their first step was never sent */
};

enum { LOAD_TALLY_BATCH_MAX = 64 };

struct load_tally {
    /* Of the counting thread alone, until it is shown. */
    struct load_sample batch[LOAD_TALLY_BATCH_MAX];
    size_t batch_count;
    struct load_flow_counts counted;

    pthread_mutex_t lock; /* of what is below */
    struct load_figures figures;
    struct load_timeline timeline;
    struct load_flow_counts flows;
};

/* Takes the empty timeline over. STATUS_NO_MEMORY. Release in any case. */
MUST_CHECK enum status load_tally_init(struct load_tally *tally, size_t step_count,
                                       const struct load_timeline *timeline);
void load_tally_release(struct load_tally *tally);

/* The sample as it was put by; valid until the next call. */
const struct load_sample *load_tally_add(struct load_tally *tally,
                                         const struct load_sample *sample);

/* Shows what was counted so far. */
void load_tally_publish(struct load_tally *tally);

/* Adds what was shown so far. Any thread. */
void load_tally_collect(struct load_tally *tally, struct load_figures *figures,
                        struct load_flow_counts *flows);
/* The same of its timeline, which is much more to go through: not at every look. */
void load_tally_collect_timeline(struct load_tally *tally, struct load_timeline *timeline);

#endif
