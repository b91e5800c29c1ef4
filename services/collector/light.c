#include "services/collector/light.h"

#include <string.h>

#include "base/otlp_fields.h"
#include "base/wire.h"
#include "otlp/spans.h"

static struct wire_reader reader_of(struct text bytes)
{
    return wire_reader_of(bytes.data, bytes.length);
}

static bool is_zero(const uint8_t *id, size_t length)
{
    uint8_t any = 0;
    for (size_t i = 0; i < length; i++)
        any |= id[i];
    return any == 0;
}

/* ---- the proof */

static bool value_is_whole(struct text bytes, unsigned depth);

static bool key_value_is_whole(struct text bytes, unsigned depth)
{
    struct wire_reader reader = reader_of(bytes);
    struct wire_field field;
    enum status status;
    while ((status = wire_next(&reader, &field)) == STATUS_OK) {
        if (field.number == OTLP_KEY_VALUE_VALUE && field.type == WIRE_BYTES &&
            !value_is_whole(field.bytes, depth))
            return false;
    }
    return status == STATUS_END;
}

/* Every message of that number within `bytes` is a KeyValue. */
static bool attributes_are_whole(struct text bytes, uint32_t number, unsigned depth)
{
    struct wire_reader reader = reader_of(bytes);
    struct wire_field field;
    enum status status;
    while ((status = wire_next(&reader, &field)) == STATUS_OK) {
        if (field.number == number && field.type == WIRE_BYTES &&
            !key_value_is_whole(field.bytes, depth))
            return false;
    }
    return status == STATUS_END;
}

static bool array_is_whole(struct text bytes, unsigned depth)
{
    struct wire_reader reader = reader_of(bytes);
    struct wire_field field;
    enum status status;
    while ((status = wire_next(&reader, &field)) == STATUS_OK) {
        if (field.number == OTLP_ARRAY_VALUES && field.type == WIRE_BYTES &&
            !value_is_whole(field.bytes, depth))
            return false;
    }
    return status == STATUS_END;
}

/* Deeper than the limit nobody looks. */
static bool value_is_whole(struct text bytes, unsigned depth)
{
    struct wire_reader reader = reader_of(bytes);
    struct wire_field field;
    enum status status;
    if (depth > OTLP_VALUE_DEPTH_MAX)
        return true;
    while ((status = wire_next(&reader, &field)) == STATUS_OK) {
        if (field.type != WIRE_BYTES)
            continue;
        if (field.number == OTLP_VALUE_ARRAY && !array_is_whole(field.bytes, depth + 1))
            return false;
        if (field.number == OTLP_VALUE_KVLIST &&
            !attributes_are_whole(field.bytes, OTLP_KVLIST_VALUES, depth + 1))
            return false;
    }
    return status == STATUS_END;
}

/* ---- the span */

static void read_id(const struct wire_field *field, uint8_t *id, size_t length)
{
    if (field->type == WIRE_BYTES && field->bytes.length == length)
        memcpy(id, field->bytes.data, length);
}

static bool read_status(struct text bytes, struct light_span *out)
{
    struct wire_reader reader = reader_of(bytes);
    struct wire_field field;
    enum status status;
    while ((status = wire_next(&reader, &field)) == STATUS_OK) {
        if (field.number == OTLP_STATUS_CODE && field.type == WIRE_VARINT)
            out->status = field.value <= OTLP_STATUS_ERROR ? (uint8_t)field.value : 0;
    }
    return status == STATUS_END;
}

/* A message within the span; false: broken. */
static bool read_part(const struct wire_field *field, struct light_span *out)
{
    switch (field->number) {
    case OTLP_SPAN_ATTRIBUTES:
        return key_value_is_whole(field->bytes, 1);
    case OTLP_SPAN_EVENTS:
        return attributes_are_whole(field->bytes, OTLP_EVENT_ATTRIBUTES, 1);
    case OTLP_SPAN_LINKS:
        return attributes_are_whole(field->bytes, OTLP_LINK_ATTRIBUTES, 1);
    case OTLP_SPAN_STATUS:
        return read_status(field->bytes, out);
    case OTLP_SPAN_NAME:
        out->name = field->bytes;
        return true;
    default:
        return true;
    }
}

