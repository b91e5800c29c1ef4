/* The baggage header of W3C Baggage. A row of propagator.h. */
#ifndef CULPRIT_TRACE_BAGGAGE_HEADER_H
#define CULPRIT_TRACE_BAGGAGE_HEADER_H

#include "trace/carrier.h"
#include "trace/context.h"

extern const char *const baggage_header_fields[];
void baggage_header_inject(const struct span_context *span, const struct baggage *baggage,
                           const struct carrier_sink *sink);

/* Several headers are one list. Members that are not valid are left out; where none is valid what
 * was there stays. */
void baggage_header_extract(const struct carrier_source *source, struct remote_context *into);

#endif
