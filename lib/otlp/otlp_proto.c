#include "otlp/otlp_proto.h"

#include "base/wire.h"
#include "otlp/proto_envelope.h"
#include "otlp/proto_values.h"

/* ---- parts of a span. STATUS_TOO_LARGE: does not fit into the set. */

static enum status text_field(struct spans *spans, const struct wire_field *field, struct text *out)
{
    if (field->type != WIRE_BYTES)
        return STATUS_OK;
    *out = spans_text(spans, field->bytes);
    return out->data ? STATUS_OK : STATUS_TOO_LARGE;
}

/* An id of another length stays zero, which is no id; *wrong says so. */
static void id_field(const struct wire_field *field, uint8_t *id, size_t length, bool *wrong)
{
    *wrong = field->type != WIRE_BYTES || (field->bytes.length != length && field->bytes.length);
    if (!*wrong && field->bytes.length == length)
        memcpy(id, field->bytes.data, length);
}

static bool is_zero(const uint8_t *id, size_t length)
{
    uint8_t any = 0;
    for (size_t i = 0; i < length; i++)
        any |= id[i];
    return any == 0;
}

static enum status read_event(struct spans *spans, struct text message, struct otlp_event *out)
{
    struct wire_reader reader = wire_reader_of(message.data, message.length);
    struct wire_field field;
    enum status status;
    *out = (struct otlp_event){.name = {"", 0}};
    while ((status = wire_next(&reader, &field)) == STATUS_OK) {
        if (field.number == OTLP_EVENT_TIME && field.type == WIRE_FIXED64)
            out->time_ns = field.value;
        else if (field.number == OTLP_EVENT_NAME)
            status = text_field(spans, &field, &out->name);
        else if (field.number == OTLP_EVENT_DROPPED_ATTRIBUTES && field.type == WIRE_VARINT)
            out->attributes.dropped_count = (uint32_t)field.value;
        if (status != STATUS_OK)
            return status;
    }
    return status == STATUS_END
               ? proto_values_read(spans, message, OTLP_EVENT_ATTRIBUTES, &out->attributes)
               : status;
}

/* STATUS_NOT_FOUND: its ids are none. */
static enum status read_link(struct spans *spans, struct text message, struct otlp_link *out)
{
    struct wire_reader reader = wire_reader_of(message.data, message.length);
    struct wire_field field;
    enum status status;
    bool wrong;
    *out = (struct otlp_link){.trace_state = {"", 0}};
    while ((status = wire_next(&reader, &field)) == STATUS_OK) {
        if (field.number == OTLP_LINK_TRACE_ID)
            id_field(&field, out->trace_id, sizeof(out->trace_id), &wrong);
        else if (field.number == OTLP_LINK_SPAN_ID)
            id_field(&field, out->span_id, sizeof(out->span_id), &wrong);
        else if (field.number == OTLP_LINK_TRACE_STATE)
            status = text_field(spans, &field, &out->trace_state);
        else if (field.number == OTLP_LINK_FLAGS && field.type == WIRE_FIXED32)
            out->flags = (uint32_t)field.value;
        else if (field.number == OTLP_LINK_DROPPED_ATTRIBUTES && field.type == WIRE_VARINT)
            out->attributes.dropped_count = (uint32_t)field.value;
        if (status != STATUS_OK)
            return status;
    }
    if (status == STATUS_END)
        status = proto_values_read(spans, message, OTLP_LINK_ATTRIBUTES, &out->attributes);
    const bool found = !is_zero(out->trace_id, sizeof(out->trace_id)) &&
                       !is_zero(out->span_id, sizeof(out->span_id));
    return status == STATUS_OK && !found ? STATUS_NOT_FOUND : status;
}

static enum status read_span_status(struct spans *spans, struct text message, struct otlp_span *out)
{
    struct wire_reader reader = wire_reader_of(message.data, message.length);
    struct wire_field field;
    enum status status;
    while ((status = wire_next(&reader, &field)) == STATUS_OK) {
        if (field.number == OTLP_STATUS_MESSAGE)
            status = text_field(spans, &field, &out->status_message);
        else if (field.number == OTLP_STATUS_CODE && field.type == WIRE_VARINT)
            out->status = field.value <= OTLP_STATUS_ERROR ? (uint8_t)field.value : 0;
        if (status != STATUS_OK)
            return status;
    }
    return status == STATUS_END ? STATUS_OK : status;
}

static void read_number(const struct wire_field *field, struct otlp_span *out)
{
    if (field->number == OTLP_SPAN_START_TIME && field->type == WIRE_FIXED64)
        out->start_ns = field->value;
    else if (field->number == OTLP_SPAN_END_TIME && field->type == WIRE_FIXED64)
        out->end_ns = field->value;
    else if (field->number == OTLP_SPAN_FLAGS && field->type == WIRE_FIXED32)
        out->flags = (uint32_t)field->value;
    else if (field->type != WIRE_VARINT)
        return;
    else if (field->number == OTLP_SPAN_KIND)
        out->kind = field->value <= OTLP_KIND_CONSUMER ? (uint8_t)field->value : 0;
    else if (field->number == OTLP_SPAN_DROPPED_ATTRIBUTES)
        out->attributes.dropped_count = (uint32_t)field->value;
    else if (field->number == OTLP_SPAN_DROPPED_EVENTS)
        out->dropped_event_count = (uint32_t)field->value;
    else if (field->number == OTLP_SPAN_DROPPED_LINKS)
        out->dropped_link_count = (uint32_t)field->value;
}

