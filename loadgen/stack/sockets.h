/* The listening sockets of one process of the system, bound before it starts. */
#ifndef CULPRIT_LOADGEN_STACK_SOCKETS_H
#define CULPRIT_LOADGEN_STACK_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "http/topology.h"
#include "loadgen/stack/child.h"

struct sockets {
    int fds[CHILD_SOCKETS_MAX]; /* close-on-exec, from 64 up; -1: none */
    uint16_t ports[CHILD_SOCKETS_MAX];
    size_t count; /* the collector has two: OTLP, then query */
};

/* `usual_ports`: those of the topology, else free ones. STATUS_EXISTS (in use), STATUS_IO with
 * words that name service and port; nothing stays open then. */
MUST_CHECK enum status sockets_open(struct sockets *sockets, const struct topology_service *service,
                                    const char *address, bool usual_ports, struct error *error);
void sockets_close(struct sockets *sockets);

#endif
