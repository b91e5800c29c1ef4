#include "trace/scope_wire.h"

#include <string.h>

#include "base/otlp_fields.h"
#include "trace/attribute_wire.h"

enum { FRAME_BYTES = 64 }; /* tags and lengths of all it has, and a dropped count */

_Static_assert((int)OTLP_SCOPE_SPANS_SCOPE == OTLP_SCOPE_LOGS_SCOPE &&
                   (int)OTLP_SCOPE_SPANS_SCHEMA_URL == OTLP_SCOPE_LOGS_SCHEMA_URL,
               "spans and logs are wrapped alike");

static struct text text_at(const char *text)
{
    return (struct text){text, text ? strnlen(text, SCOPE_WIRE_TEXT_MAX) : 0};
}

static struct attribute_wire_list attributes_of(const struct tracer *tracer)
{
    struct attribute_wire_list list = {
        .field = OTLP_SCOPE_ATTRIBUTES,
        .dropped_field = OTLP_SCOPE_DROPPED_ATTRIBUTES,
        .attributes = tracer->attributes,
        .count = tracer->attribute_count,
        .count_max = UINT32_MAX,
        .bounds = ATTRIBUTE_UNBOUNDED,
    };
    if (attribute_wire_list_size(&list) > SCOPE_WIRE_ATTRIBUTES_MAX)
        list.count_max = 0; /* all are counted as dropped */
    return list;
}

size_t scope_wire_size(const struct tracer *tracer)
{
    size_t size = FRAME_BYTES + text_at(tracer->name).length + text_at(tracer->version).length +
                  text_at(tracer->schema_url).length;
    if (tracer->attribute_count == 0)
        return size;
    struct attribute_wire_list list = attributes_of(tracer);
    return size + attribute_wire_list_size(&list);
}

static void put_attributes(struct wire_writer *writer, const struct tracer *tracer)
{
    struct attribute_wire_list list = attributes_of(tracer);
    struct span_wire wire = {.at = writer->at, .end = writer->end};
    writer->overflow |= attribute_wire_list_size(&list) > (size_t)(writer->end - writer->at);
    if (writer->overflow)
        return;
    attribute_wire_list(&wire, &list);
    writer->at = wire.at;
}

void scope_wire_put(struct wire_writer *writer, const struct tracer *tracer)
{
    uint8_t *mark;
    wire_begin(writer, OTLP_SCOPE_SPANS_SCOPE, &mark);
    attribute_wire_text(writer, OTLP_SCOPE_NAME, text_at(tracer->name));
    if (tracer->version != NULL)
        attribute_wire_text(writer, OTLP_SCOPE_VERSION, text_at(tracer->version));
    if (tracer->attribute_count > 0)
        put_attributes(writer, tracer);
    wire_end(writer, mark);
    if (tracer->schema_url != NULL)
        attribute_wire_text(writer, OTLP_SCOPE_SPANS_SCHEMA_URL, text_at(tracer->schema_url));
}
