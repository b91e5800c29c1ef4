/* Live progress of a window for people: on a terminal one line that is redrawn, otherwise a plain
 * line about every 5 s. Goes to stderr alone, and never holds data that a program should read.
 * Colours only on a terminal and without NO_COLOR (no-color.org). Never allocates; the terminal may
 * block it. One thread. */
#ifndef CULPRIT_LOADGEN_PROGRESS_H
#define CULPRIT_LOADGEN_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "loadgen/window.h"

enum { PROGRESS_LINE_MAX = 512, PROGRESS_LABEL_MAX = 32, PROGRESS_PLAIN_MS = 5000 };

/* What the other end can show. */
struct progress_style {
    bool redraws, colours;
    unsigned columns; /* of a terminal */
};

struct progress {
    FILE *out; /* borrowed */
    struct progress_style style;
    char label[PROGRESS_LABEL_MAX];
    uint64_t duration_ms;
    struct window_progress last; /* as it was told */
    uint64_t last_open_traces;
    uint64_t rate_since_ms, rate_since_done; /* where the measured second began */
    double rate;                             /* checkouts a second, lately */
    uint64_t plain_ms;                       /* when the next plain line is due */
    bool drawn;                              /* a line stands on the terminal */
    bool untold;                             /* `last` was not shown */
};

/* From the file (a terminal or not, how wide), NO_COLOR and TERM. */
struct progress_style progress_style_of(FILE *file);

/* Begins a window on stderr. `label` is one word for it ("healthy"), cut at PROGRESS_LABEL_MAX. */
void progress_begin(struct progress *progress, const char *label, uint64_t duration_ms);
/* The same on another file, in a given style. */
void progress_begin_on(struct progress *progress, FILE *out, struct progress_style style,
                       const char *label, uint64_t duration_ms);

/* Shows how far the window is; `open_traces` is how many are not read back yet. */
void progress_window(struct progress *progress, const struct window_progress *so_far,
                     uint64_t open_traces);

/* Shows the last state, where it was not, and leaves the line. */
void progress_end(struct progress *progress);

#endif
