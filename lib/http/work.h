/* What one unit of work (a request, a message) carries into the database, the client and the queue:
 * the process's parts, the faults' snapshot, the deadline. Lives on its thread's stack. */
#ifndef CULPRIT_HTTP_WORK_H
#define CULPRIT_HTTP_WORK_H

#include <stdint.h>

#include "http/faults.h"

struct db;
struct client;
struct queue;

struct service_parts {
    const char *service;   /* its name */
    const char *directory; /* of its data */
    struct client *client;
    struct db *db;       /* NULL where the service has none */
    struct queue *queue; /* NULL where the service has none */
    struct faults *faults;
    void *own; /* what the service's start function made */
};

struct work {
    const struct service_parts *parts;
    struct fault_values faults;
    uint64_t deadline_ns;
};

#endif
