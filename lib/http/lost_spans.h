/* What a process says on its /metrics that it lost of spans and log records: of its own, by the
 * counters of OpenTelemetry's SDK conventions whose error type is set, and as a collector of
 * others'. Reads Prometheus' text format. Pure. */
#ifndef CULPRIT_HTTP_LOST_SPANS_H
#define CULPRIT_HTTP_LOST_SPANS_H

#include <stdint.h>

#include "base/text.h"

struct lost_spans {
    uint64_t rejected; /* by a receiver, which counts them too */
    uint64_t dropped;  /* all others: a full queue, an export that was given up */
    uint64_t refused;  /* a collector: of what came to it */
    uint64_t mislaid;  /* a collector: of what it had taken */
    uint64_t logs;     /* log records, but for those that a receiver rejected */
};

struct lost_spans lost_spans_of_metrics(struct text metrics);

#endif
