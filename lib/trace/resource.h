/* What produces the spans, as OTLP's Resource message, built once at the start. */
#ifndef CULPRIT_TRACE_RESOURCE_H
#define CULPRIT_TRACE_RESOURCE_H

#include "base/wire.h"
#include "trace/tracing_config.h"

enum { RESOURCE_MAX = 8192, RESOURCE_ATTRIBUTES_MAX = 64 };

#define TRACE_SDK_VERSION "0.1.0"

/* The attributes of the environment (OTEL_RESOURCE_ATTRIBUTES, percent-encoded "k=v,k=v"; one wrong
 * member discards all of them) over what is found out and the library's own ones, and the service's
 * name, where it has one, over all. Writes a Resource message. STATUS_INVALID: the environment's
 * text was discarded, the rest is written. */
MUST_CHECK enum status resource_encode(const struct tracing_config *config,
                                       struct wire_writer *writer);

#endif
