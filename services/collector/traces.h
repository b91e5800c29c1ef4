/* Whole traces for the query side: what is open and what is stored, merged, each span once, by
 * start. Callable from any thread. */
#ifndef CULPRIT_COLLECTOR_TRACES_H
#define CULPRIT_COLLECTOR_TRACES_H

#include "otlp/spans.h"
#include "services/collector/collector.h"

enum { TRACES_SPANS_MAX = 2 * 1024 * 1024, TRACES_BYTES_MAX = 512 * 1024 * 1024 };

/* Appends the trace's spans. STATUS_NOT_FOUND; STATUS_TOO_LARGE: the set is full, some of it is in;
 * STATUS_INVALID, STATUS_IO: the store is damaged or fails. */
MUST_CHECK enum status traces_find(struct collector *collector, const uint8_t id[16],
                                   struct spans *out);

#endif
