/* What a process says on its /metrics that it lost of its own spans: the counters of
 * OpenTelemetry's SDK conventions, in Prometheus' text format, whose error type is set. Pure. */
#ifndef CULPRIT_HTTP_LOST_SPANS_H
#define CULPRIT_HTTP_LOST_SPANS_H

#include <stdint.h>

#include "base/text.h"

struct lost_spans {
    uint64_t rejected; /* by a receiver, which counts them too */
    uint64_t dropped;  /* all others: a full queue, an export that was given up */
};

struct lost_spans lost_spans_of_metrics(struct text metrics);

#endif
