#include "otlp/jaeger_json.h"

#include <stddef.h>
#include <string.h>

#include "otlp/jaeger_tags.h"
#include "otlp/json_in.h"
#include "otlp/pile.h"
#include "otlp/spans_origin.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { NS_PER_US = 1000 };

/* The trace at hand: its processes by their ids ("p1"). */
struct trace_in {
    struct map processes; /* id -> const struct otlp_resource * */
    struct json_reader spans_at;
    bool has_spans;
};

struct process_in {
    struct text service;
    struct otlp_attributes tags;
};

/* The service's name goes where OpenTelemetry has it: among the resource's attributes, first. */
static const struct otlp_resource *resource_of(struct json_in *in, const struct process_in *process)
{
    struct otlp_attribute *items =
        arena_alloc_array(&in->spans->arena, process->tags.count + 1, sizeof(*items));
    if (!items)
        return NULL;
    items[0].key = text_of("service.name");
    items[0].value = (struct otlp_value){.type = OTLP_TEXT, .text = process->service};
    if (process->tags.count > 0)
        memcpy(items + 1, process->tags.items, process->tags.count * sizeof(*items));
    const bool named = process->service.length > 0;
    const struct otlp_attributes attributes = {named ? items : items + 1,
                                               process->tags.count + (named ? 1 : 0), 0};
    return spans_origin_resource(in->spans, &attributes);
}

static void read_process(struct json_in *in, void *target)
{
    static const struct json_in_field fields[] = {
        {"serviceName", json_in_name, offsetof(struct process_in, service)},
        {"tags", jaeger_tags_read, offsetof(struct process_in, tags)},
    };
    json_in_object(in, fields, COUNT(fields), target);
}

/* Keys are ids that the file chose, so there is no table of them. */
static void read_processes(struct json_in *in, void *target)
{
    struct trace_in *trace = target;
    if (in->reader.token == JSON_NULL)
        return;
    if (in->reader.token != JSON_OBJECT_BEGIN)
        json_in_wrong(in, "expected an object");
    while (json_in_fine(in) && json_reader_next(&in->reader) == JSON_KEY) {
        const struct text id = spans_intern(in->spans, in->reader.text);
        struct process_in process = {.service = {"", 0}};
        json_reader_next(&in->reader);
        read_process(in, &process);
        const struct otlp_resource *resource =
            json_in_fine(in) && id.data ? resource_of(in, &process) : NULL;
        uint64_t *slot = resource ? map_put(&trace->processes, id.data, id.length, NULL) : NULL;
        if (slot)
            *slot = (uintptr_t)resource;
    }
}

static void read_trace_id(struct json_in *in, void *target)
{
    (void)json_in_hex(json_in_string(in), target, 16, true);
}

static void read_span_id(struct json_in *in, void *target)
{
    (void)json_in_hex(json_in_string(in), target, 8, true);
}

struct reference_in {
    struct text type;
    struct otlp_link link;
};

static void read_reference(struct json_in *in, void *target)
{
    static const struct json_in_field fields[] = {
        {"refType", json_in_name, offsetof(struct reference_in, type)},
        {"traceID", read_trace_id, offsetof(struct reference_in, link.trace_id)},
        {"spanID", read_span_id, offsetof(struct reference_in, link.span_id)},
    };
    struct reference_in reference = {.type = {"", 0}, .link.trace_state = {"", 0}};
    (void)target;
    json_in_object(in, fields, COUNT(fields), &reference);
    buffer_append(&in->pile, &reference, sizeof(reference));
}

static void read_event(struct json_in *in, void *target)
{
    struct otlp_event event = {.name = {"", 0}};
    static const struct json_in_field fields[] = {
        {"timestamp", json_in_u64, offsetof(struct otlp_event, time_ns)},
        {"fields", jaeger_tags_read, offsetof(struct otlp_event, attributes)},
    };
    (void)target;
    json_in_object(in, fields, COUNT(fields), &event);
    event.time_ns *= NS_PER_US;
    jaeger_tags_take_name(&event);
    buffer_append(&in->pile, &event, sizeof(event));
}

struct span_in {
    struct otlp_span span;
    struct reference_in *references;
    size_t reference_count;
    struct text process;
    struct text parent;
    uint64_t start_us, duration_us;
};

static void read_references(struct json_in *in, void *target)
{
    struct span_in *out = target;
    const size_t mark = in->pile.length_bytes;
    json_in_array(in, read_reference, NULL);
    const size_t count = (in->pile.length_bytes - mark) / sizeof(struct reference_in);
    out->references = pile_take(&in->pile, mark, &in->spans->arena);
    out->reference_count = out->references ? count : 0;
    in->overfull |= !out->references;
}

static void read_logs(struct json_in *in, void *target)
{
    struct span_in *out = target;
    const size_t mark = in->pile.length_bytes;
    json_in_array(in, read_event, NULL);
    const size_t count = (in->pile.length_bytes - mark) / sizeof(struct otlp_event);
    out->span.events = pile_take(&in->pile, mark, &in->spans->arena);
    out->span.event_count = out->span.events ? (uint32_t)count : 0;
    in->overfull |= !out->span.events;
}

/* The parent is the first CHILD_OF within the trace. Where there is none it is the first reference
 * of any other type: Jaeger folds a parent that is linked to as well, as a consumer's is, into one
 * FOLLOWS_FROM. The number of references: no parent. */
