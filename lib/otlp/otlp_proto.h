/* OTLP protobuf (ExportTraceServiceRequest, alike TracesData) into the span model and back. The
 * reader is bounded: depth of values, lengths against what is left, count and bytes of the set. */
#ifndef CULPRIT_OTLP_OTLP_PROTO_H
#define CULPRIT_OTLP_OTLP_PROTO_H

#include "base/buffer.h"
#include "otlp/spans.h"

/* STATUS_INVALID: not OTLP (words say where), the set may hold spans read before that place.
 * Spans with ids that are not 16 and 8 bytes or all zero are counted in *refused (may be NULL) and
 * passed over. STATUS_TOO_LARGE, STATUS_NO_MEMORY: some did not fit. */
MUST_CHECK enum status otlp_proto_read(struct spans *spans, const void *bytes, size_t length_bytes,
                                       uint64_t *refused, struct error *error);

/* Writes spans [first, first + count) as one TracesData message, grouped by resource and scope.
 * The buffer's status. */
MUST_CHECK enum status otlp_proto_write(const struct spans *spans, size_t first, size_t count,
                                        struct buffer *out);

#endif
