/* What libmicrohttpd lets through and a server must not: framing that two readers could understand
 * differently (RFC 9112, 6.3 and 11.2), repeated or missing Host, characters that have no place in
 * a target or a header, a Host that is not ours (DNS rebinding). Looks at a request before its body
 * is read; every refusal closes the connection, so that nothing behind it is taken for a request.
 * Pure but for the walk over the connection's headers; callable from any thread; never allocates.
 */
#ifndef CULPRIT_HTTP_GUARD_H
#define CULPRIT_HTTP_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct MHD_Connection;

/* status 0: let it pass. */
struct guard_verdict {
    unsigned status;
    const char *code;  /* "bad_framing" */
    const char *words; /* static, for people */
};

/* Names that Host may have besides localhost, 127.0.0.1 and [::1]. Both borrowed, both may be NULL;
 * `others` is comma-separated; a "*" in it is any name, for servers all of whose routes want a
 * secret. Case does not count. */
struct guard_hosts {
    const char *service;
    const char *others;
};

/* The raw request target, as the request line had it: origin-form ("/path?query") only, no control
 * or non-ASCII characters, whole percent escapes, and none that hides '/', '\', NUL or a control
 * character in the path. */
struct guard_verdict guard_target(const char *target);

/* One header at a time, then the sum of all of them. */
struct guard_headers {
    const struct guard_hosts *hosts;
    bool is_1_0;
    unsigned host_count, length_count, encoding_count;
    struct guard_verdict verdict; /* the first fault */
};
void guard_header(struct guard_headers *headers, struct text name, struct text value);
struct guard_verdict guard_headers_end(const struct guard_headers *headers);

/* Method and version of the request line. */
struct guard_verdict guard_request_line(const char *method, const char *version);

/* All but the target, on a connection whose headers were read. */
struct guard_verdict guard_request(struct MHD_Connection *connection, const char *method,
                                   const char *version, const struct guard_hosts *hosts);

/* Content-Length, or UINT64_MAX when it has none (chunked, or no body). After guard_request. */
uint64_t guard_content_length(struct MHD_Connection *connection);

/* true where `host` (of Host or of an Origin, a port behind it is passed over) is one of ours. */
bool guard_host_is_ours(struct text host, const struct guard_hosts *hosts);

#endif
