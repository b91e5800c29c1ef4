/* Posts over one keep-alive connection: HTTP/1.1 on a plain non-blocking socket. Every wait ends at
 * a deadline, and sooner where the stop says so. Raises no SIGPIPE. */
#ifndef CULPRIT_TRACE_OTLP_HTTP_H
#define CULPRIT_TRACE_OTLP_HTTP_H

#include <stddef.h>

#include "trace/otlp_transport.h"

struct otlp_http {
    char host[256], port[6];
    char head[6144]; /* request line and headers up to the value of Content-Length */
    size_t head_bytes;
    int socket;  /* -1: not connected */
    char *reply; /* OTLP_REPLY_MAX mapped bytes; touched as far as replies reach */
};

/* STATUS_NO_MEMORY. */
MUST_CHECK enum status otlp_http_init(struct otlp_http *http, const struct otlp_request *request);

/* May be called twice. In the child of a fork it closes the child's copy of the descriptor alone:
 * the connection stays the parent's. */
void otlp_http_release(struct otlp_http *http);

/* See struct otlp_transport. */
MUST_CHECK enum status otlp_http_post(struct otlp_http *http, const struct otlp_post *post,
                                      struct http_reply *reply);

#endif
