/* Posts batches over one keep-alive connection: HTTP/1.1 on a plain non-blocking socket. Every wait
 * ends at a deadline, and sooner where otlp_http_stop says so. One thread posts; stop may come
 * from any thread. Raises no SIGPIPE. */
#ifndef CULPRIT_TRACE_OTLP_HTTP_H
#define CULPRIT_TRACE_OTLP_HTTP_H

#include <stdatomic.h>
#include <stdint.h>

#include "trace/http_reply.h"
#include "trace/otlp_request.h"

enum { OTLP_REPLY_MAX = 4 << 20 };

struct otlp_http {
    struct otlp_request request;
    int socket;                /* -1: not connected */
    int stop_event;            /* readable once stopped */
    char *reply;               /* OTLP_REPLY_MAX mapped bytes; touched as far as replies reach */
    _Atomic uint64_t limit_ns; /* no wait goes beyond it */
};

/* Takes the request's copy. STATUS_NO_MEMORY, STATUS_IO. */
MUST_CHECK enum status otlp_http_init(struct otlp_http *http, const struct otlp_request *request);

/* May be called twice. In the child of a fork it closes the child's copies of the descriptors
 * alone: the connection stays the parent's. */
void otlp_http_release(struct otlp_http *http);

/* One post, connecting where needed. STATUS_OK: the server answered, *reply (its body borrowed
 * until the next post) says what. STATUS_CLOSED, STATUS_REFUSED, STATUS_IO: the connection failed
 * before an answer. STATUS_TIMEOUT. STATUS_INVALID, STATUS_TOO_LARGE: the answer is no good. */
MUST_CHECK enum status otlp_http_post(struct otlp_http *http, const void *body, size_t length_bytes,
                                      uint64_t deadline_ns, struct http_reply *reply);

/* Lets no wait of this and later posts go beyond `limit_ns`; wakes one that goes on. */
void otlp_http_stop(struct otlp_http *http, uint64_t limit_ns);

/* Waits until the deadline, or until stopped: true when stopped. */
bool otlp_http_pause(struct otlp_http *http, uint64_t deadline_ns);

#endif
