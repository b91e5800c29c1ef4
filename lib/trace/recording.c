#include "trace/recording.h"

#include <string.h>

#include "base/clock.h"
#include "base/otlp_fields.h"
#include "base/wire.h"
#include "trace/timeline.h"

/* Enough for a tracestate of full length and a name. */
_Static_assert(SPAN_BLOCK_DATA_BYTES - sizeof(struct recording) >= TRACE_STATE_MAX + 3 + 64 + 2,
               "the first block holds a whole tracestate");
_Static_assert(offsetof(struct recording, first) ==
                   offsetof(struct recording, front) + sizeof((struct recording *)0)->front,
               "the front ends where the body begins");
_Static_assert(SPAN_BLOCK_HEADER_BYTES % _Alignof(struct recording) == 0, "aligned in its block");

struct recording *recording_new(struct trace_thread *thread, const struct span_context *context)
{
    struct span_block *block = trace_thread_get_block(thread);
    if (block == NULL)
        return NULL;
    struct recording *recording = (struct recording *)(void *)block->data;
    atomic_init(&recording->span.lock, 0);
    recording->span.type = SPAN_TYPE_RECORDING;
    recording->span.context = *context;
    recording->block = block;
    recording->status = SPAN_UNSET;
    recording->offset_ns = timeline_offset_ns();
    span_body_init(&recording->body, block, recording->first);
    struct text state = context->trace_state;
    recording->span.context.trace_state = (struct text){NULL, 0};
    if (state.length > 0 && state.length <= TRACE_STATE_MAX) {
        span_body_set_trace_state(&recording->body, state);
        const uint8_t *end = recording->first + recording->body.length_bytes;
        recording->span.context.trace_state =
            (struct text){(const char *)end - state.length, state.length};
    }
    return recording;
}

uint64_t recording_now_ns(const struct recording *recording)
{
    return clock_mono_ns() + recording->offset_ns;
}

static void put_dropped(struct wire_writer *writer, uint32_t field, uint32_t count)
{
    if (count > 0)
        wire_put_u64(writer, field, count);
}

/* The fixed fields; returns their length. */
static size_t write_prefix(const struct recording *recording, uint64_t end_wall_ns,
                           uint8_t out[RECORDING_PREFIX_MAX])
{
    struct wire_writer writer = {out, out + RECORDING_PREFIX_MAX, false};
    const struct span_context *context = &recording->span.context;
    uint32_t flags = context->flags | OTLP_FLAGS_HAS_IS_REMOTE |
                     (recording->parent_is_remote ? OTLP_FLAGS_IS_REMOTE : 0u);
    wire_put_bytes(&writer, OTLP_SPAN_TRACE_ID, context->trace_id.bytes, 16);
    wire_put_bytes(&writer, OTLP_SPAN_SPAN_ID, context->span_id.bytes, 8);
    if (recording->has_parent)
        wire_put_bytes(&writer, OTLP_SPAN_PARENT_SPAN_ID, recording->parent_id.bytes, 8);
    wire_put_u64(&writer, OTLP_SPAN_KIND, recording->kind);
    wire_put_fixed64(&writer, OTLP_SPAN_START_TIME, recording->start_wall_ns);
    wire_put_fixed64(&writer, OTLP_SPAN_END_TIME, end_wall_ns);
    wire_put_fixed32(&writer, OTLP_SPAN_FLAGS, flags);
    put_dropped(&writer, OTLP_SPAN_DROPPED_ATTRIBUTES, recording->body.dropped_attributes);
    put_dropped(&writer, OTLP_SPAN_DROPPED_EVENTS, recording->body.dropped_events);
    put_dropped(&writer, OTLP_SPAN_DROPPED_LINKS, recording->body.dropped_links);
    return (size_t)(writer.at - out);
}

/* The blocks themselves go to the exporter: record and prefix right before the body. */
static enum span_queue_result hand_over(struct recording *recording,
                                        const struct span_record *record, const uint8_t *prefix)
{
    struct span_block *block = recording->block;
    uint8_t *at =
        recording->front + sizeof recording->front - record->prefix_bytes - sizeof *record;
    span_body_seal(&recording->body);
    memcpy(at, record, sizeof *record);
    memcpy(at + sizeof *record, prefix, record->prefix_bytes);
    block->read_bytes = (uint16_t)(at - block->data);
    return span_queue_put_chain(block);
}

bool recording_finish(struct recording *recording, uint64_t end_wall_ns,
                      struct trace_thread *thread, bool *batch)
{
    uint8_t prefix[RECORDING_PREFIX_MAX];
    size_t length = write_prefix(recording, end_wall_ns, prefix);
    struct span_record record = {
        .tracer = recording->tracer,
        .length_bytes = (uint32_t)length + recording->body.length_bytes,
        .prefix_bytes = (uint16_t)length,
        .has_holes = recording->body.has_holes,
    };
    enum span_queue_result result;
    if (recording->block->more == NULL && record.length_bytes <= SPAN_QUEUE_COPY_MAX) {
        result = span_queue_put(trace_thread_producer(thread), &record, prefix, recording->first);
        trace_thread_put_block(thread, recording->block);
    } else {
        result = hand_over(recording, &record, prefix);
    }
    *batch = result == SPAN_QUEUED_BATCH;
    return result != SPAN_QUEUE_FULL;
}

void recording_discard(struct recording *recording)
{
    span_pool_put_chain(recording->block);
}
