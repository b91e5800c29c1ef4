/* The retry rules of OTLP/HTTP. Pure: chance is an argument. */
#ifndef CULPRIT_TRACE_RETRY_H
#define CULPRIT_TRACE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "base/status.h"

/* `post`: how the post ended; `status_code` counts when that is STATUS_OK. True for 429, 502,
 * 503, 504 and for connections that failed or broke before an answer; for nothing else. */
bool retry_is_due(enum status post, unsigned status_code);

/* How long to wait before attempt number `attempt` + 1 (from 0 on): what the server asked for, or
 * 200 ms doubled up to 5 s, of which the later half is up to chance. */
uint64_t retry_delay_ns(unsigned attempt, uint64_t retry_after_ns, struct rng *rng);

#endif