static size_t parent_index(const struct span_in *read)
{
    size_t found = read->reference_count;
    bool is_child = false;
    for (size_t i = read->reference_count; i-- > 0;) {
        const struct reference_in *reference = &read->references[i];
        const bool child_of = text_is(reference->type, "CHILD_OF");
        if (memcmp(reference->link.trace_id, read->span.trace_id, 16) != 0 ||
            (is_child && !child_of))
            continue;
        found = i;
        is_child = child_of;
    }
    return found;
}

/* All but a CHILD_OF parent are links. */
static void split_references(struct json_in *in, struct span_in *read)
{
    const size_t parent = parent_index(read);
    struct otlp_link *links =
        arena_alloc_array(&in->spans->arena, read->reference_count, sizeof(*links));
    if (!links) {
        in->overfull = true;
        return;
    }
    for (size_t i = 0; i < read->reference_count; i++) {
        const struct reference_in *reference = &read->references[i];
        if (i == parent)
            memcpy(read->span.parent_id, reference->link.span_id, 8);
        if (i != parent || !text_is(reference->type, "CHILD_OF"))
            links[read->span.link_count++] = reference->link;
    }
    read->span.links = links;
    if (parent == read->reference_count)
        (void)json_in_hex(read->parent, read->span.parent_id, 8, true);
}

#define OF_SPAN(member) offsetof(struct span_in, span.member)

static const struct json_in_field span_fields[] = {
    {"traceID", read_trace_id, OF_SPAN(trace_id)},
    {"spanID", read_span_id, OF_SPAN(span_id)},
    {"parentSpanID", json_in_text, offsetof(struct span_in, parent)},
    {"flags", json_in_u32, OF_SPAN(flags)},
    {"operationName", json_in_name, OF_SPAN(name)},
    {"references", read_references, 0},
    {"startTime", json_in_u64, offsetof(struct span_in, start_us)},
    {"duration", json_in_u64, offsetof(struct span_in, duration_us)},
    {"tags", jaeger_tags_read, OF_SPAN(attributes)},
    {"logs", read_logs, 0},
    {"processID", json_in_name, offsetof(struct span_in, process)},
};

static const struct otlp_resource *find_process(struct json_in *in, struct text id)
{
    static const struct otlp_attributes none;
    const struct trace_in *trace = in->context;
    const uint64_t *slot = map_find(&trace->processes, id.data, id.length);
    return slot ? (const struct otlp_resource *)(uintptr_t)*slot
                : spans_origin_resource(in->spans, &none);
}

static bool is_zero(const uint8_t *id, size_t length)
{
    uint8_t any = 0;
    for (size_t i = 0; i < length; i++)
        any |= id[i];
    return any == 0;
}

static void keep_span(struct json_in *in, struct span_in *read)
{
    struct otlp_span *span = &read->span;
    if (is_zero(span->trace_id, sizeof(span->trace_id)) ||
        is_zero(span->span_id, sizeof(span->span_id))) {
        in->refused++;
        return;
    }
    span->start_ns = read->start_us * NS_PER_US;
    span->end_ns = (read->start_us + read->duration_us) * NS_PER_US;
    split_references(in, read);
    span->resource = find_process(in, read->process);
    in->overfull |= !jaeger_tags_apply(in->spans, span);
    if (!in->overfull && span->resource) {
        in->rejected += spans_add(in->spans, span) != STATUS_OK;
        return;
    }
    in->spans->rejected++;
    in->rejected++;
}

static void read_span(struct json_in *in, void *target)
{
    struct span_in read = {
        .span = {.name = {"", 0}, .status_message = {"", 0}, .trace_state = {"", 0}},
        .process = {"", 0},
        .parent = {"", 0}};
    (void)target;
    in->overfull = false;
    if (in->pile.failed != STATUS_OK)
        buffer_clear(&in->pile);
    json_in_object(in, span_fields, COUNT(span_fields), &read);
    if (json_in_fine(in))
        keep_span(in, &read);
}

/* Processes stand behind the spans: the spans wait for them. */
static void keep_place(struct json_in *in, void *target)
{
    struct trace_in *trace = target;
    trace->spans_at = in->reader;
    trace->has_spans = true;
    json_reader_skip(&in->reader);
}

static void read_trace(struct json_in *in, void *target)
{
    static const struct json_in_field fields[] = {{"spans", keep_place, 0},
                                                  {"processes", read_processes, 0}};
    struct trace_in trace = {0};
    (void)target;
    map_init(&trace.processes, UINT32_MAX);
    json_in_object(in, fields, COUNT(fields), &trace);
    if (json_in_fine(in) && trace.has_spans) {
        const struct json_reader behind = in->reader;
        in->reader = trace.spans_at;
        in->context = &trace;
        json_in_array(in, read_span, NULL);
        in->context = NULL;
        if (json_in_fine(in))
            in->reader = behind;
    }
    map_release(&trace.processes);
}

static void read_data(struct json_in *in, void *target)
{
    json_in_array(in, read_trace, target);
}

enum status jaeger_json_read(struct spans *spans, const char *json, size_t length,
                             uint64_t *refused, struct error *error)
{
    static const struct json_in_field fields[] = {{"data", read_data, 0}};
    struct json_in in;
    json_in_init(&in, spans, json, length);
    if (json_reader_next(&in.reader) == JSON_NULL)
        json_in_wrong(&in, "expected an object");
    json_in_object(&in, fields, COUNT(fields), &in);
    if (json_in_fine(&in))
        json_reader_next(&in.reader); /* nothing may follow */
    const enum status status = json_in_status(&in, error);
    if (refused)
        *refused = in.refused;
    json_in_release(&in);
    return status;
}
