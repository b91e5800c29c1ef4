#include "services/collector/summary.h"

#include <string.h>

enum { SERVICES_MAX = 1024 };

struct service_figures {
    struct text name;
    size_t spans, errors;
};

struct figures {
    uint64_t start_ns, end_ns;
    size_t errors, orphans;
    const struct otlp_span *root; /* the first span without a parent here */
    struct map ids;               /* span ids */
    struct map by_service;        /* name's data pointer: interned -> index */
    struct buffer services;       /* struct service_figures */
};

static void count_service(struct figures *figures, const struct otlp_span *span)
{
    bool added;
    const struct text *name = &span->resource->service;
    uint64_t *slot = map_put(&figures->by_service, name->data, name->length, &added);
    if (!slot)
        return;
    if (added) {
        const struct service_figures fresh = {*name, 0, 0};
        *slot = figures->services.length_bytes / sizeof(fresh);
        buffer_append(&figures->services, &fresh, sizeof(fresh));
    }
    struct service_figures *items = (void *)figures->services.data;
    items[*slot].spans++;
    items[*slot].errors += span->status == OTLP_STATUS_ERROR;
}

static void count_span(struct figures *figures, const struct otlp_span *span)
{
    const bool is_root = otlp_span_is_root(span);
    const bool is_orphan =
        !is_root && !map_find(&figures->ids, span->parent_id, sizeof(span->parent_id));
    figures->start_ns = span->start_ns < figures->start_ns ? span->start_ns : figures->start_ns;
    figures->end_ns = span->end_ns > figures->end_ns ? span->end_ns : figures->end_ns;
    figures->errors += span->status == OTLP_STATUS_ERROR;
    figures->orphans += is_orphan;
    if ((is_root && (!figures->root || !otlp_span_is_root(figures->root))) ||
        (is_orphan && !figures->root))
        figures->root = span;
    count_service(figures, span);
}

static void write_services(const struct figures *figures, struct json_writer *writer)
{
    const struct service_figures *items = (const void *)figures->services.data;
    const size_t count = figures->services.length_bytes / sizeof(*items);
    json_key(writer, "services");
    json_begin_array(writer);
    for (size_t i = 0; i < count; i++) {
        json_begin_object(writer);
        json_field_text(writer, "name", items[i].name);
        json_field_u64(writer, "spanCount", items[i].spans);
        json_field_u64(writer, "errorSpanCount", items[i].errors);
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void write_figures(const struct figures *figures, const struct otlp_span *first,
                          size_t count, struct json_writer *writer)
{
    const struct otlp_span *root = figures->root ? figures->root : first;
    json_begin_object(writer);
    json_field_hex(writer, "traceId", first->trace_id, sizeof(first->trace_id));
    json_field_text(writer, "rootServiceName", root->resource->service);
    json_field_text(writer, "rootOperationName", root->name);
    json_field_u64_string(writer, "minStartTimeUnixNano", figures->start_ns);
    json_field_u64_string(writer, "maxEndTimeUnixNano", figures->end_ns);
    json_field_u64(writer, "spanCount", count);
    json_field_u64(writer, "errorSpanCount", figures->errors);
    json_field_u64(writer, "orphanSpanCount", figures->orphans);
    write_services(figures, writer);
    json_end_object(writer);
}

void summary_write(const struct spans *spans, size_t first, size_t count,
                   struct json_writer *writer)
{
    struct figures figures = {.start_ns = UINT64_MAX};
    const struct otlp_span *items = spans->items + first;
    if (count == 0)
        return;
    map_init(&figures.ids, count);
    map_init(&figures.by_service, SERVICES_MAX);
    buffer_init(&figures.services, SERVICES_MAX * sizeof(struct service_figures));
    for (size_t i = 0; i < count; i++)
        (void)map_put(&figures.ids, items[i].span_id, sizeof(items[i].span_id), NULL);
    for (size_t i = 0; i < count; i++)
        count_span(&figures, &items[i]);
    write_figures(&figures, items, count, writer);
    map_release(&figures.ids);
    map_release(&figures.by_service);
    buffer_release(&figures.services);
}

void summary_write_edges(const struct catalogue *edges, struct text of,
                         void (*count)(struct json_writer *, uint64_t), struct json_writer *writer)
{
    size_t item_count;
    const struct catalogue_edge *items = catalogue_edge_items(edges, &item_count);
    for (size_t i = 0; i < item_count; i++) {
        if (of.length > 0 && !text_equal(of, items[i].parent) && !text_equal(of, items[i].child))
            continue;
        json_begin_object(writer);
        json_field_text(writer, "parent", items[i].parent);
        json_field_text(writer, "child", items[i].child);
        json_key(writer, "callCount");
        count(writer, items[i].calls);
        json_end_object(writer);
    }
}
