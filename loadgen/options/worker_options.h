/* The flags of commands that several processes can do together: `culprit load` and `culprit run`.
 * Texts are borrowed from the command line. */
#ifndef CULPRIT_LOADGEN_OPTIONS_WORKER_OPTIONS_H
#define CULPRIT_LOADGEN_OPTIONS_WORKER_OPTIONS_H

#include <stdint.h>

#include "base/flags.h"

enum { WORKER_OPTIONS_FLAGS = 6 };

struct worker_options {
    const char *coordinator, *worker_url, *token_path; /* NULL: not given */
    uint64_t workers;
    double wait_s, silence_s; /* 0: as usual */
};

void worker_options_flags(struct worker_options *options, struct flag out[WORKER_OPTIONS_FLAGS]);

/* What is wrong with them, NULL: nothing. */
const char *worker_options_wrong(const struct worker_options *options);

#endif
