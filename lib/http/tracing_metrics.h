/* The tracing library's own counters as metrics, under the otel.sdk.* names of OpenTelemetry's
 * conventions: a tracing system that loses spans must say so. The same names whether tracing is on
 * or off. Callable from any thread. */
#ifndef CULPRIT_HTTP_TRACING_METRICS_H
#define CULPRIT_HTTP_TRACING_METRICS_H

#include "http/metrics_text.h"

void tracing_metrics_write(const struct metrics_text *text);

#endif
