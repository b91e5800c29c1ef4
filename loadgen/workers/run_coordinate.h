/* Windows of an experiment that others do: hands each to workers that come over HTTP
 * (worker_words.h, window_words.h), one round after another, and makes one result of what they
 * count. Whoever measures the windows notices no difference. */
#ifndef CULPRIT_LOADGEN_WORKERS_RUN_COORDINATE_H
#define CULPRIT_LOADGEN_WORKERS_RUN_COORDINATE_H

#include "base/status.h"
#include "loadgen/options/worker_options.h"
#include "loadgen/window/window.h"

struct run_coordinate_config {
    const struct worker_options *options; /* `coordinator` and `workers` are given */
    const char *token;
    const char *otlp; /* where workers send their root spans */
    unsigned threads; /* of each */
};

struct run_coordinate;

/* Listens and says where, on standard error. Borrows the configuration. STATUS_EXISTS (the port is
 * in use), STATUS_INVALID, STATUS_NO_MEMORY, with words; close it in any case. */
MUST_CHECK enum status run_coordinate_open(struct run_coordinate **out,
                                           const struct run_coordinate_config *config,
                                           struct error *error);

/* A window_driver. All workers start at one moment, a second after the last one was ready. Besides
 * what window_run returns: STATUS_TIMEOUT (not all came in time), STATUS_IO (one is lost, was
 * interrupted or cannot do it: words name it, and the others were stopped), STATUS_INTERRUPTED
 * before the start. */
MUST_CHECK enum status run_coordinate_window(void *run, const struct window_config *config,
                                             struct window_result *result, struct error *error);

/* A worker that had begun is gone: what was measured decides nothing. */
bool run_coordinate_lost_one(const struct run_coordinate *run);

/* Lets the workers go. NULL is fine. */
void run_coordinate_close(struct run_coordinate *run);

#endif
