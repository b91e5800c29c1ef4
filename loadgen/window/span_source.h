/* Spans from where a person says: a file (OTLP or Jaeger JSON, protobuf, each also gzipped) or the
 * address of a Jaeger query API, v3 or legacy. Blocking, bounded, each call under a deadline. */
#ifndef CULPRIT_LOADGEN_WINDOW_SPAN_SOURCE_H
#define CULPRIT_LOADGEN_WINDOW_SPAN_SOURCE_H

#include <stdint.h>

#include "base/status.h"
#include "otlp/spans.h"

struct span_source {
    const char *where;   /* path, or http://host:port */
    const char *service; /* of an address: traces that it takes part in; NULL: all services' */
    uint64_t last_ms;    /* of an address: that young */
};

/* Initialises and fills *spans; release it in any case. STATUS_NOT_FOUND, STATUS_INVALID,
 * STATUS_UNSUPPORTED (no such API), others as fetch_do's, with words. */
MUST_CHECK enum status span_source_read(const struct span_source *source, struct spans *spans,
                                        struct error *error);

#endif
