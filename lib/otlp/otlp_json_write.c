#include <stdlib.h>

#include "otlp/grouping.h"
#include "otlp/json_values.h"
#include "otlp/otlp_json.h"

static void write_text_if(const char *key, struct text value, struct json_writer *writer)
{
    if (value.length == 0)
        return;
    json_field_text(writer, key, value);
}

static void write_u32_if(const char *key, uint32_t value, struct json_writer *writer)
{
    if (value == 0)
        return;
    json_field_u64(writer, key, value);
}

static void write_time(const char *key, uint64_t time_ns, struct json_writer *writer)
{
    json_field_u64_string(writer, key, time_ns);
}

static void write_id(const char *key, const uint8_t *id, size_t length, struct json_writer *writer)
{
    json_field_hex(writer, key, id, length);
}

static void write_attributes(const struct otlp_attributes *attributes, struct json_writer *writer)
{
    if (attributes->count > 0) {
        json_key(writer, "attributes");
        json_values_write(attributes, writer);
    }
    write_u32_if("droppedAttributesCount", attributes->dropped_count, writer);
}

static void write_events(const struct otlp_span *span, struct json_writer *writer)
{
    if (span->event_count == 0)
        return;
    json_key(writer, "events");
    json_begin_array(writer);
    for (uint32_t i = 0; i < span->event_count; i++) {
        const struct otlp_event *event = &span->events[i];
        json_begin_object(writer);
        write_time("timeUnixNano", event->time_ns, writer);
        write_text_if("name", event->name, writer);
        write_attributes(&event->attributes, writer);
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void write_links(const struct otlp_span *span, struct json_writer *writer)
{
    if (span->link_count == 0)
        return;
    json_key(writer, "links");
    json_begin_array(writer);
    for (uint32_t i = 0; i < span->link_count; i++) {
        const struct otlp_link *link = &span->links[i];
        json_begin_object(writer);
        write_id("traceId", link->trace_id, sizeof(link->trace_id), writer);
        write_id("spanId", link->span_id, sizeof(link->span_id), writer);
        write_text_if("traceState", link->trace_state, writer);
        write_attributes(&link->attributes, writer);
        write_u32_if("flags", link->flags, writer);
        json_end_object(writer);
    }
    json_end_array(writer);
}

/* Always there, as Jaeger writes it: {} when unset. */
static void write_status(const struct otlp_span *span, struct json_writer *writer)
{
    json_key(writer, "status");
    json_begin_object(writer);
    write_text_if("message", span->status_message, writer);
    write_u32_if("code", span->status, writer);
    json_end_object(writer);
}

static void write_span(const struct otlp_span *span, struct json_writer *writer)
{
    json_begin_object(writer);
    write_id("traceId", span->trace_id, sizeof(span->trace_id), writer);
    write_id("spanId", span->span_id, sizeof(span->span_id), writer);
    write_text_if("traceState", span->trace_state, writer);
    if (!otlp_span_is_root(span))
        write_id("parentSpanId", span->parent_id, sizeof(span->parent_id), writer);
    write_u32_if("flags", span->flags, writer);
    write_text_if("name", span->name, writer);
    write_u32_if("kind", span->kind, writer);
    write_time("startTimeUnixNano", span->start_ns, writer);
    write_time("endTimeUnixNano", span->end_ns, writer);
    write_attributes(&span->attributes, writer);
    write_events(span, writer);
    write_u32_if("droppedEventsCount", span->dropped_event_count, writer);
    write_links(span, writer);
    write_u32_if("droppedLinksCount", span->dropped_link_count, writer);
    write_status(span, writer);
    json_end_object(writer);
}

static void write_scope(const struct grouping_item *items, size_t count, struct json_writer *writer)
{
    json_begin_object(writer);
    json_key(writer, "scope");
    json_begin_object(writer);
    write_text_if("name", items[0].span->scope->name, writer);
    write_text_if("version", items[0].span->scope->version, writer);
    json_end_object(writer);
    json_key(writer, "spans");
    json_begin_array(writer);
    for (size_t i = 0; i < count; i++)
        write_span(items[i].span, writer);
    json_end_array(writer);
    json_end_object(writer);
}

static void write_resource(const struct grouping_item *items, size_t count,
                           struct json_writer *writer)
{
    json_begin_object(writer);
    json_key(writer, "resource");
    json_begin_object(writer);
    write_attributes(&items[0].span->resource->attributes, writer);
    json_end_object(writer);
    json_key(writer, "scopeSpans");
    json_begin_array(writer);
    for (size_t at = 0; at < count;) {
        const size_t run = grouping_run(items, at, count, true);
        write_scope(items + at, run, writer);
        at += run;
    }
    json_end_array(writer);
    json_end_object(writer);
}

void otlp_json_write(const struct spans *spans, size_t first, size_t count,
                     struct json_writer *writer)
{
    struct grouping_item *items = grouping_new(spans, first, count);
    if (!items) {
        writer->out->failed = STATUS_NO_MEMORY;
        return;
    }
    json_begin_array(writer);
    for (size_t at = 0; at < count;) {
        const size_t run = grouping_run(items, at, count, false);
        write_resource(items + at, run, writer);
        at += run;
    }
    json_end_array(writer);
    free(items);
}
