/* Server spans for libmicrohttpd, with the stable HTTP semantic conventions. The caller (a server
 * wrapper or a plain handler) calls begin in the first handler call of a request, and end once the
 * response was queued or the connection failed. Thread-per-connection: begin, the work and end
 * happen on one thread, and the span is current there in between. */
#ifndef CULPRIT_TRACE_ADAPTERS_MHD_H
#define CULPRIT_TRACE_ADAPTERS_MHD_H

#include "trace/trace.h"

struct MHD_Connection;

/* What came in is read by the propagators of propagation.h. */
struct trace_mhd_request {
    struct span *span;            /* never NULL between begin and end */
    struct remote_context remote; /* what came in; its baggage is current meanwhile */
    struct context before;
};

/* `route` is the template ("/carts/{id}"), NULL where none matched: it names the span
 * "{method} {route}" (or "{method}"), and is http.route. Sets http.request.method, url.path,
 * url.scheme, url.query, server.address and server.port (of Host), client.address,
 * network.peer.address and .port, network.protocol.version, user_agent.original. */
void trace_mhd_begin(struct trace_mhd_request *request, struct MHD_Connection *connection,
                     const char *method, const char *path, const char *route);

/* Bytes of the bodies, as they came and go: sets http.request.body.size where there was one, and
 * http.response.body.size. */
void trace_mhd_sizes(const struct trace_mhd_request *request, uint64_t request_bytes,
                     uint64_t response_bytes);

/* Sets http.response.status_code; from 500 on error.type and status Error. `status_code` 0: the
 * connection broke before an answer; `error_type` then says how ("timeout", "connection_closed").
 */
void trace_mhd_end(struct trace_mhd_request *request, unsigned status_code, const char *error_type);

#endif
