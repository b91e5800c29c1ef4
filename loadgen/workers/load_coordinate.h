/* A load run that others do: hands the plan to workers that come over HTTP (worker_words.h), starts
 * them at one moment, adds up what they count, and judges it as one. The calling thread waits;
 * SIGINT and SIGTERM end it in good order, as in load_run. Every wait has its deadline. */
#ifndef CULPRIT_LOADGEN_WORKERS_LOAD_COORDINATE_H
#define CULPRIT_LOADGEN_WORKERS_LOAD_COORDINATE_H

#include "base/status.h"
#include "loadgen/load/load_run.h"
#include "loadgen/options/load_options.h"

struct load_coordinate_config {
    const struct load_options *options; /* what was asked for: the workers get it */
    const struct load_plan *plan;       /* made of it, with its files */
    const char *token;
    load_teller *tell; /* may be NULL */
    void *context;     /* its */
};

/* Says on standard error where it listens, who comes and who is lost. The result has the workers;
 * where one did not come to its end it is inconclusive, and what it had counted is in it.
 *
 * STATUS_EXISTS (the port is in use), STATUS_TIMEOUT (not all workers came in time), STATUS_IO (one
 * could not do it), STATUS_INTERRUPTED before the start, STATUS_INVALID, STATUS_NO_MEMORY, each
 * with words. The result is to be released in any case. */
MUST_CHECK enum status load_coordinate(const struct load_coordinate_config *config,
                                       struct load_result *result, struct error *error);

#endif
