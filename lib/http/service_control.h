/* The routes that every service has besides its own: health, metrics, faults. None of them is
 * traced, logged or counted, and what is set through them is never written anywhere. */
#ifndef CULPRIT_HTTP_SERVICE_CONTROL_H
#define CULPRIT_HTTP_SERVICE_CONTROL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "http/server.h"

/* What the routes answer about: server_config.context. */
struct service_control {
    const char *topic; /* consumed; NULL: nothing */
    const char *token; /* CULPRIT_CONTROL_TOKEN; NULL: loopback alone may ask */
    struct service_parts *parts;
    uint64_t start_wall_ns;
    _Atomic(struct server *) server; /* NULL while it starts */
    atomic_bool is_ready;            /* the start is over and no drain has begun */
};

/* The routes, and their number. */
extern const struct server_route service_control_routes[];
extern const size_t service_control_route_count;

#endif
