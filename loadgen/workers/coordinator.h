/* Inside of a common run: what its routes and its main thread share. */
#ifndef CULPRIT_LOADGEN_WORKERS_COORDINATOR_H
#define CULPRIT_LOADGEN_WORKERS_COORDINATOR_H

#include <pthread.h>
#include <stdbool.h>

#include "base/buffer.h"
#include "http/server.h"
#include "loadgen/workers/load_coordinate.h"
#include "loadgen/workers/worker_words.h"

struct coordinator {
    const struct load_coordinate_config *config;
    struct buffer job;         /* JSON, the same for all */
    uint64_t mono_ns, wall_ns; /* one moment: its clock is the monotonic one from there */

    pthread_mutex_t mutex;  /* of what is below */
    pthread_cond_t changed; /* CLOCK_MONOTONIC */
    struct worker_roll roll;
    struct worker_report *reports[WORKER_SEATS_MAX]; /* the newest with figures; NULL: none */
    enum worker_state told[WORKER_SEATS_MAX];        /* what was said of them on standard error */
};

/* What its clock shows at a point of the monotonic one. */
static inline uint64_t coordinator_unix_ns(const struct coordinator *coordinator, uint64_t mono_ns)
{
    return coordinator->wall_ns + (mono_ns - coordinator->mono_ns);
}

extern const struct server_route coordinator_routes[];
extern const size_t coordinator_routes_count;

#endif
