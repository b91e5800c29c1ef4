#include "otlp/otlp_json.h"

#include <stddef.h>

#include "otlp/json_envelope.h"
#include "otlp/json_in.h"
#include "otlp/json_values.h"
#include "otlp/pile.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Ids that are none stay zero. */
static void read_trace_id(struct json_in *in, void *target)
{
    (void)json_in_hex(json_in_string(in), target, 16, false);
}

static void read_span_id(struct json_in *in, void *target)
{
    (void)json_in_hex(json_in_string(in), target, 8, false);
}

static bool is_zero(const uint8_t *id, size_t length)
{
    uint8_t any = 0;
    for (size_t i = 0; i < length; i++)
        any |= id[i];
    return any == 0;
}

static void read_event(struct json_in *in, void *target)
{
    static const struct json_in_field fields[] = {
        {"timeUnixNano", json_in_u64, offsetof(struct otlp_event, time_ns)},
        {"name", json_in_name, offsetof(struct otlp_event, name)},
        {"attributes", json_values_read, offsetof(struct otlp_event, attributes)},
        {"droppedAttributesCount", json_in_u32,
         offsetof(struct otlp_event, attributes.dropped_count)},
    };
    struct otlp_event event = {.name = {"", 0}};
    (void)target;
    json_in_object(in, fields, COUNT(fields), &event);
    buffer_append(&in->pile, &event, sizeof(event));
}

/* `target` counts the links without ids, which are left out. */
static void read_link(struct json_in *in, void *target)
{
    static const struct json_in_field fields[] = {
        {"traceId", read_trace_id, offsetof(struct otlp_link, trace_id)},
        {"spanId", read_span_id, offsetof(struct otlp_link, span_id)},
        {"traceState", json_in_text, offsetof(struct otlp_link, trace_state)},
        {"attributes", json_values_read, offsetof(struct otlp_link, attributes)},
        {"droppedAttributesCount", json_in_u32,
         offsetof(struct otlp_link, attributes.dropped_count)},
        {"flags", json_in_u32, offsetof(struct otlp_link, flags)},
    };
    struct otlp_link link = {.trace_state = {"", 0}};
    uint32_t *without_ids = target;
    json_in_object(in, fields, COUNT(fields), &link);
    if (is_zero(link.trace_id, sizeof(link.trace_id)) ||
        is_zero(link.span_id, sizeof(link.span_id)))
        ++*without_ids;
    else
        buffer_append(&in->pile, &link, sizeof(link));
}

/* Takes the list off the pile; *count stays 0 when it does not fit. */
static const void *take_list(struct json_in *in, size_t mark, size_t item_bytes, uint32_t *count)
{
    const size_t found = (in->pile.length_bytes - mark) / item_bytes;
    const void *list = pile_take(&in->pile, mark, &in->spans->arena);
    in->overfull |= !list;
    *count = list ? (uint32_t)found : 0;
    return list;
}

/* A span and what is only known at its end. */
struct span_in {
    struct otlp_span span;
    uint32_t links_without_ids;
    uint32_t kind, status;
    bool wrong_parent;
};

static void read_events(struct json_in *in, void *target)
{
    struct otlp_span *span = target;
    const size_t mark = in->pile.length_bytes;
    json_in_array(in, read_event, NULL);
    span->events = take_list(in, mark, sizeof(struct otlp_event), &span->event_count);
}

static void read_links(struct json_in *in, void *target)
{
    struct span_in *out = target;
    const size_t mark = in->pile.length_bytes;
    json_in_array(in, read_link, &out->links_without_ids);
    out->span.links = take_list(in, mark, sizeof(struct otlp_link), &out->span.link_count);
}

static void read_parent_id(struct json_in *in, void *target)
{
    struct span_in *out = target;
    const struct text id = json_in_string(in);
    out->wrong_parent = !json_in_hex(id, out->span.parent_id, 8, false) && id.length > 0;
}

/* OTLP has integers here and no names. */
static void read_enum(struct json_in *in, void *target)
{
    if (in->reader.token != JSON_NUMBER && in->reader.token != JSON_NULL)
        json_in_wrong(in, "expected the number of an enum's value");
    json_in_u32(in, target);
}

static void read_status(struct json_in *in, void *target)
{
    static const struct json_in_field fields[] = {
        {"code", read_enum, offsetof(struct span_in, status)},
        {"message", json_in_text, offsetof(struct span_in, span.status_message)},
    };
    json_in_object(in, fields, COUNT(fields), target);
}

#define OF_SPAN(member) offsetof(struct span_in, span.member)

static const struct json_in_field span_fields[] = {
    {"traceId", read_trace_id, OF_SPAN(trace_id)},
    {"spanId", read_span_id, OF_SPAN(span_id)},
    {"parentSpanId", read_parent_id, 0},
    {"flags", json_in_u32, OF_SPAN(flags)},
    {"name", json_in_name, OF_SPAN(name)},
    {"kind", read_enum, offsetof(struct span_in, kind)},
    {"startTimeUnixNano", json_in_u64, OF_SPAN(start_ns)},
    {"endTimeUnixNano", json_in_u64, OF_SPAN(end_ns)},
    {"attributes", json_values_read, OF_SPAN(attributes)},
    {"events", read_events, 0},
    {"links", read_links, 0},
    {"status", read_status, 0},
    {"traceState", json_in_text, OF_SPAN(trace_state)},
    {"droppedAttributesCount", json_in_u32, OF_SPAN(attributes.dropped_count)},
    {"droppedEventsCount", json_in_u32, OF_SPAN(dropped_event_count)},
    {"droppedLinksCount", json_in_u32, OF_SPAN(dropped_link_count)},
};

static void keep_span(struct json_in *in, struct span_in *read)
{
    struct otlp_span *span = &read->span;
    span->kind = read->kind <= OTLP_KIND_CONSUMER ? (uint8_t)read->kind : 0;
    span->status = read->status <= OTLP_STATUS_ERROR ? (uint8_t)read->status : 0;
    span->dropped_link_count += read->links_without_ids;
    if (read->wrong_parent || is_zero(span->trace_id, sizeof(span->trace_id)) ||
        is_zero(span->span_id, sizeof(span->span_id))) {
        in->refused++;
        return;
    }
    if (!in->overfull && span->resource && span->scope) {
        in->rejected += spans_add(in->spans, span) != STATUS_OK;
        return;
    }
    in->spans->rejected++;
    in->rejected++;
}

static void read_span(struct json_in *in, void *target)
{
    const struct json_envelope *origin = in->context;
    struct span_in read = {.span = {.resource = origin->resource,
                                    .scope = origin->scope,
                                    .name = {"", 0},
                                    .status_message = {"", 0},
                                    .trace_state = {"", 0}}};
    (void)target;
    in->overfull = false;
    if (in->pile.failed != STATUS_OK)
        buffer_clear(&in->pile);
    json_in_object(in, span_fields, COUNT(span_fields), &read);
    if (json_in_fine(in))
        keep_span(in, &read);
}

enum status otlp_json_read(struct spans *spans, const char *json, size_t length, uint64_t *refused,
                           struct error *error)
{
    struct json_in in;
    struct json_envelope envelope = {.words = {"resourceSpans", "scopeSpans", "spans"},
                                     .read = read_span};
    json_in_init(&in, spans, json, length);
    json_envelope_read(&in, &envelope);
    const enum status status = json_in_status(&in, error);
    if (refused)
        *refused = in.refused;
    json_in_release(&in);
    return status;
}
