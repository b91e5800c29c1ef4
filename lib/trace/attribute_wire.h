/* Attributes as OTLP's KeyValue and AnyValue, within limits: on a span's wire, whose sizes come
 * first, and as whole fields over flat memory. Pure; never allocates. */
#ifndef CULPRIT_TRACE_ATTRIBUTE_WIRE_H
#define CULPRIT_TRACE_ATTRIBUTE_WIRE_H

#include "base/wire.h"
#include "trace/attribute.h"
#include "trace/span_wire.h"

/* At most `max_characters`, in whole characters; a byte that is no UTF-8 counts as one. */
struct text attribute_wire_cut(struct text text, uint32_t max_characters);

/* length: characters of a text and bytes of bytes, whatever the depth; UINT32_MAX: no limit. depth:
 * arrays and maps within each other; more than the most is the most. */
struct attribute_bounds {
    uint32_t length, depth;
};
enum { ATTRIBUTE_DEPTH_USUAL = 64, ATTRIBUTE_DEPTH_MAX = 128 };
#define ATTRIBUTE_UNBOUNDED ((struct attribute_bounds){UINT32_MAX, ATTRIBUTE_DEPTH_USUAL})

/* A KeyValue message without its own tag and length. */
size_t attribute_wire_size(const struct attribute *attribute, struct attribute_bounds bounds);
void attribute_wire_put(struct span_wire *wire, const struct attribute *attribute,
                        struct attribute_bounds bounds);

/* The attributes of an event or a link: of equal keys the last stays, what is over the limit goes
 * into the dropped count. */
struct attribute_wire_list {
    unsigned field, dropped_field;
    const struct attribute *attributes;
    size_t count;
    uint32_t count_max;
    struct attribute_bounds bounds;
};
size_t attribute_wire_list_size(const struct attribute_wire_list *list);
void attribute_wire_list(struct span_wire *wire, const struct attribute_wire_list *list);

/* ---- over flat memory: what does not fit shows in the writer's overflow, and nothing of it is
 * written. Fields below 16. */

/* '?' in place of each byte that is not UTF-8. */
void attribute_wire_text(struct wire_writer *writer, uint32_t number, struct text text);

/* A KeyValue, and an AnyValue. */
void attribute_wire_pair(struct wire_writer *writer, uint32_t number,
                         const struct attribute *attribute, struct attribute_bounds bounds);
void attribute_wire_value(struct wire_writer *writer, uint32_t number,
                          const struct attribute *attribute, struct attribute_bounds bounds);

#endif
