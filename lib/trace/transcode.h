/* OTLP protobuf to OTLP/JSON, by tables: ids as hex, 64-bit integers as text, enums as numbers,
 * other bytes as base64, NaN and infinities as text. Fields may come in any order; those that no
 * table has are left out. Source: the OTLP specification, "JSON Protobuf Encoding". Never allocates
 * but in the writer's buffer, whose sticky failure is the only one there is. */
#ifndef CULPRIT_TRACE_TRANSCODE_H
#define CULPRIT_TRACE_TRANSCODE_H

#include "base/json_writer.h"

enum { TRANSCODE_DEPTH_MAX = 400 }; /* messages within each other; deeper ones are left empty */

struct transcode_type;

extern const struct transcode_type transcode_traces; /* ExportTraceServiceRequest */
extern const struct transcode_type transcode_logs;   /* ExportLogsServiceRequest */
extern const struct transcode_type transcode_span;   /* Span */
extern const struct transcode_type transcode_log_record;
extern const struct transcode_type transcode_scope; /* InstrumentationScope */
extern const struct transcode_type transcode_resource;

/* Writes one message as a JSON object. What is not well-formed ends it early. */
void transcode_message(const struct transcode_type *type, struct text message,
                       struct json_writer *out);

#endif
