/* What a run's samples add up to, step by step. Mergeable by addition, so each loop has its own.
 * Latencies are of requests that were answered, rightly or wrongly; those whose true latency is
 * unknown are counted beside them, and quantiles put them above everything. One writer at a time.
 */
#ifndef CULPRIT_LOADGEN_LOAD_LOAD_FIGURES_H
#define CULPRIT_LOADGEN_LOAD_LOAD_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/histogram.h"
#include "loadgen/load/load_check.h"
#include "loadgen/load/load_sample.h"

enum { LOAD_FIGURES_STEPS_MAX = 64 };

struct load_step_figures {
    uint64_t outcomes[LOAD_OUTCOME_COUNT];   /* each request that was due is in one */
    uint64_t failed_checks[LOAD_JUDGED_MAX]; /* checks, then values that were not there */
    uint64_t censored;
    uint64_t censored_max_ns; /* the age of the oldest one, when it was given up */
    uint64_t sent_bytes, received_bytes, connects;
    struct histogram latency;    /* from when it was due */
    struct histogram service;    /* from when it was sent: what a naive tool would show */
    struct histogram lag;        /* from due to sent, of all that were due */
    struct histogram late;       /* of this, until the loop saw it: the generator's own lateness */
    struct histogram connecting; /* of those that needed a new connection */
    struct histogram first_byte; /* from sending */
};

struct load_figures {
    size_t step_count;
    struct load_step_figures *steps;
};

/* false: no memory. Pages that nothing is counted in cost nothing. */
bool load_figures_init(struct load_figures *figures, size_t step_count);
void load_figures_release(struct load_figures *figures);

void load_figures_add(struct load_figures *figures, const struct load_sample *sample);
void load_figures_merge(struct load_figures *into, const struct load_figures *from);

/* All of the steps as one. */
void load_figures_sum(const struct load_figures *figures, struct load_step_figures *out);
void load_figures_add_step(struct load_step_figures *into, const struct load_step_figures *from);

uint64_t load_figures_count(const struct load_step_figures *step);  /* all that were due */
uint64_t load_figures_failed(const struct load_step_figures *step); /* all but LOAD_OK */

/* Nearest rank over answered and censored requests; *is_open: the rank falls among the censored
 * ones, and the value (the longest latency known of) is only its lower bound. 0 while empty. */
uint64_t load_figures_quantile_ns(const struct load_step_figures *step, double q, bool *is_open);

/* The same of a histogram and what is counted beside it. */
uint64_t load_figures_rank_ns(const struct histogram *latency, uint64_t censored,
                              uint64_t censored_max_ns, double q, bool *is_open);

/* The generator itself was late by more than a tenth of what it measured and a third of a
 * millisecond, at the 99th percentile: latencies are then partly its own. Not of requests of which
 * none was answered. */
bool load_figures_is_late(const struct load_step_figures *step);
/* At any step. */
bool load_figures_any_is_late(const struct load_figures *figures);
/* The same of two 99th percentiles. */
bool load_figures_is_late_by(uint64_t late_ns, uint64_t latency_ns);

/* Forgets what was counted; costs as much as was. */
void load_figures_clear(struct load_figures *figures);

#endif
