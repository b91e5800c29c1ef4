/* W3C Trace Context (level 2): traceparent and tracestate. A row of propagator.h; its rules on
 * what is valid are the specification's. Always written as version 00. */
#ifndef CULPRIT_TRACE_TRACECONTEXT_H
#define CULPRIT_TRACE_TRACECONTEXT_H

#include "trace/carrier.h"
#include "trace/context.h"

enum { TRACEPARENT_LENGTH = 55 };

extern const char *const tracecontext_fields[];
void tracecontext_inject(const struct span_context *span, const struct baggage *baggage,
                         const struct carrier_sink *sink);

/* A traceparent that is malformed, or there more than once, is none, and tracestate goes with it;
 * a malformed tracestate leaves traceparent alone. */
void tracecontext_extract(const struct carrier_source *source, struct remote_context *into);

#endif
