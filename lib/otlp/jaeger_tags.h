/* Jaeger's tags: attributes as {"key","type","value"}, and among them what OpenTelemetry keeps in
 * fields of its own (kind, status, scope, an event's name). */
#ifndef CULPRIT_OTLP_JAEGER_TAGS_H
#define CULPRIT_OTLP_JAEGER_TAGS_H

#include "base/json_writer.h"
#include "otlp/json_in.h"

/* A row's function: an array of tags into struct otlp_attributes, whose items are the set's own. */
void jaeger_tags_read(struct json_in *in, void *target);

/* Takes kind, status, scope and trace state out of the span's attributes and into their fields.
 * The attributes were read by jaeger_tags_read. false: does not fit. */
bool jaeger_tags_apply(struct spans *spans, struct otlp_span *span);

/* Takes the name out of an event's attributes: the field "event". */
void jaeger_tags_take_name(struct otlp_event *event);

/* Writes tags into an array that the caller began. Arrays and lists become JSON in a string. */
void jaeger_tags_write(const struct otlp_attributes *attributes, struct json_writer *writer);
void jaeger_tags_write_text(const char *key, struct text value, struct json_writer *writer);
/* The tags that stand for the span's own fields. */
void jaeger_tags_write_fields(const struct otlp_span *span, struct json_writer *writer);

#endif
