/* A service's figures in Prometheus' text format 0.0.4: requests, tracing, queue, database,
 * process. The same set of names whatever is set anywhere. Callable from any thread. */
#ifndef CULPRIT_HTTP_SERVICE_METRICS_H
#define CULPRIT_HTTP_SERVICE_METRICS_H

#include "base/buffer.h"
#include "http/service_control.h"

/* Appends; a failure is the buffer's sticky one. */
void service_metrics_write(struct service_control *control, struct buffer *out);

#endif