struct counts {
    uint32_t attributes, events, links;
};

/* First pass: what is there once, and how many there are of the rest. */
static enum status read_flat(struct spans *spans, struct text message, struct otlp_span *out,
                             struct counts *counts, bool *refused)
{
    struct wire_reader reader = wire_reader_of(message.data, message.length);
    struct wire_field field;
    enum status status;
    bool wrong_parent = false, wrong = false;
    while ((status = wire_next(&reader, &field)) == STATUS_OK) {
        if (field.number == OTLP_SPAN_TRACE_ID)
            id_field(&field, out->trace_id, sizeof(out->trace_id), &wrong);
        else if (field.number == OTLP_SPAN_SPAN_ID)
            id_field(&field, out->span_id, sizeof(out->span_id), &wrong);
        else if (field.number == OTLP_SPAN_PARENT_SPAN_ID)
            id_field(&field, out->parent_id, sizeof(out->parent_id), &wrong_parent);
        else if (field.number == OTLP_SPAN_NAME && field.type == WIRE_BYTES)
            out->name = spans_intern(spans, field.bytes);
        else if (field.number == OTLP_SPAN_TRACE_STATE)
            status = text_field(spans, &field, &out->trace_state);
        else if (field.number == OTLP_SPAN_STATUS && field.type == WIRE_BYTES)
            status = read_span_status(spans, field.bytes, out);
        else
            read_number(&field, out);
        counts->attributes += field.number == OTLP_SPAN_ATTRIBUTES && field.type == WIRE_BYTES;
        counts->events += field.number == OTLP_SPAN_EVENTS && field.type == WIRE_BYTES;
        counts->links += field.number == OTLP_SPAN_LINKS && field.type == WIRE_BYTES;
        if (status != STATUS_OK || !out->name.data)
            return status != STATUS_OK ? status : STATUS_TOO_LARGE;
    }
    *refused = wrong_parent || is_zero(out->trace_id, sizeof(out->trace_id)) ||
               is_zero(out->span_id, sizeof(out->span_id));
    return status == STATUS_END ? STATUS_OK : status;
}

struct lists {
    struct otlp_attribute *attributes;
    struct otlp_event *events;
    struct otlp_link *links;
};

static enum status read_item(struct spans *spans, const struct wire_field *field,
                             const struct lists *lists, struct otlp_span *out)
{
    if (field->type != WIRE_BYTES)
        return STATUS_OK;
    if (field->number == OTLP_SPAN_ATTRIBUTES)
        return proto_values_read_one(spans, field->bytes,
                                     &lists->attributes[out->attributes.count++]);
    if (field->number == OTLP_SPAN_EVENTS)
        return read_event(spans, field->bytes, &lists->events[out->event_count++]);
    if (field->number != OTLP_SPAN_LINKS)
        return STATUS_OK;
    const enum status status = read_link(spans, field->bytes, &lists->links[out->link_count]);
    if (status == STATUS_NOT_FOUND)
        out->dropped_link_count++;
    else
        out->link_count++;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Second pass, over bytes that the first found whole. */
static enum status read_lists(struct spans *spans, struct text message, const struct counts *counts,
                              struct otlp_span *out)
{
    struct arena *arena = &spans->arena;
    struct wire_reader reader = wire_reader_of(message.data, message.length);
    struct wire_field field;
    const struct lists lists = {
        arena_alloc_array(arena, counts->attributes, sizeof(*lists.attributes)),
        arena_alloc_array(arena, counts->events, sizeof(*lists.events)),
        arena_alloc_array(arena, counts->links, sizeof(*lists.links)),
    };
    if (!lists.attributes || !lists.events || !lists.links)
        return STATUS_TOO_LARGE;
    out->attributes.items = lists.attributes;
    out->events = lists.events;
    out->links = lists.links;
    while (wire_next(&reader, &field) == STATUS_OK) {
        const enum status status = read_item(spans, &field, &lists, out);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static enum status read_span(struct proto_envelope *in, struct text message)
{
    struct otlp_span span = {.resource = in->resource,
                             .scope = in->scope,
                             .name = {"", 0},
                             .status_message = {"", 0},
                             .trace_state = {"", 0}};
    struct counts counts = {0};
    bool refused = false;
    enum status status = read_flat(in->spans, message, &span, &counts, &refused);
    if (status == STATUS_OK && !refused)
        status = read_lists(in->spans, message, &counts, &span);
    if (status == STATUS_INVALID)
        return proto_envelope_broken(in, message, "span");
    if (status == STATUS_OK && refused) {
        in->refused++;
        return STATUS_OK;
    }
    if (status == STATUS_TOO_LARGE)
        in->spans->rejected++;
    else
        status = spans_add(in->spans, &span);
    if (status != STATUS_OK)
        in->overfull = status;
    return STATUS_OK;
}

enum status otlp_proto_read(struct spans *spans, const void *bytes, size_t length_bytes,
                            uint64_t *refused, struct error *error)
{
    struct proto_envelope in = {.spans = spans, .read = read_span, .begin = bytes, .error = error};
    const enum status status = proto_envelope_read(&in, (struct text){bytes, length_bytes});
    if (refused)
        *refused = in.refused;
    if (status != STATUS_OK)
        return status;
    return in.overfull == STATUS_OK
               ? STATUS_OK
               : error_set(error, in.overfull, "more spans than there is room for");
}
