/* Live progress of a run for people: on a terminal a block that is redrawn in place, and one line
 * at the end; otherwise a plain line about every 5 s. Goes to stderr alone, and never holds data
 * that a program should read. In the background of its terminal it draws nothing, and begins a new
 * block when it was stopped for a while: the cursor is elsewhere then. Allocates the block's frame
 * alone; the terminal may block it. One thread. */
#ifndef CULPRIT_LOADGEN_LIVE_PROGRESS_H
#define CULPRIT_LOADGEN_LIVE_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "loadgen/base/terminal.h"
#include "loadgen/live/live.h"
#include "loadgen/window/window.h"

enum { PROGRESS_PLAIN_MS = 5000 };

struct progress {
    FILE *out; /* borrowed */
    struct terminal_style style;
    struct live live;
    struct terminal_block block;
    struct terminal_line lines[LIVE_LINES_MAX];
    uint64_t plain_ms; /* when the next plain line is due */
    uint64_t drawn_ms; /* how far it was when the block was drawn */
    bool untold;       /* the last state was not shown */
};

/* Begins a run on stderr. `label` is one word for it ("healthy"), `detail` says what is loaded and
 * may be empty. */
void progress_begin(struct progress *progress, const char *label, const char *detail);
/* The same on another file, in a given style. */
void progress_begin_on(struct progress *progress, FILE *out, struct terminal_style style,
                       const char *label, const char *detail);

/* Whether something would be shown now: what is not due need not be counted. */
bool progress_is_due(const struct progress *progress, uint64_t elapsed_ms);

/* Shows how far it is. */
void progress_tell(struct progress *progress, const struct live_counts *counts);

/* The same of a window; `open_traces` is how many are not read back yet. */
void progress_window(struct progress *progress, const struct window_progress *so_far,
                     uint64_t open_traces);

/* Leaves the last state as one line, and nothing else. May be called twice. */
void progress_end(struct progress *progress);

#endif
