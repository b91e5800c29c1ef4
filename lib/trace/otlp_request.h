/* Where batches go, and the headers that go with them. Built once at the start. */
#ifndef CULPRIT_TRACE_OTLP_REQUEST_H
#define CULPRIT_TRACE_OTLP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "trace/tracing_config.h"

struct otlp_request {
    bool is_https;
    char url[512];
    char host[256];      /* name or address, without brackets */
    char authority[272]; /* host:port, with brackets: the Host header */
    char port[6];
    char path[512];     /* with its query; at least "/" */
    char headers[4096]; /* "name: value\r\n" each: User-Agent, Content-Type, Content-Encoding, and
                           those of the settings; neither Host nor Content-Length */
};

/* Of the settings it takes the endpoint ("http[s]://host[:port][/path]"; without a port 80 or 443,
 * without a path "/"; no user), the headers (OTEL_EXPORTER_OTLP_HEADERS, percent-encoded
 * "name=value,name=value"; User-Agent takes the place of our own, those that frame the request are
 * not for settings), gzip and json. STATUS_INVALID, STATUS_TOO_LARGE: `error` says what. */
MUST_CHECK enum status otlp_request_init(struct otlp_request *request,
                                         const struct otlp_settings *settings, struct error *error);

#endif
