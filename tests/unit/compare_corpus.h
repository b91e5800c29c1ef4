/* Load runs that never were, spread as real ones: three steps at 100 a second for 12 s. What a
 * request takes is log-normal with one in a hundred five times as long, and the same in every run;
 * the rest differs from run to run: how fast the machine is on the whole, how it drifts (AR(1), one
 * second after the other), and waits for the processor.
 *
 * Spreads are those of 24 real runs of tests/bench/compare_server.c in a row, on two processors
 * that others used as well. Standard deviations of the logarithm of the median, from one run to the
 * next (root mean square of differences, by the root of two), and of the differences from second to
 * second within two runs: work 0.013 and 0.030, wait 0.006 and 0.011, mixed 0.018 and 0.026;
 * correlation from one second to the next 0.0 to 0.1. Seeded; one thread. */
#ifndef CULPRIT_TESTS_UNIT_COMPARE_CORPUS_H
#define CULPRIT_TESTS_UNIT_COMPARE_CORPUS_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "loadgen/compare/compare.h"

enum { CORPUS_STEPS = 3, CORPUS_RATE = 100, CORPUS_SECONDS = 12 };
enum corpus_step { CORPUS_WORK, CORPUS_WAIT, CORPUS_MIXED };

/* What is different about a side of runs; all 0: nothing. */
struct corpus_change {
    enum corpus_step step;
    double slower;       /* 0.1: takes a tenth longer */
    double sudden_share; /* of requests that take eight times as long */
    double failing_share;
    double noise;   /* times as noisy, on all steps; 0: as measured */
    double waiting; /* share of requests that wait for a processor besides, give or take half of it
                       from run to run and from second to second */
};

static const struct {
    const char *name;
    double median_ms, run_spread, drift, waiting_share;
} corpus_steps[CORPUS_STEPS] = {
    {"work", 1.8, 0.009, 0.028, 0.04},
    {"wait", 5.2, 0.005, 0.008, 0.01},
    {"mixed", 3.7, 0.016, 0.025, 0.03},
};

static inline double corpus_normal(struct rng *rng)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += rng_double(rng);
    return sum;
}

static inline void corpus_init(struct load_part *part)
{
    memset(part, 0, sizeof(*part));
    part->elapsed_s = CORPUS_SECONDS;
    part->step_names = calloc(CORPUS_STEPS, sizeof(*part->step_names));
    if (part->step_names == NULL || !load_figures_init(&part->figures, CORPUS_STEPS) ||
        !load_timeline_init(&part->timeline, CORPUS_STEPS, NS_PER_S, CORPUS_SECONDS * NS_PER_S))
        abort();
    for (int i = 0; i < CORPUS_STEPS; i++)
        (void)snprintf(part->step_names[i], sizeof(part->step_names[i]), "%s",
                       corpus_steps[i].name);
}

static inline void corpus_release(struct load_part *part)
{
    load_figures_release(&part->figures);
    load_timeline_release(&part->timeline);
    free(part->step_names);
}

static inline void corpus_add(struct load_part *part, size_t step, uint64_t due_ns, double ms,
                              enum load_outcome outcome)
{
    const struct load_sample sample = {
        .step = (uint16_t)step,
        .outcome = outcome,
        .due_ns = due_ns,
        .seen_ns = due_ns,
        .sent_ns = due_ns,
        .done_ns = due_ns + (uint64_t)(ms * (double)NS_PER_MS),
    };
    load_figures_add(&part->figures, &sample);
    load_timeline_add(&part->timeline, &sample);
}

/* `requests` is what the requests are drawn from, `machine` what the run is. */
static inline void corpus_run_step(struct load_part *part, size_t step, struct rng requests,
                                   struct rng *machine, const struct corpus_change *change)
{
    const double noise = change->noise > 0 ? change->noise : 1;
    const bool is_it = step == change->step;
    const double shift = noise * corpus_steps[step].run_spread * corpus_normal(machine);
    const double wait_of_run = change->waiting * (0.5 + rng_double(machine));
    double drift = 0, waiting = 0;
    for (uint64_t i = 0; i < CORPUS_RATE * CORPUS_SECONDS; i++) {
        if (i % CORPUS_RATE == 0)
            drift = 0.1 * drift + noise * corpus_steps[step].drift * corpus_normal(machine);
        double ms = corpus_steps[step].median_ms * exp(0.3 * corpus_normal(&requests));
        ms *= rng_below(&requests, 100) == 0 ? 5 : 1;
        ms *= exp(shift + drift) * (is_it ? 1 + change->slower : 1);
        if (i % CORPUS_RATE == 0)
            waiting = wait_of_run * (0.5 + rng_double(machine));
        if (rng_double(machine) < waiting)
            ms -= 5 * log1p(-rng_double(machine));
        if (rng_double(machine) < noise * corpus_steps[step].waiting_share)
            ms -= noise * 2 * log1p(-rng_double(machine));
        if (is_it && rng_double(machine) < change->sudden_share)
            ms *= 8;
        const bool fails = is_it && rng_double(machine) < change->failing_share;
        corpus_add(part, step, NS_PER_S + i * NS_PER_S / CORPUS_RATE, ms,
                   fails ? LOAD_STATUS : LOAD_OK);
    }
}

static inline void corpus_run(struct load_part *part, struct rng *machine,
                              const struct corpus_change *change)
{
    corpus_init(part);
    for (size_t step = 0; step < CORPUS_STEPS; step++) {
        struct rng requests;
        rng_seed(&requests, 1000 + step);
        corpus_run_step(part, step, requests, machine, change);
    }
}

#endif
