/* What people see of `culprit load` while it runs: the figures of a run in progress, made ready for
 * loadgen/live/progress.h. Hand load_view_tell to the run as its load_teller, the view as its
 * context. It does nothing where nothing would be shown. One thread. */
#ifndef CULPRIT_LOADGEN_LIVE_LOAD_VIEW_H
#define CULPRIT_LOADGEN_LIVE_LOAD_VIEW_H

#include "loadgen/live/progress.h"
#include "loadgen/load/load_plan.h"
#include "loadgen/load/load_run.h"

struct load_view {
    const struct load_plan *plan; /* borrowed */
    struct progress progress;
};

/* Begins on stderr. The plan must outlive the view. */
void load_view_begin(struct load_view *view, const struct load_plan *plan);

void load_view_tell(void *context, const struct load_progress *so_far);

/* Leaves one line of the whole run; `result` may be of a run that failed. */
void load_view_end(struct load_view *view, const struct load_result *result);

#endif
