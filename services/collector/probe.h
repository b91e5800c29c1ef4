/* Asks a running collector whether it is ready, for --check and container health checks. Blocks for
 * some seconds at most. */
#ifndef CULPRIT_COLLECTOR_PROBE_H
#define CULPRIT_COLLECTOR_PROBE_H

#include "base/status.h"

/* GET /readyz at "ADDRESS:PORT". STATUS_REFUSED: nobody there, or not ready; STATUS_INVALID: no
 * such address. */
MUST_CHECK enum status probe_ready(const char *address, struct error *error);

#endif
