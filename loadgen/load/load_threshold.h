/* What must hold of a run, as data: "p99_ms of step checkout at most 250". Judged on figures; a
 * request whose true latency is unknown (never sent, not answered) lies above every limit. Pure. */
#ifndef CULPRIT_LOADGEN_LOAD_LOAD_THRESHOLD_H
#define CULPRIT_LOADGEN_LOAD_LOAD_THRESHOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum { LOAD_THRESHOLDS_MAX = 32, LOAD_ALL_STEPS = 0xffff };

enum load_metric {
    LOAD_METRIC_P50_MS,
    LOAD_METRIC_P90_MS,
    LOAD_METRIC_P95_MS,
    LOAD_METRIC_P99_MS,
    LOAD_METRIC_P999_MS,
    LOAD_METRIC_MAX_MS,
    LOAD_METRIC_MEAN_MS,
    LOAD_METRIC_ERROR_SHARE, /* 0 .. 1 */
    LOAD_METRIC_RATE,        /* right answers a second */
    LOAD_METRIC_COUNT,
};

struct load_threshold {
    enum load_metric metric;
    uint16_t step; /* LOAD_ALL_STEPS */
    double limit;
    bool is_lower; /* "at_least" */
    bool aborts;   /* ends the run as soon as it is broken */
};

struct load_thresholds {
    struct load_threshold items[LOAD_THRESHOLDS_MAX];
    size_t count;
    double abort_after_s; /* nothing is aborted before: the first requests of a run are few */
};

struct load_figures;
struct load_step_figures;

/* Its value now: INFINITY where censored requests reach into it, 0 where nothing was counted.
 * `elapsed_s` is what rates are of. */
double load_threshold_value(enum load_metric metric, const struct load_step_figures *figures,
                            double elapsed_s);
bool load_threshold_holds(const struct load_threshold *threshold, double value);

/* It is about time, and would not hold of a generator that was late itself. */
bool load_threshold_is_latency(enum load_metric metric);

/* A latency that is partly the generator's own: lateness of some 0.3 ms spoils a step of 1 ms, and
 * not one of 250 ms. */
bool load_threshold_is_doubtful(const struct load_threshold *threshold,
                                const struct load_figures *figures);

/* Of which quantile of the latency it is; negative: of none. */
double load_threshold_quantile(enum load_metric metric);
const char *load_threshold_word(enum load_metric metric);
/* false: no such metric. */
bool load_threshold_metric(struct text word, enum load_metric *out);

#endif
