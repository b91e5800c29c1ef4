/* What people see of a run that goes on: a block of lines for a terminal, or one line. Fed with
 * what was counted since the start, some four times a second; looking costs one pass over the
 * latencies of all steps. Pure: draws into lines (loadgen/base/terminal.h), knows no file. A plain
 * value of some 300 KB; never allocates. One thread. */
#ifndef CULPRIT_LOADGEN_LIVE_LIVE_H
#define CULPRIT_LOADGEN_LIVE_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loadgen/base/recent.h"
#include "loadgen/base/terminal.h"
#include "loadgen/load/load_figures.h"
#include "loadgen/load/load_threshold.h"

enum { LIVE_LABEL_MAX = 32, LIVE_DETAIL_MAX = 128, LIVE_LINES_MAX = 48, LIVE_DURATION_MAX = 32 };

/* Since the start. Figures are borrowed for the time of a call. */
struct live_counts {
    uint64_t elapsed_ms, duration_ms;
    uint64_t due, done, failed, in_flight; /* flows */
    uint64_t open_traces;                  /* not read back yet */
    double wanted_rate;                    /* flows a second, at this moment */
    unsigned users;                        /* who wait for answers, instead of a rate; or 0 */
    const struct load_figures *figures;    /* NULL: as they were told before */
    uint16_t latency_step;                 /* whose latencies matter, or LOAD_ALL_STEPS */
    const char *(*step_name)(const void *context, size_t step); /* NULL: not step by step */
    const void *context;
};

struct live {
    char label[LIVE_LABEL_MAX];   /* "load", "healthy" */
    char detail[LIVE_DETAIL_MAX]; /* what is loaded; may be empty */
    struct live_counts last;
    uint64_t outcomes[LOAD_OUTCOME_COUNT]; /* of requests of all steps */
    uint64_t censored, censored_max_ns;    /* of those whose latencies matter, as what follows */
    struct histogram latency;
    struct histogram late; /* the generator itself, of all steps */
    struct recent recent;
};

/* Both texts are cut to their maximum. */
void live_init(struct live *live, const char *label, const char *detail);

void live_look(struct live *live, const struct live_counts *counts);

/* Nearest rank over answered requests and those of unknown latency, as load_figures_quantile_ns. */
uint64_t live_quantile_ns(const struct live *live, double q, bool *is_open);

/* "5.23 ms", "52.3 ms", "1.23 s"; ">1.23 s" of one that is open, "?" where
 * it has no bound. Returns `out`. */
const char *live_duration(uint64_t ns, bool is_open, char out[LIVE_DURATION_MAX]);

/* To the nearest one: the last request of 30 seconds ends a little before. */
unsigned long long live_seconds(uint64_t ms);

/* "healthy 2 of 60 s, 200.0/s, 0 failed, p50 5.23 ms, ..." */
void live_line(const struct live *live, const struct terminal_style *style,
               struct terminal_line *line);

/* Draws at most `max` lines; how many. While `last.figures` is valid, steps have theirs. */
size_t live_block(const struct live *live, const struct terminal_style *style,
                  struct terminal_line *lines, size_t max);

#endif
