/* A service's figures: requests, tracing, queue, database, process. The same set of names whatever
 * is set anywhere. Callable from any thread. */
#ifndef CULPRIT_HTTP_SERVICE_METRICS_H
#define CULPRIT_HTTP_SERVICE_METRICS_H

#include "http/metrics_text.h"
#include "http/service_control.h"

/* Appends; a failure is the buffer's sticky one. */
void service_metrics_write(struct service_control *control, const struct metrics_text *text);

#endif