static bool read_field(const struct wire_field *field, struct light_span *out)
{
    switch (field->number) {
    case OTLP_SPAN_TRACE_ID:
        read_id(field, out->trace_id, sizeof(out->trace_id));
        return true;
    case OTLP_SPAN_SPAN_ID:
        read_id(field, out->span_id, sizeof(out->span_id));
        return true;
    case OTLP_SPAN_PARENT_SPAN_ID:
        read_id(field, out->parent_id, sizeof(out->parent_id));
        out->refused = field->type != WIRE_BYTES ||
                       (field->bytes.length != 0 && field->bytes.length != sizeof(out->parent_id));
        return true;
    case OTLP_SPAN_START_TIME:
        out->start_ns = field->type == WIRE_FIXED64 ? field->value : out->start_ns;
        return true;
    case OTLP_SPAN_END_TIME:
        out->end_ns = field->type == WIRE_FIXED64 ? field->value : out->end_ns;
        return true;
    case OTLP_SPAN_KIND:
        if (field->type == WIRE_VARINT)
            out->kind = field->value <= OTLP_KIND_CONSUMER ? (uint8_t)field->value : 0;
        return true;
    default:
        return field->type != WIRE_BYTES || read_part(field, out);
    }
}

bool light_read(struct text bytes, struct light_span *out)
{
    struct wire_reader reader = reader_of(bytes);
    struct wire_field field;
    enum status status;
    *out = (struct light_span){.name = {"", 0}};
    while ((status = wire_next(&reader, &field)) == STATUS_OK) {
        if (!read_field(&field, out))
            return false;
    }
    out->refused |= is_zero(out->trace_id, sizeof(out->trace_id)) ||
                    is_zero(out->span_id, sizeof(out->span_id));
    return status == STATUS_END;
}

bool light_read_resource(struct text bytes, struct text *service)
{
    if (!attributes_are_whole(bytes, OTLP_RESOURCE_ATTRIBUTES, 1))
        return false;
    *service = light_attribute(bytes, OTLP_RESOURCE_ATTRIBUTES, "service.name");
    if (service->length == 0)
        *service = text_of("unknown_service");
    return true;
}

bool light_read_scope(struct text bytes)
{
    struct wire_reader reader = reader_of(bytes);
    struct wire_field field;
    enum status status;
    while ((status = wire_next(&reader, &field)) == STATUS_OK)
        continue;
    return status == STATUS_END;
}

/* ---- looking things up */

static struct text find_bytes(struct text message, uint32_t number)
{
    struct wire_reader reader = reader_of(message);
    struct wire_field field;
    struct text found = {"", 0};
    while (wire_next(&reader, &field) == STATUS_OK) {
        if (field.number == number && field.type == WIRE_BYTES)
            found = field.bytes;
    }
    return found;
}

struct text light_attribute(struct text bytes, uint32_t attributes_number, const char *key)
{
    struct wire_reader reader = reader_of(bytes);
    struct wire_field field;
    while (wire_next(&reader, &field) == STATUS_OK) {
        if (field.number != attributes_number || field.type != WIRE_BYTES)
            continue;
        if (text_is(find_bytes(field.bytes, OTLP_KEY_VALUE_KEY), key))
            return find_bytes(find_bytes(field.bytes, OTLP_KEY_VALUE_VALUE), OTLP_VALUE_STRING);
    }
    return (struct text){"", 0};
}

void light_each_link(struct text bytes, const uint8_t trace_id[16],
                     void (*each)(void *context, const uint8_t span_id[8]), void *context)
{
    struct wire_reader reader = reader_of(bytes);
    struct wire_field field;
    while (wire_next(&reader, &field) == STATUS_OK) {
        if (field.number != OTLP_SPAN_LINKS || field.type != WIRE_BYTES)
            continue;
        const struct text trace = find_bytes(field.bytes, OTLP_LINK_TRACE_ID);
        const struct text span = find_bytes(field.bytes, OTLP_LINK_SPAN_ID);
        if (trace.length == 16 && span.length == 8 && memcmp(trace.data, trace_id, 16) == 0)
            each(context, (const uint8_t *)span.data);
    }
}
