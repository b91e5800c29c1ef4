/* Inside of service_main: what its files share, and nobody else includes. */
#ifndef CULPRIT_HTTP_SERVICE_INNER_H
#define CULPRIT_HTTP_SERVICE_INNER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "http/service.h"
#include "http/service_control.h"

enum { SERVICE_PATH_MAX = 4096, SERVICE_ADDRESS_MAX = 128 };

struct service_options {
    char listen[SERVICE_ADDRESS_MAX]; /* always with a port */
    char data[SERVICE_PATH_MAX];
    bool check;
    bool w3c_test; /* the route of w3c_test_route.h is there */
    bool done;     /* help or version was printed: leave with 0 */
    int listen_fd; /* from the parent, or -1 */
};

/* Of a running service; its first member is the context of its server. */
struct service_state {
    struct service_control control;
    const struct service *service;
    struct service_options options;
    struct topology topology;
    struct service_parts parts;
    struct server_route *routes; /* the service's, those of service_control, w3c_test_route */
    size_t route_count;
    struct queue_consumers *consumers;
    const char *allowed_hosts;
    atomic_bool started; /* the service's start function is through */
    bool was_begun;      /* its stop function is due */
    bool is_tracing;
};

/* Flags, environment and LISTEN_FDS. `usual_port` is the topology's. STATUS_INVALID with words. */
MUST_CHECK enum status service_options_read(struct service_options *options, const char *name,
                                            uint16_t usual_port, int argc, char **argv,
                                            struct error *error);

/* GET /readyz at the address: the exit status of --check. */
int service_check(const char *address);

#endif
