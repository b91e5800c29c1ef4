#include <stdlib.h>

#include "otlp/grouping.h"
#include "otlp/otlp_proto.h"
#include "otlp/proto_out.h"
#include "otlp/proto_values.h"

static void write_event(const struct otlp_event *event, struct buffer *out)
{
    const size_t mark = proto_out_begin(out, OTLP_SPAN_EVENTS);
    proto_out_fixed64(out, OTLP_EVENT_TIME, event->time_ns);
    proto_out_text(out, OTLP_EVENT_NAME, event->name);
    proto_values_write(&event->attributes, OTLP_EVENT_ATTRIBUTES, out);
    proto_out_u64_if(out, OTLP_EVENT_DROPPED_ATTRIBUTES, event->attributes.dropped_count);
    proto_out_end(out, mark);
}

static void write_link(const struct otlp_link *link, struct buffer *out)
{
    const size_t mark = proto_out_begin(out, OTLP_SPAN_LINKS);
    proto_out_bytes(out, OTLP_LINK_TRACE_ID, link->trace_id, sizeof(link->trace_id));
    proto_out_bytes(out, OTLP_LINK_SPAN_ID, link->span_id, sizeof(link->span_id));
    proto_out_text(out, OTLP_LINK_TRACE_STATE, link->trace_state);
    proto_values_write(&link->attributes, OTLP_LINK_ATTRIBUTES, out);
    proto_out_u64_if(out, OTLP_LINK_DROPPED_ATTRIBUTES, link->attributes.dropped_count);
    if (link->flags != 0)
        proto_out_fixed32(out, OTLP_LINK_FLAGS, link->flags);
    proto_out_end(out, mark);
}

static void write_status(const struct otlp_span *span, struct buffer *out)
{
    if (span->status == OTLP_STATUS_UNSET && span->status_message.length == 0)
        return;
    const size_t mark = proto_out_begin(out, OTLP_SPAN_STATUS);
    proto_out_text(out, OTLP_STATUS_MESSAGE, span->status_message);
    proto_out_u64_if(out, OTLP_STATUS_CODE, span->status);
    proto_out_end(out, mark);
}

static void write_span_body(const struct otlp_span *span, struct buffer *out)
{
    proto_out_bytes(out, OTLP_SPAN_TRACE_ID, span->trace_id, sizeof(span->trace_id));
    proto_out_bytes(out, OTLP_SPAN_SPAN_ID, span->span_id, sizeof(span->span_id));
    proto_out_text(out, OTLP_SPAN_TRACE_STATE, span->trace_state);
    if (!otlp_span_is_root(span))
        proto_out_bytes(out, OTLP_SPAN_PARENT_SPAN_ID, span->parent_id, sizeof(span->parent_id));
    proto_out_text(out, OTLP_SPAN_NAME, span->name);
    proto_out_u64_if(out, OTLP_SPAN_KIND, span->kind);
    proto_out_fixed64(out, OTLP_SPAN_START_TIME, span->start_ns);
    proto_out_fixed64(out, OTLP_SPAN_END_TIME, span->end_ns);
    proto_values_write(&span->attributes, OTLP_SPAN_ATTRIBUTES, out);
    proto_out_u64_if(out, OTLP_SPAN_DROPPED_ATTRIBUTES, span->attributes.dropped_count);
    for (uint32_t i = 0; i < span->event_count; i++)
        write_event(&span->events[i], out);
    proto_out_u64_if(out, OTLP_SPAN_DROPPED_EVENTS, span->dropped_event_count);
    for (uint32_t i = 0; i < span->link_count; i++)
        write_link(&span->links[i], out);
    proto_out_u64_if(out, OTLP_SPAN_DROPPED_LINKS, span->dropped_link_count);
    write_status(span, out);
    if (span->flags != 0)
        proto_out_fixed32(out, OTLP_SPAN_FLAGS, span->flags);
}

/* Through `scratch`, so that a span's length is exact: most of a file is spans. */
static void write_span(const struct otlp_span *span, struct buffer *scratch, struct buffer *out)
{
    buffer_clear(scratch);
    write_span_body(span, scratch);
    if (scratch->failed != STATUS_OK)
        out->failed = scratch->failed;
    else
        proto_out_bytes(out, OTLP_SCOPE_SPANS_SPANS, scratch->data, scratch->length_bytes);
}

static void write_scope(const struct grouping_item *items, size_t count, struct buffer *scratch,
                        struct buffer *out)
{
    const struct otlp_scope *scope = items[0].span->scope;
    const size_t mark = proto_out_begin(out, OTLP_RESOURCE_SPANS_SCOPE_SPANS);
    const size_t scope_mark = proto_out_begin(out, OTLP_SCOPE_SPANS_SCOPE);
    proto_out_text(out, OTLP_SCOPE_NAME, scope->name);
    proto_out_text(out, OTLP_SCOPE_VERSION, scope->version);
    proto_out_end(out, scope_mark);
    for (size_t i = 0; i < count; i++)
        write_span(items[i].span, scratch, out);
    proto_out_end(out, mark);
}

static void write_resource(const struct grouping_item *items, size_t count, struct buffer *scratch,
                           struct buffer *out)
{
    const struct otlp_attributes *attributes = &items[0].span->resource->attributes;
    const size_t mark = proto_out_begin(out, OTLP_REQUEST_RESOURCE_SPANS);
    const size_t resource_mark = proto_out_begin(out, OTLP_RESOURCE_SPANS_RESOURCE);
    proto_values_write(attributes, OTLP_RESOURCE_ATTRIBUTES, out);
    proto_out_u64_if(out, OTLP_RESOURCE_DROPPED_ATTRIBUTES, attributes->dropped_count);
    proto_out_end(out, resource_mark);
    for (size_t at = 0; at < count;) {
        const size_t run = grouping_run(items, at, count, true);
        write_scope(items + at, run, scratch, out);
        at += run;
    }
    proto_out_end(out, mark);
}

enum status otlp_proto_write(const struct spans *spans, size_t first, size_t count,
                             struct buffer *out)
{
    struct grouping_item *items = grouping_new(spans, first, count);
    struct buffer scratch;
    if (!items) {
        out->failed = STATUS_NO_MEMORY;
        return out->failed;
    }
    buffer_init(&scratch, out->max_bytes);
    for (size_t at = 0; at < count;) {
        const size_t run = grouping_run(items, at, count, false);
        write_resource(items + at, run, &scratch, out);
        at += run;
    }
    buffer_release(&scratch);
    free(items);
    return out->failed;
}
