/* Asks another process one question over HTTP, by plain sockets: for --check and container health
 * checks, and for what senders say of themselves. */
#ifndef CULPRIT_COLLECTOR_PROBE_H
#define CULPRIT_COLLECTOR_PROBE_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/status.h"

/* GET /readyz at "ADDRESS:PORT"; blocks for some seconds at most. STATUS_REFUSED: nobody there, or
 * not ready. */
MUST_CHECK enum status probe_ready(const char *address, struct error *error);

/* Appends the body of a 200 to `path`; blocks for `timeout_ms`, and for looking a name up.
 * STATUS_REFUSED: nobody there, or another answer; STATUS_TIMEOUT; STATUS_TOO_LARGE for `body`. */
MUST_CHECK enum status probe_get(const char *address, const char *path, uint32_t timeout_ms,
                                 struct buffer *body);

#endif
