/* When arrivals are due: an open model whose rate follows stages, each constant or a straight ramp;
 * arrivals evenly spaced or Poisson. Fixed before the first one is sent: it follows from stages,
 * seed and start alone, never from answers. Several loops share one schedule without talking: each
 * goes through the same arrivals and keeps those whose number is its own modulo their count.
 *
 * Arrival k is due when the integral of the rate reaches k (evenly spaced), or the k-th sum of
 * exponential draws of mean 1 (Poisson; time rescaling, Brown et al. 2002). Pure: time is passed
 * in; never allocates. Exact to a nanosecond for some eleven days. */
#ifndef CULPRIT_LOADGEN_LOAD_SCHEDULE_H
#define CULPRIT_LOADGEN_LOAD_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "base/status.h"

#define SCHEDULE_RATE_MAX  1000000.0 /* a second */
#define SCHEDULE_COUNT_MAX 1e9
#define SCHEDULE_NEVER     UINT64_MAX

enum { SCHEDULE_STAGES_MAX = 64 };

struct schedule_stage {
    double duration_s;
    double from, to; /* arrivals a second; equal: constant */
};

struct schedule_plan {
    struct schedule_stage stages[SCHEDULE_STAGES_MAX];
    size_t stage_count;
    bool is_poisson;
};

/* STATUS_INVALID with words: no stage, a rate or duration out of range, over a year or
 * SCHEDULE_COUNT_MAX arrivals in all. A stage with rate 0 is a pause. */
MUST_CHECK enum status schedule_check(const struct schedule_plan *plan, struct error *error);

double schedule_duration_s(const struct schedule_plan *plan);
double schedule_arrivals(const struct schedule_plan *plan); /* expected */
double schedule_peak(const struct schedule_plan *plan);     /* the highest rate */
/* No schedule of this plan has more, whatever the seed: evenly spaced ones have just as many,
 * Poisson ones stay far below it (ten standard deviations). */
uint64_t schedule_count_max(const struct schedule_plan *plan);
/* The rate that is wanted `elapsed_s` after the start; 0 outside. */
double schedule_rate(const struct schedule_plan *plan, double elapsed_s);

/* One stage, always `rate`. */
void schedule_set_constant(struct schedule_plan *plan, double rate, double duration_s);
/* The same shape, higher or lower, so that its highest rate is `peak`; longer or shorter, so that
 * all of it lasts `duration_s`. */
void schedule_scale_rate(struct schedule_plan *plan, double peak);
void schedule_scale_duration(struct schedule_plan *plan, double duration_s);
bool schedule_same(const struct schedule_plan *a, const struct schedule_plan *b);

struct schedule_arrival {
    uint64_t number, due_ns;
};

struct schedule {
    const struct schedule_plan *plan; /* borrowed */
    uint64_t start_ns;
    unsigned loop, loops;
    struct rng rng;
    uint64_t number; /* of the arrival that was worked out last */
    double reached;  /* what the integral must reach for it */
    size_t stage;
    double stage_start_s, stage_start_count;
    struct schedule_arrival next, after; /* of this loop */
    bool has_after;                      /* `after` was worked out */
};

/* Of a plan that was checked. `loop` is below `loops`. */
void schedule_start(struct schedule *schedule, const struct schedule_plan *plan, uint64_t seed,
                    uint64_t start_ns);
void schedule_share(struct schedule *schedule, unsigned loop, unsigned loops);

/* When the next arrival of this loop is due; SCHEDULE_NEVER behind the last one. */
uint64_t schedule_next_ns(const struct schedule *schedule);
/* The same of the one after that. */
uint64_t schedule_after_ns(struct schedule *schedule);

/* Takes the next arrival when it is due at `now_ns`; late ones come out one by one, each with the
 * time at which it was due. */
bool schedule_take(struct schedule *schedule, uint64_t now_ns, uint64_t *number, uint64_t *due_ns);

/* No more arrivals. */
void schedule_stop(struct schedule *schedule);

#endif
