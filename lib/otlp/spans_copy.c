#include "otlp/spans_copy.h"

#include "otlp/spans_origin.h"

static bool copy_text(struct spans *spans, struct text *value)
{
    *value = spans_text(spans, *value);
    return value->data;
}

static bool copy_name(struct spans *spans, struct text *value)
{
    *value = spans_intern(spans, *value);
    return value->data;
}

/* Recursion is bounded: values of a set are at most OTLP_VALUE_DEPTH_MAX deep. */
static bool copy_value(struct spans *spans, struct otlp_value *value)
{
    switch (value->type) {
    case OTLP_TEXT:
    case OTLP_BYTES:
        return copy_text(spans, &value->text);
    case OTLP_ARRAY:
    case OTLP_LIST: {
        struct otlp_attributes items = {.items = value->items, .count = value->item_count};
        const bool copied = spans_copy_attributes(spans, &items);
        value->items = items.items;
        return copied;
    }
    default:
        return true;
    }
}

bool spans_copy_attributes(struct spans *spans, struct otlp_attributes *attributes)
{
    struct otlp_attribute *items =
        arena_alloc_array(&spans->arena, attributes->count, sizeof(*items));
    if (!items)
        return false;
    for (uint32_t i = 0; i < attributes->count; i++) {
        items[i] = attributes->items[i];
        if (!copy_name(spans, &items[i].key) || !copy_value(spans, &items[i].value))
            return false;
    }
    attributes->items = items;
    return true;
}

static bool copy_events(struct spans *spans, struct otlp_span *span)
{
    struct otlp_event *events =
        arena_alloc_array(&spans->arena, span->event_count, sizeof(*events));
    if (!events)
        return false;
    for (uint32_t i = 0; i < span->event_count; i++) {
        events[i] = span->events[i];
        if (!copy_name(spans, &events[i].name) ||
            !spans_copy_attributes(spans, &events[i].attributes))
            return false;
    }
    span->events = events;
    return true;
}

static bool copy_links(struct spans *spans, struct otlp_span *span)
{
    struct otlp_link *links = arena_alloc_array(&spans->arena, span->link_count, sizeof(*links));
    if (!links)
        return false;
    for (uint32_t i = 0; i < span->link_count; i++) {
        links[i] = span->links[i];
        if (!copy_text(spans, &links[i].trace_state) ||
            !spans_copy_attributes(spans, &links[i].attributes))
            return false;
    }
    span->links = links;
    return true;
}

static bool copy_origin(struct spans *spans, struct otlp_span *span)
{
    span->resource = spans_origin_resource(spans, &span->resource->attributes);
    span->scope = spans_origin_scope(spans, span->scope->name, span->scope->version);
    return span->resource && span->scope;
}

enum status spans_copy(struct spans *spans, const struct otlp_span *span)
{
    struct otlp_span copy = *span;
    const bool copied =
        copy_name(spans, &copy.name) && copy_text(spans, &copy.status_message) &&
        copy_text(spans, &copy.trace_state) && spans_copy_attributes(spans, &copy.attributes) &&
        copy_events(spans, &copy) && copy_links(spans, &copy) && copy_origin(spans, &copy);
    if (!copied) {
        spans->rejected++;
        return STATUS_TOO_LARGE;
    }
    return spans_add(spans, &copy);
}
