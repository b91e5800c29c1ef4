/* Spans from a file or a body whose format shows itself: OTLP JSON, Jaeger JSON, OTLP protobuf,
 * each also gzipped. */
#ifndef CULPRIT_OTLP_SPAN_FILE_H
#define CULPRIT_OTLP_SPAN_FILE_H

#include "otlp/spans.h"

/* STATUS_INVALID with words "name:line: ..." ; others as the readers'. */
MUST_CHECK enum status span_file_parse(struct spans *spans, const void *bytes, size_t length_bytes,
                                       const char *name, struct error *error);

/* At most 1 GiB, before and after inflating. STATUS_NOT_FOUND, STATUS_IO besides. */
MUST_CHECK enum status span_file_read(struct spans *spans, const char *path, struct error *error);

#endif
