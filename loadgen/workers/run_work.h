/* A worker of an experiment: goes to the coordinator (worker_words.h), and does its part of each
 * window until there is no other. Its root spans go where the coordinator says. The calling thread
 * waits; SIGINT and SIGTERM end it in good order. Every wait has its deadline: where the
 * coordinator is not heard any more, the load ends. */
#ifndef CULPRIT_LOADGEN_WORKERS_RUN_WORK_H
#define CULPRIT_LOADGEN_WORKERS_RUN_WORK_H

#include "base/status.h"
#include "loadgen/options/worker_options.h"

/* STATUS_OK: its parts were done, or the coordinator wanted no more; what they are worth is for the
 * coordinator to say. STATUS_REFUSED (token, version, no seat), STATUS_TIMEOUT (nobody there),
 * STATUS_CLOSED (the coordinator vanished), STATUS_INTERRUPTED, and those of window_loops_run, each
 * with words. */
MUST_CHECK enum status run_work(const struct worker_options *options, const char *token,
                                struct error *error);

#endif
