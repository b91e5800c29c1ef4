/* Attributes and their values as protobuf, both ways: KeyValue and AnyValue wherever OTLP has them.
 * Reading recurses at most OTLP_VALUE_DEPTH_MAX deep, whatever the bytes say. */
#ifndef CULPRIT_OTLP_PROTO_VALUES_H
#define CULPRIT_OTLP_PROTO_VALUES_H

#include "base/buffer.h"
#include "otlp/spans.h"

/* One KeyValue message; its strings become the set's. STATUS_INVALID, STATUS_TOO_LARGE. */
MUST_CHECK enum status proto_values_read_one(struct spans *spans, struct text message,
                                             struct otlp_attribute *out);

/* Every KeyValue that field `number` of `message` holds. Statuses as above. */
MUST_CHECK enum status proto_values_read(struct spans *spans, struct text message, uint32_t number,
                                         struct otlp_attributes *out);

/* An AnyValue message that stands alone. */
MUST_CHECK enum status proto_values_read_value(struct spans *spans, struct text message,
                                               struct otlp_value *out);

/* Appends a value as field `number`. Failure is the buffer's. */
void proto_values_write_value(const struct otlp_value *value, uint32_t number, struct buffer *out);

/* Appends each attribute as field `number`. Failure is the buffer's. */
void proto_values_write(const struct otlp_attributes *attributes, uint32_t number,
                        struct buffer *out);

#endif
