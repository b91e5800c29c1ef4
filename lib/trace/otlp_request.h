/* Where batches go, and the head of the request that carries them. Built once at the start. */
#ifndef CULPRIT_TRACE_OTLP_REQUEST_H
#define CULPRIT_TRACE_OTLP_REQUEST_H

#include <stddef.h>

#include "base/status.h"

struct otlp_request {
    char host[256]; /* name or address, without brackets */
    char port[6];
    char head[4096]; /* request line and headers up to the value of Content-Length */
    size_t head_bytes;
};

/* `endpoint`: "http://host[:port][/path]"; without a path "/". `headers`:
 * OTEL_EXPORTER_OTLP_HEADERS, percent-encoded "name=value,name=value". STATUS_UNSUPPORTED: https.
 * STATUS_INVALID, STATUS_TOO_LARGE: `error` says what. */
MUST_CHECK enum status otlp_request_init(struct otlp_request *request, const char *endpoint,
                                         const char *headers, struct error *error);

#endif
