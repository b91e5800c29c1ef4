/* Reads one HTTP/1.1 response out of bytes that arrive in pieces: status, the few headers that an
 * exporter needs, and the body by Content-Length, by chunks, or until the connection ends. Works
 * in place on the caller's memory; never allocates; bad framing is an error, never a guess. */
#ifndef CULPRIT_TRACE_HTTP_REPLY_H
#define CULPRIT_TRACE_HTTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/text.h"

struct http_reply {
    unsigned status_code;
    bool keep_alive;         /* the connection may be used again */
    uint64_t retry_after_ns; /* 0: none said */
    struct text body;        /* in the caller's memory */
};

/* Looks at the `length` bytes received so far; `closed`: no more will come. STATUS_OK: *reply is
 * whole. STATUS_BUSY: more is needed. STATUS_INVALID: not HTTP. STATUS_CLOSED: it ended too early.
 * `wall_ns` is now, for a Retry-After that names a date. Chunked bodies are joined in place only
 * when whole. */
MUST_CHECK enum status http_reply_parse(char *bytes, size_t length, bool closed, uint64_t wall_ns,
                                        struct http_reply *reply);

/* Retry-After (RFC 9110, 10.2.3): seconds or an HTTP date; 0 where it is neither or past. */
uint64_t http_reply_retry_after_ns(struct text value, uint64_t wall_ns);

#endif
