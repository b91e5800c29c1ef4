/* A worker of a load run: goes to the coordinator (worker_words.h), gets its part, does it from the
 * moment that is named, and tells what it counted. Touches no file of this machine for the plan:
 * all of it is sent. The calling thread waits; SIGINT and SIGTERM end it in good order. Every wait
 * has its deadline: where the coordinator is not heard any more, the load ends. */
#ifndef CULPRIT_LOADGEN_WORKERS_LOAD_WORK_H
#define CULPRIT_LOADGEN_WORKERS_LOAD_WORK_H

#include <stdbool.h>

#include "base/status.h"

struct load_work_config {
    const char *url, *token;
    const char *ca_file; /* of this machine; may be NULL */
    double wait_s;       /* until the coordinator is there; 0: as usual */
    bool is_quiet;       /* else it says on standard error how far it is */
};

/* STATUS_OK: its part was done, and the coordinator has the figures; what they are worth is for the
 * coordinator to say. STATUS_REFUSED (token, version, no seat), STATUS_TIMEOUT (nobody there),
 * STATUS_CLOSED (the coordinator vanished), STATUS_INTERRUPTED, and those of making the plan and of
 * load_run, each with words. */
MUST_CHECK enum status load_work(const struct load_work_config *config, struct error *error);

#endif
