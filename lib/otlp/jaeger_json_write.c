#include <inttypes.h>
#include <stdio.h>

#include "otlp/jaeger_json.h"
#include "otlp/jaeger_tags.h"

enum { NS_PER_US = 1000, FLAG_SAMPLED = 1 };

/* Resources of the trace in order of appearance; a span's rank is its process's number. */
struct processes {
    struct map ranks; /* const struct otlp_resource * as bytes -> rank */
};

static uint64_t process_of(struct processes *processes, const struct otlp_span *span)
{
    bool added;
    const size_t before = processes->ranks.count;
    uint64_t *rank = map_put(&processes->ranks, &span->resource, sizeof(span->resource), &added);
    if (!rank)
        return 0;
    if (added)
        *rank = before + 1;
    return *rank;
}

static void write_reference(const char *type, const uint8_t *trace_id, const uint8_t *span_id,
                            struct json_writer *writer)
{
    json_begin_object(writer);
    json_field_cstring(writer, "refType", type);
    json_field_hex(writer, "traceID", trace_id, 16);
    json_field_hex(writer, "spanID", span_id, 8);
    json_end_object(writer);
}

static void write_references(const struct otlp_span *span, struct json_writer *writer)
{
    json_key(writer, "references");
    json_begin_array(writer);
    if (!otlp_span_is_root(span))
        write_reference("CHILD_OF", span->trace_id, span->parent_id, writer);
    for (uint32_t i = 0; i < span->link_count; i++)
        write_reference("FOLLOWS_FROM", span->links[i].trace_id, span->links[i].span_id, writer);
    json_end_array(writer);
}

static void write_logs(const struct otlp_span *span, struct json_writer *writer)
{
    json_key(writer, "logs");
    json_begin_array(writer);
    for (uint32_t i = 0; i < span->event_count; i++) {
        json_begin_object(writer);
        json_field_u64(writer, "timestamp", span->events[i].time_ns / NS_PER_US);
        json_key(writer, "fields");
        json_begin_array(writer);
        jaeger_tags_write_text("event", span->events[i].name, writer);
        jaeger_tags_write(&span->events[i].attributes, writer);
        json_end_array(writer);
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void write_times(const struct otlp_span *span, struct json_writer *writer)
{
    const uint64_t start_us = span->start_ns / NS_PER_US, end_us = span->end_ns / NS_PER_US;
    json_field_u64(writer, "startTime", start_us);
    json_field_u64(writer, "duration", end_us > start_us ? end_us - start_us : 0);
}

/* Jaeger takes times that run backwards as nothing; it says so in the span's warnings. */
static void write_warnings(const struct otlp_span *span, struct json_writer *writer)
{
    json_key(writer, "warnings");
    if (span->end_ns >= span->start_ns) {
        json_nil(writer);
        return;
    }
    json_begin_array(writer);
    json_cstring(writer, "the span ends before it starts");
    json_end_array(writer);
}

static void write_span(const struct otlp_span *span, struct processes *processes,
                       struct json_writer *writer)
{
    char process[32];
    snprintf(process, sizeof(process), "p%" PRIu64, process_of(processes, span));
    json_begin_object(writer);
    json_field_hex(writer, "traceID", span->trace_id, sizeof(span->trace_id));
    json_field_hex(writer, "spanID", span->span_id, sizeof(span->span_id));
    json_field_u64(writer, "flags", span->flags & FLAG_SAMPLED);
    json_field_text(writer, "operationName", span->name);
    write_references(span, writer);
    write_times(span, writer);
    json_key(writer, "tags");
    json_begin_array(writer);
    jaeger_tags_write(&span->attributes, writer);
    jaeger_tags_write_fields(span, writer);
    json_end_array(writer);
    write_logs(span, writer);
    json_field_cstring(writer, "processID", process);
    write_warnings(span, writer);
    json_end_object(writer);
}

static void write_process(const struct otlp_resource *resource, uint64_t rank,
                          struct json_writer *writer)
{
    char process[32];
    snprintf(process, sizeof(process), "p%" PRIu64, rank);
    json_key(writer, process);
    json_begin_object(writer);
    json_field_text(writer, "serviceName", resource->service);
    json_key(writer, "tags");
    json_begin_array(writer);
    for (uint32_t i = 0; i < resource->attributes.count; i++) {
        const struct otlp_attributes one = {&resource->attributes.items[i], 1, 0};
        if (!text_is(one.items->key, "service.name"))
            jaeger_tags_write(&one, writer);
    }
    json_end_array(writer);
    json_end_object(writer);
}

void jaeger_json_write(const struct spans *spans, size_t first, size_t count,
                       struct json_writer *writer)
{
    struct processes processes;
    uint64_t written = 0;
    map_init(&processes.ranks, count + 1);
    json_begin_object(writer);
    json_field_hex(writer, "traceID", count ? spans->items[first].trace_id : (const uint8_t[16]){0},
                   16);
    json_key(writer, "spans");
    json_begin_array(writer);
    for (size_t i = 0; i < count; i++)
        write_span(&spans->items[first + i], &processes, writer);
    json_end_array(writer);
    json_key(writer, "processes");
    json_begin_object(writer);
    for (size_t i = 0; i < count; i++) {
        const uint64_t rank = process_of(&processes, &spans->items[first + i]);
        if (rank > written) { /* ranks rise in order of appearance */
            written = rank;
            write_process(spans->items[first + i].resource, rank, writer);
        }
    }
    json_end_object(writer);
    json_key(writer, "warnings");
    json_nil(writer);
    json_end_object(writer);
    map_release(&processes.ranks);
}
