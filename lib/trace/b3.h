/* B3 (openzipkin/b3-propagation): the one header "b3", or one X-B3-* header for each part. Rows of
 * propagator.h. Trace ids of 64 bits come in filled up with zeros on the left and leave so; a debug
 * flag stays with the trace (span_context.is_debug). The incoming span id is always the parent, and
 * X-B3-ParentSpanId is never written. */
#ifndef CULPRIT_TRACE_B3_H
#define CULPRIT_TRACE_B3_H

#include "trace/carrier.h"
#include "trace/context.h"

extern const char *const b3_single_fields[];
void b3_single_inject(const struct span_context *span, const struct baggage *baggage,
                      const struct carrier_sink *sink);

extern const char *const b3_multi_fields[];
void b3_multi_inject(const struct span_context *span, const struct baggage *baggage,
                     const struct carrier_sink *sink);

/* Both forms: "b3" where it is valid, X-B3-* otherwise. Ids are lower-case hex. No word on sampling
 * means not sampled; "b3: 0" alone names no trace, and X-B3-* are then not looked at. */
void b3_extract(const struct carrier_source *source, struct remote_context *into);

#endif
