/* Client spans for libcurl easy handles, with the stable HTTP semantic conventions. Works with
 * easy_perform and with multi: begin before the transfer, end after it. */
#ifndef CULPRIT_TRACE_ADAPTERS_CURL_H
#define CULPRIT_TRACE_ADAPTERS_CURL_H

#include <curl/curl.h>

#include "trace/trace.h"

struct trace_curl_call {
    const char *method; /* "GET" */
    const char
        *url; /* full URL; credentials and secret values of its query are redacted in url.full */
    const char *url_template; /* "/products/{id}": names the span "{method} {template}", and is
                                 url.template; NULL: the span is named by the method */
    bool propagate;           /* false: nothing is injected (a third party, or context is lost) */
    unsigned resend_count;    /* http.request.resend_count when above 0 */
};

/* Starts the span as a child of the thread's current one and appends what the propagators of
 * propagation.h send to *headers (the caller's list, set on the handle by the caller afterwards,
 * freed by it after the transfer). Where there is no memory for a header the call goes out without
 * it. */
struct span *trace_curl_begin(const struct trace_curl_call *call, struct curl_slist **headers);

/* Reads status code, peer address, protocol version and the sizes of the bodies off the handle and
 * ends the span: status Error with error.type from 400 on, or when `result` is not CURLE_OK
 * ("timeout", "connection_refused", "connection_reset", ...). */
void trace_curl_end(struct span *span, CURL *easy, CURLcode result);

/* The name of a transfer's failure as error.type has it; low cardinality. */
const char *trace_curl_error_type(CURLcode result);

#endif
