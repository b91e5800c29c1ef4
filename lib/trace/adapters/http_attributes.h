/* What the HTTP adapters share of the semantic conventions. Never allocates. */
#ifndef CULPRIT_TRACE_ADAPTERS_HTTP_ATTRIBUTES_H
#define CULPRIT_TRACE_ADAPTERS_HTTP_ATTRIBUTES_H

#include <stdbool.h>

#include "base/text.h"
#include "trace/trace.h"

/* Attributes to be given at a span's creation; what does not fit is left out. */
enum { HTTP_ATTRIBUTES_MAX = 16 };
struct http_attributes {
    struct attribute list[HTTP_ATTRIBUTES_MAX];
    size_t count;
};

/* An empty value sets nothing. */
void http_attributes_text(struct http_attributes *attributes, struct text key, struct text value);
void http_attributes_i64(struct http_attributes *attributes, struct text key, int64_t value);

/* http.request.method: the method where it is one of RFC 9110's or PATCH, else "_OTHER" with
 * http.request.method_original. Returns what names the span: the method or "HTTP". */
const char *http_attributes_method(struct http_attributes *attributes, const char *method);

/* server.address and server.port out of "host", "host:port" or "[address]:port"; the default port
 * where none is written, 0: then none is set. */
void http_attributes_server(struct http_attributes *attributes, struct text authority,
                            int64_t default_port);

/* Whether the values of this key of a query, decoded, let their reader in, and are written as
 * "REDACTED". In the case in which the semantic conventions (url.full, url.query) and we list them.
 */
bool http_attributes_is_secret(struct text query_key);

/* "{method} {target}", or the method alone where the target is NULL; cut at `size`. */
void http_attributes_name(const char *method, const char *target, char *out, size_t size);

/* http.response.status_code, and from `error_from` on error.type and status Error. */
void http_attributes_response(struct span *span, unsigned status_code, unsigned error_from);

#endif
