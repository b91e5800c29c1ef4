#include "services/collector/open_trace.h"

#include <stdlib.h>
#include <string.h>

#include "base/otlp_fields.h"
#include "otlp/proto_out.h"

enum { SPANS_MIN = 16, GROUPS_MIN = 4, BYTES_MIN = 2048, GROUPS_LOOKED_AT = 64 };

struct open_trace *open_trace_new(const uint8_t id[16])
{
    struct open_trace *trace = calloc(1, sizeof(*trace));
    if (!trace)
        return NULL;
    memcpy(trace->id, id, sizeof(trace->id));
    trace->start_ns = UINT64_MAX;
    buffer_init(&trace->bytes, OPEN_TRACE_BYTES_MAX);
    return trace;
}

void open_trace_free(struct open_trace *trace)
{
    if (!trace)
        return;
    buffer_release(&trace->bytes);
    free(trace->groups);
    free(trace->spans);
    free(trace);
}

static bool grow(void **items, uint32_t count, uint32_t *capacity, uint32_t least,
                 size_t item_bytes)
{
    if (count < *capacity)
        return true;
    const uint32_t wanted = *capacity ? *capacity * 2 : least;
    void *grown = realloc(*items, wanted * item_bytes);
    if (!grown)
        return false;
    *items = grown;
    *capacity = wanted;
    return true;
}

static struct text slice(const struct open_trace *trace, uint32_t offset, uint32_t length)
{
    return (struct text){buffer_text(&trace->bytes) + offset, length};
}

/* The trace's group of that origin, or group_count. The last one first: spans come in runs. Only
 * the last few are looked at, so that a trace of ever new origins stays cheap; an origin may then
 * have two groups. */
static uint32_t find_group(const struct open_trace *trace, const struct batch_origin *origin)
{
    const uint32_t first =
        trace->group_count > GROUPS_LOOKED_AT ? trace->group_count - GROUPS_LOOKED_AT : 0;
    for (uint32_t i = trace->group_count; i-- > first;) {
        const struct open_group *group = &trace->groups[i];
        if (group->hash == origin->hash &&
            text_equal(slice(trace, group->resource_offset, group->resource_length),
                       origin->resource) &&
            text_equal(slice(trace, group->scope_offset, group->scope_length), origin->scope))
            return i;
    }
    return trace->group_count;
}

static bool add_group(struct open_trace *trace, const struct batch_origin *origin)
{
    const size_t at = trace->bytes.length_bytes;
    if (!grow((void **)&trace->groups, trace->group_count, &trace->group_capacity, GROUPS_MIN,
              sizeof(*trace->groups)))
        return false;
    buffer_append(&trace->bytes, origin->resource.data, origin->resource.length);
    buffer_append(&trace->bytes, origin->scope.data, origin->scope.length);
    trace->groups[trace->group_count++] = (struct open_group){
        origin->hash, (uint32_t)at, (uint32_t)origin->resource.length,
        (uint32_t)(at + origin->resource.length), (uint32_t)origin->scope.length};
    return true;
}

static bool has_room(struct open_trace *trace, size_t more_bytes)
{
    if (more_bytes > trace->bytes.max_bytes - trace->bytes.length_bytes)
        return false;
    if (buffer_reserve(&trace->bytes,
                       more_bytes < BYTES_MIN && !trace->bytes.data ? BYTES_MIN : more_bytes) ==
        STATUS_OK)
        return true;
    trace->bytes.failed = STATUS_OK; /* what is there stays good */
    return false;
}

