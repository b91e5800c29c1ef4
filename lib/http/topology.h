/* The one list of services, ports and calls (compose/topology.json, compiled in): who listens
 * where, and for each route the calls that stand behind it when all is well. Read-only after
 * loading. */
#ifndef CULPRIT_HTTP_TOPOLOGY_H
#define CULPRIT_HTTP_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum topology_kind {
    TOPOLOGY_SERVICE,   /* ours: traced, has /-/faults */
    TOPOLOGY_PARTNER,   /* an outside party: not instrumented, gets no context */
    TOPOLOGY_COLLECTOR, /* ports: otlp and query */
};

struct topology_service;

/* `count + per_line * cart lines` calls to a route of `callee`, each an edge of the trace. */
struct topology_call {
    const struct topology_service *callee;
    const char *method;
    const char *path;  /* the callee's route template; for a queue: the operation's name */
    uint32_t count;    /* 1 where the file says nothing */
    uint32_t per_line; /* 0 where the file says nothing */
    bool queued;       /* through the queue: PRODUCER and CONSUMER instead of CLIENT and SERVER */
};

struct topology_route {
    const char *method; /* "PROCESS" for a queue's consumer */
    const char *path;
    const struct topology_call *calls;
    size_t call_count;
};

struct topology_service {
    const char *name;
    enum topology_kind kind;
    uint16_t port;       /* the usual one; of the collector: OTLP */
    uint16_t query_port; /* the collector's second port, else 0 */
    const struct topology_route *routes;
    size_t route_count;
};

struct topology {
    const struct topology_service *services;
    size_t service_count;
    void *memory; /* owns all of the above */
};

/* Parses `json`; `name` is what errors call it. STATUS_INVALID (unknown key, call to nowhere, port
 * twice, ...): words name line or service and route. STATUS_NO_MEMORY. */
MUST_CHECK enum status topology_parse(struct topology *topology, const char *json, size_t length,
                                      const char *name, struct error *error);

/* The compiled-in file, or the one that CULPRIT_TOPOLOGY names. */
MUST_CHECK enum status topology_load(struct topology *topology, struct error *error);

void topology_release(struct topology *topology);

const struct topology_service *topology_find(const struct topology *topology, const char *name);
const struct topology_route *topology_find_route(const struct topology_service *service,
                                                 const char *method, const char *path);

#endif
