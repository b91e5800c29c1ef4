/* Jaeger's legacy JSON ({"data":[trace,...]}, as its UI downloads it and Grafana reads it) into the
 * span model and back. Times there are microseconds. */
#ifndef CULPRIT_OTLP_JAEGER_JSON_H
#define CULPRIT_OTLP_JAEGER_JSON_H

#include "base/json_writer.h"
#include "otlp/spans.h"

/* Statuses as otlp_proto_read; words name the line. */
MUST_CHECK enum status jaeger_json_read(struct spans *spans, const char *json, size_t length,
                                        uint64_t *refused, struct error *error);

/* Writes one trace object; the spans [first, first + count) are of one trace. */
void jaeger_json_write(const struct spans *spans, size_t first, size_t count,
                       struct json_writer *writer);

#endif
