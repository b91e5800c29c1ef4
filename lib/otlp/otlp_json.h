/* OTLP JSON (protobuf's JSON mapping with OTLP's exceptions: hex ids, integers for enums) into the
 * span model and back. Reads {"resourceSpans":[...]}, and Jaeger's v3 envelope
 * {"result":{"resourceSpans":[...]}}, one document or several one after another (as JSON lines and
 * the streaming gateway send them). Unknown keys are passed over. */
#ifndef CULPRIT_OTLP_OTLP_JSON_H
#define CULPRIT_OTLP_OTLP_JSON_H

#include "base/json_writer.h"
#include "otlp/spans.h"

/* Statuses as otlp_proto_read; words name the line. */
MUST_CHECK enum status otlp_json_read(struct spans *spans, const char *json, size_t length,
                                      uint64_t *refused, struct error *error);

/* Writes the value of "resourceSpans": an array, grouped by resource and scope. */
void otlp_json_write(const struct spans *spans, size_t first, size_t count,
                     struct json_writer *writer);

#endif
