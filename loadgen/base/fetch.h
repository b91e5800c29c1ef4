/* A small blocking HTTP/1.1 client for control, health and queries: one keep-alive connection to
 * one http://host:port, one request at a time, every wait under the caller's deadline, the body
 * bounded. Makes no span, follows no redirect. One owner at a time, no locks. */
#ifndef CULPRIT_LOADGEN_BASE_FETCH_H
#define CULPRIT_LOADGEN_BASE_FETCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/status.h"
#include "base/text.h"

struct fetch {
    char host[256];
    char port[6];
    int fd; /* -1: not connected */
    size_t max_body_bytes;
    struct buffer in;   /* as it came */
    struct buffer body; /* without chunks */
};

struct fetch_request {
    const char *method;
    const char *path;   /* with query, encoded already */
    const char *bearer; /* Authorization, or NULL */
    const char *accept; /* "application/json" when NULL */
    struct text body;   /* JSON; empty for none */
};

struct fetch_answer {
    unsigned status;
    struct text body; /* borrowed until the next request */
};

/* `url` is http://host[:port], a path behind it is ignored. Connects nothing yet. STATUS_INVALID
 * with words. */
MUST_CHECK enum status fetch_init(struct fetch *fetch, const char *url, size_t max_body_bytes,
                                  struct error *error);
void fetch_release(struct fetch *fetch);

/* STATUS_OK: an answer came, whatever its status code. REFUSED: nobody listens; TIMEOUT; CLOSED;
 * TOO_LARGE: a body over the maximum; INVALID: not HTTP; IO. A kept connection that was closed
 * meanwhile is opened once more. The connection is dropped after any failure. */
MUST_CHECK enum status fetch_do(struct fetch *fetch, const struct fetch_request *request,
                                uint64_t deadline_ns, struct fetch_answer *answer,
                                struct error *error);

#endif
