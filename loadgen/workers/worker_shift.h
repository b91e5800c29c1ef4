/* One round of a worker, whatever it is that it does: is ready, learns when to start, tells how far
 * it is, obeys, and delivers the end. On worker_line.h: blocks, one thread at a time. */
#ifndef CULPRIT_LOADGEN_WORKERS_WORKER_SHIFT_H
#define CULPRIT_LOADGEN_WORKERS_WORKER_SHIFT_H

#include <stdatomic.h>

#include "loadgen/load/load_run.h"
#include "loadgen/workers/worker_line.h"

struct worker_shift {
    struct worker_line *line; /* borrowed */
    const char *program;      /* for what is said on standard error; NULL: nothing is */
    atomic_int order;         /* an enum load_order */
    uint64_t taken;           /* requests that the coordinator has */
    uint64_t report_ns;       /* when the next report is due */
    bool is_left;             /* the coordinator wants no more of it */
    bool is_dead;             /* ... or was not heard any more */
    bool is_refused;          /* ... or does not take what is told */
    struct error trouble;     /* with the coordinator, while the round goes on */
};

void worker_shift_begin(struct worker_shift *shift, struct worker_line *line, const char *program);

void worker_shift_say(const struct worker_shift *shift, const char *words);

/* A failure that the coordinator can still be told. */
void worker_shift_fail(struct worker_shift *shift, const struct error *trouble);

/* Is ready, until it is told when to start: *start_ns is on the monotonic clock here.
 * STATUS_INTERRUPTED (the coordinator was told), STATUS_CLOSED, STATUS_REFUSED, STATUS_INVALID. */
MUST_CHECK enum status worker_shift_await(struct worker_shift *shift, uint64_t *start_ns,
                                          struct error *error);

/* A report is due, and the coordinator wants it. */
bool worker_shift_is_due(const struct worker_shift *shift);

/* Tells it; what the coordinator wants, or that it is gone, is then in `order`. */
void worker_shift_tell(struct worker_shift *shift, struct worker_report *report,
                       const struct load_steps *steps);

/* The last report, of a round that came to `status` with those words (STATUS_OK: none), until the
 * coordinator has it. Returns what the round comes to: `status`, or STATUS_CLOSED (the coordinator
 * is gone, or ended it), STATUS_REFUSED, STATUS_INTERRUPTED. */
MUST_CHECK enum status worker_shift_end(struct worker_shift *shift, struct worker_report *report,
                                        const struct load_steps *steps, enum status status,
                                        struct error *error);

#endif
