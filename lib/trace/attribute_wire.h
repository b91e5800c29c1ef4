/* Attributes as OTLP's KeyValue and AnyValue over flat memory, within limits. Pure; never
 * allocates. What does not fit shows in the writer's overflow. */
#ifndef CULPRIT_TRACE_ATTRIBUTE_WIRE_H
#define CULPRIT_TRACE_ATTRIBUTE_WIRE_H

#include "base/wire.h"
#include "trace/attribute.h"

enum { ATTRIBUTE_WIRE_DEPTH_MAX = 64 };

/* Field `number` with the text, '?' in place of each byte that is not UTF-8. */
void attribute_wire_text(struct wire_writer *writer, uint32_t number, struct text text);

/* At most `max_characters`, in whole characters; a byte that is no UTF-8 counts as one. */
struct text attribute_wire_cut(struct text text, uint32_t max_characters);

/* Field `number` with a KeyValue, and with an AnyValue. `value_length` as in struct log_limits. */
void attribute_wire_pair(struct wire_writer *writer, uint32_t number,
                         const struct attribute *attribute, uint32_t value_length);
void attribute_wire_value(struct wire_writer *writer, uint32_t number,
                          const struct attribute *attribute, uint32_t value_length);

#endif
