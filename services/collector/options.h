/* What the collector is told at start: flags, environment, sockets from the parent. */
#ifndef CULPRIT_COLLECTOR_OPTIONS_H
#define CULPRIT_COLLECTOR_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

enum { OPTIONS_PATH_MAX = 4096 };

struct options {
    const char *listen, *query; /* addresses */
    int listen_fd, query_fd;    /* from the parent, or -1 */
    char store[OPTIONS_PATH_MAX];
    uint64_t max_bytes, max_memory_bytes, settle_ms;
    bool sync;
    bool no_ingest; /* only answer questions, of a store that exists; delete nothing */
    bool check;     /* ask a running collector and leave */
    const char *allowed_hosts;
    const char *endpoints; /* of who sends spans; may be NULL */
};

/* STATUS_END: help or version was printed, leave with 0. STATUS_INVALID with words. */
MUST_CHECK enum status options_read(struct options *options, int argc, char **argv,
                                    struct error *error);

#endif
