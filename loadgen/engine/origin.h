/* Where an "http://host:port" URL leads to. Asks the resolver (blocking), so use it before load
 * runs. */
#ifndef CULPRIT_LOADGEN_ENGINE_ORIGIN_H
#define CULPRIT_LOADGEN_ENGINE_ORIGIN_H

#include <stdint.h>
#include <sys/socket.h>

#include "base/status.h"

struct origin {
    struct sockaddr_storage address;
    socklen_t address_bytes;
    char peer[64]; /* the address in numbers, without the port */
    uint16_t port;
};

/* "http://host", "http://host:port", "http://[::1]:port", each with an optional "/" behind it.
 * STATUS_INVALID: no such URL; STATUS_UNSUPPORTED: https; STATUS_NOT_FOUND: no address of that
 * name. */
MUST_CHECK enum status origin_parse(struct origin *origin, const char *url, struct error *error);

#endif
