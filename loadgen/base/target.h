/* Where the system under load is: addresses by name and the token that guards its control routes.
 * From a stack that we started, or from the file that `culprit up --json` writes. A plain value. */
#ifndef CULPRIT_LOADGEN_BASE_TARGET_H
#define CULPRIT_LOADGEN_BASE_TARGET_H

#include <stddef.h>

#include "base/json_writer.h"
#include "base/status.h"

enum { TARGET_ENDPOINTS_MAX = 64 };

struct target_endpoint {
    char name[32]; /* a service's, "otlp" or "query" */
    char url[272]; /* "http://127.0.0.1:8080" */
};

struct target {
    struct target_endpoint endpoints[TARGET_ENDPOINTS_MAX];
    size_t count;
    char control_token[129]; /* "" for none */
};

/* NULL when it is not there. */
const char *target_find(const struct target *target, const char *name);

/* STATUS_TOO_LARGE: full, or a name or address too long; STATUS_EXISTS. */
MUST_CHECK enum status target_add(struct target *target, const char *name, const char *url);

/* Reads the JSON file; `endpoints` must name frontend, otlp and query; keys that it does not know
 * are passed over. STATUS_NOT_FOUND, STATUS_IO, STATUS_INVALID with "file:line: words". */
MUST_CHECK enum status target_read(struct target *target, const char *path, struct error *error);

/* The usual ports of the topology on loopback, as `culprit up` without --ports auto and Compose
 * have them; the token is CULPRIT_CONTROL_TOKEN's. Statuses of topology_load. */
MUST_CHECK enum status target_usual(struct target *target, struct error *error);

/* Writes the members "endpoints" and "control_token" into the open object. */
void target_write(const struct target *target, struct json_writer *writer);

#endif
