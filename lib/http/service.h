/* What every service is: a table of routes, a table of faults, a schema, and what it does at start.
 * service_main does the rest: flags, environment, tracing, database, queue, client, server, health,
 * /-/faults, drain on SIGTERM and SIGINT, flush of spans, exit status.
 *
 * Flags: --listen ADDRESS (or LISTEN_FDS from the parent), --data DIRECTORY, --check (asks its own
 * /readyz and exits 0 or 1), --w3c-test (w3c_test_route.h), --version, --help. Environment:
 * CULPRIT_DATA, CULPRIT_ENDPOINTS, CULPRIT_TOPOLOGY, CULPRIT_FAULTS, CULPRIT_ENVIRONMENT,
 * CULPRIT_CONTROL_TOKEN, CULPRIT_ALLOWED_HOSTS, CULPRIT_LOG_LEVEL, QUEUE_URL, OTEL_*.
 *
 * Routes of its own: GET /livez (the process runs), GET /readyz (start is over and no drain),
 * GET /metrics, GET and PUT /-/faults (from loopback, or with `Authorization: Bearer` and the
 * control token; PUT takes application/json only, same Host, no foreign Origin). */
#ifndef CULPRIT_HTTP_SERVICE_H
#define CULPRIT_HTTP_SERVICE_H

#include "http/client.h"
#include "http/db.h"
#include "http/faults.h"
#include "http/queue.h"
#include "http/server.h"
#include "http/topology.h"
#include "http/work.h"
#include "trace/trace.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct service {
    const char *name;
    const struct server_route *routes;
    size_t route_count;
    const struct fault_row *faults;
    size_t fault_count;
    const char *schema; /* NULL: no database */
    bool uses_queue;    /* opens QUEUE_URL (default: sqlite:DATA/queue.db) */
    const char *topic;  /* consumes it with `consume`; NULL: nothing */
    queue_handler *consume;
    bool untraced; /* partners */
    /* Seeds, starts threads; parts.own is its to set. NULL: nothing to do. */
    enum status (*start)(struct service_parts *parts, struct error *error);
    /* Ends what start began, after the drain. NULL: nothing to do. */
    void (*stop)(struct service_parts *parts);
};

/* Exit status: 0 after an orderly stop, 1 the environment is not right (port, database), 2 usage.
 */
int service_main(const struct service *service, int argc, char **argv);

/* For threads of a service's own: a fresh snapshot and a deadline from now. */
void service_work(const struct service_parts *parts, uint64_t timeout_ms, struct work *work);

#endif
