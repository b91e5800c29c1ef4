/* Variables that a service of our own system is started with: where the others are, where spans go,
 * where data lies, the control token. What would point it elsewhere or rename it is not inherited;
 * what a person may want to set (CULPRIT_FAULTS, OTEL_BSP_*, QUEUE_URL, CULPRIT_LOG_LEVEL) is. */
#ifndef CULPRIT_LOADGEN_STACK_SERVICE_ENVIRONMENT_H
#define CULPRIT_LOADGEN_STACK_SERVICE_ENVIRONMENT_H

#include <stdbool.h>

#include "base/status.h"
#include "loadgen/base/target.h"
#include "loadgen/stack/child.h"

/* Adds to an empty environment. STATUS_NO_MEMORY, STATUS_TOO_LARGE. */
MUST_CHECK enum status service_environment_fill(struct environment *environment,
                                                const struct target *target,
                                                const char *data_directory, const char *service,
                                                bool is_collector);

#endif