bool open_trace_add(struct open_trace *trace, const struct batch_span *span,
                    const struct batch_origin *origin)
{
    const uint32_t group = find_group(trace, origin);
    const bool is_new = group == trace->group_count;
    const size_t more =
        span->bytes.length + (is_new ? origin->resource.length + origin->scope.length : 0);
    if (!has_room(trace, more) || !grow((void **)&trace->spans, trace->span_count,
                                        &trace->span_capacity, SPANS_MIN, sizeof(*trace->spans)))
        return false;
    if (is_new && !add_group(trace, origin))
        return false;
    trace->spans[trace->span_count++] = (struct open_span){(uint32_t)trace->bytes.length_bytes,
                                                           (uint32_t)span->bytes.length, group};
    buffer_append(&trace->bytes, span->bytes.data, span->bytes.length);
    trace->start_ns = span->start_ns < trace->start_ns ? span->start_ns : trace->start_ns;
    trace->end_ns = span->end_ns > trace->end_ns ? span->end_ns : trace->end_ns;
    trace->error_count += span->is_error;
    return true;
}

size_t open_trace_bytes(const struct open_trace *trace)
{
    return sizeof(*trace) + trace->bytes.capacity_bytes +
           trace->span_capacity * sizeof(*trace->spans) +
           trace->group_capacity * sizeof(*trace->groups);
}

struct text open_trace_span(const struct open_trace *trace, size_t index)
{
    return slice(trace, trace->spans[index].offset, trace->spans[index].length);
}

struct text open_trace_resource(const struct open_trace *trace, size_t group)
{
    return slice(trace, trace->groups[group].resource_offset, trace->groups[group].resource_length);
}

static size_t message_size(size_t length_bytes)
{
    return 1 + wire_varint_size(length_bytes) + length_bytes;
}

/* Span indices by group, each in order of arrival (counting sort); ends[g] is where group g ends.
 */
static bool sort_by_group(const struct open_trace *trace, uint32_t *order, uint32_t *ends)
{
    uint32_t sum = 0;
    if (!order || !ends)
        return false;
    for (uint32_t i = 0; i < trace->span_count; i++)
        ends[trace->spans[i].group]++;
    for (uint32_t g = 0; g < trace->group_count; g++) {
        const uint32_t count = ends[g];
        ends[g] = sum; /* for now where it begins; filling moves it to the end */
        sum += count;
    }
    for (uint32_t i = 0; i < trace->span_count; i++)
        order[ends[trace->spans[i].group]++] = i;
    return true;
}

static void write_group(const struct open_trace *trace, const struct open_group *group,
                        const uint32_t *order, uint32_t count, struct buffer *out)
{
    const char *bytes = buffer_text(&trace->bytes);
    size_t spans_size = 0;
    for (uint32_t i = 0; i < count; i++)
        spans_size += message_size(trace->spans[order[i]].length);
    const size_t scope_spans_size = message_size(group->scope_length) + spans_size;
    proto_out_head(out, OTLP_REQUEST_RESOURCE_SPANS,
                   message_size(group->resource_length) + message_size(scope_spans_size));
    proto_out_bytes(out, OTLP_RESOURCE_SPANS_RESOURCE, bytes + group->resource_offset,
                    group->resource_length);
    proto_out_head(out, OTLP_RESOURCE_SPANS_SCOPE_SPANS, scope_spans_size);
    proto_out_bytes(out, OTLP_SCOPE_SPANS_SCOPE, bytes + group->scope_offset, group->scope_length);
    for (uint32_t i = 0; i < count; i++)
        proto_out_bytes(out, OTLP_SCOPE_SPANS_SPANS, bytes + trace->spans[order[i]].offset,
                        trace->spans[order[i]].length);
}

void open_trace_write(const struct open_trace *trace, struct buffer *out)
{
    uint32_t *order = malloc(sizeof(*order) * (trace->span_count + 1));
    uint32_t *ends = calloc(trace->group_count + 1, sizeof(*ends));
    uint32_t begin = 0;
    if (!sort_by_group(trace, order, ends)) {
        out->failed = STATUS_NO_MEMORY;
    } else {
        for (uint32_t g = 0; g < trace->group_count; g++) {
            if (ends[g] > begin)
                write_group(trace, &trace->groups[g], order + begin, ends[g] - begin, out);
            begin = ends[g];
        }
    }
    free(order);
    free(ends);
}
