#include "trace/recording.h"

#include <string.h>

#include "base/clock.h"
#include "base/otlp_fields.h"
#include "base/wire.h"
#include "trace/span_entries.h"
#include "trace/timeline.h"
#include "trace/tracing.h"

/* Enough for a tracestate of full length and a name. */
_Static_assert(SPAN_BLOCK_DATA_BYTES - sizeof(struct recording) >= TRACE_STATE_MAX + 3 + 64 + 2,
               "the first block holds a whole tracestate");
_Static_assert(offsetof(struct recording, first) ==
                   offsetof(struct recording, front) + sizeof((struct recording *)0)->front,
               "the front ends where the body begins");
_Static_assert(SPAN_BLOCK_HEADER_BYTES % _Alignof(struct recording) == 0, "aligned in its block");

/* Copies what was written a moment ago, in the parts that it was written in: a wider load would
 * wait until all stores before have left the processor, those to memory that it has not got too. */
static inline void copy_word(void *to, const void *from)
{
    uint64_t word;
    memcpy(&word, from, sizeof word);
    __asm__("" : "+r"(word)); /* not made one with the next into a vector */
    memcpy(to, &word, sizeof word);
}

/* Without the tracestate, which is borrowed. */
static inline void take_context(struct span_context *to, const struct span_context *from)
{
    unsigned flags = from->flags;
    __asm__("" : "+r"(flags)); /* as above */
    copy_word(to->trace_id.bytes, from->trace_id.bytes);
    copy_word(to->trace_id.bytes + sizeof(uint64_t), from->trace_id.bytes + sizeof(uint64_t));
    copy_word(to->span_id.bytes, from->span_id.bytes);
    to->flags = (uint8_t)flags;
    to->is_remote = from->is_remote;
    to->is_debug = from->is_debug;
    to->trace_state = (struct text){NULL, 0};
}

struct recording *recording_new(const struct tracing_policy *policy, struct trace_thread *thread,
                                const struct span_context *context)
{
    struct span_block *block = trace_thread_get_block(thread);
    if (block == NULL)
        return NULL;
    struct recording *recording = (struct recording *)(void *)block->data;
    span_lock_init(&recording->span.lock, thread->is_registered ? thread : NULL);
    recording->span.type = SPAN_TYPE_RECORDING;
    take_context(&recording->span.context, context);
    recording->block = block;
    recording->status = SPAN_UNSET;
    recording->generation = atomic_load_explicit(&tracing_generation, memory_order_relaxed);
    timeline_copy(&recording->timeline);
    span_body_init(&recording->body, block, recording->first, &policy->limits);
    struct text state = context->trace_state;
    if (state.length > 0 && state.length <= TRACE_STATE_MAX) {
        span_body_set_trace_state(&recording->body, state);
        const uint8_t *end = recording->first + recording->body.length_bytes;
        recording->span.context.trace_state =
            (struct text){(const char *)end - state.length, state.length};
    }
    return recording;
}

static inline uint8_t *put_bytes(uint8_t *at, unsigned field, const void *bytes,
                                 size_t length_bytes)
{
    *at++ = (uint8_t)(field << 3 | WIRE_BYTES);
    *at++ = (uint8_t)length_bytes;
    memcpy(at, bytes, length_bytes);
    return at + length_bytes;
}

static inline uint8_t *put_time(uint8_t *at, unsigned field, uint64_t wall_ns)
{
    *at++ = (uint8_t)(field << 3 | WIRE_FIXED64);
    memcpy(at, &wall_ns, sizeof wall_ns);
    return at + sizeof wall_ns;
}

static inline uint8_t *put_flags(uint8_t *at, uint32_t flags)
{
    *at++ = (uint8_t)((OTLP_SPAN_FLAGS << 3 | WIRE_FIXED32) & 0x7f) | 0x80;
    *at++ = (uint8_t)(OTLP_SPAN_FLAGS >> 4);
    memcpy(at, &flags, sizeof flags);
    return at + sizeof flags;
}

static uint8_t *put_dropped(uint8_t *at, unsigned field, uint32_t count)
{
    if (count == 0)
        return at;
    *at++ = (uint8_t)(field << 3 | WIRE_VARINT);
    return wire_put_varint_raw(at, count);
}

_Static_assert(OTLP_SPAN_DROPPED_LINKS < 16 && OTLP_SPAN_DROPPED_ATTRIBUTES < 16 &&
                   OTLP_SPAN_DROPPED_EVENTS < 16 && OTLP_SPAN_FLAGS == 16,
               "one byte a tag, two for the flags");

/* What write_prefix writes of a span that lost nothing. */
enum { PREFIX_ROOT = 18 + 10 + 2 + 9 + 9 + 6, PREFIX_CHILD = PREFIX_ROOT + 10 };

/* The fixed fields; returns their end. */
static inline uint8_t *write_prefix(const struct recording *recording, uint64_t end_wall_ns,
                                    uint8_t *at)
{
    const struct span_context *context = &recording->span.context;
    at = put_bytes(at, OTLP_SPAN_TRACE_ID, context->trace_id.bytes, 16);
    at = put_bytes(at, OTLP_SPAN_SPAN_ID, context->span_id.bytes, 8);
    if (recording->has_parent)
        at = put_bytes(at, OTLP_SPAN_PARENT_SPAN_ID, recording->parent_id.bytes, 8);
    *at++ = OTLP_SPAN_KIND << 3 | WIRE_VARINT;
    *at++ = recording->kind;
    at = put_time(at, OTLP_SPAN_START_TIME, recording->start_wall_ns);
    at = put_time(at, OTLP_SPAN_END_TIME, end_wall_ns);
    return put_flags(at, context->flags | OTLP_FLAGS_HAS_IS_REMOTE |
                             (recording->parent_is_remote ? OTLP_FLAGS_IS_REMOTE : 0u));
}

static uint8_t *write_losses(const struct span_body *body, uint8_t *at)
{
    at = put_dropped(at, OTLP_SPAN_DROPPED_ATTRIBUTES, body->dropped_attributes);
    at = put_dropped(at, OTLP_SPAN_DROPPED_EVENTS, body->dropped_events);
    return put_dropped(at, OTLP_SPAN_DROPPED_LINKS, body->dropped_links);
}

static __attribute__((noinline)) size_t write_long_prefix(struct recording *recording,
                                                          uint64_t end_wall_ns)
{
    uint8_t prefix[RECORDING_PREFIX_MAX];
    uint8_t *end = write_losses(&recording->body, write_prefix(recording, end_wall_ns, prefix));
    size_t length = (size_t)(end - prefix);
    memcpy(recording->front + sizeof recording->front - length, prefix, length);
    return length;
}

/* The head of the record and the fixed fields, right before the body; where they begin. */
static inline uint8_t *write_front(struct recording *recording, uint64_t end_wall_ns,
                                   struct span_record *record)
{
    uint8_t *body = recording->front + sizeof recording->front;
    size_t length = recording->has_parent ? PREFIX_CHILD : PREFIX_ROOT;
    if (__builtin_expect(span_body_has_lost(&recording->body), 0))
        length = write_long_prefix(recording, end_wall_ns);
    else
        (void)write_prefix(recording, end_wall_ns, body - length);
    *record = (struct span_record){
        .tracer = recording->tracer,
        .length_bytes = (uint32_t)length + recording->body.length_bytes,
        .prefix_bytes = (uint16_t)length,
        .has_holes = recording->body.has_holes,
    };
    uint8_t *at = body - length - sizeof *record;
    memcpy(at, record, sizeof *record);
    return at;
}

bool recording_finish(struct recording *recording, uint64_t end_wall_ns,
                      struct trace_thread *thread, bool *batch)
{
    struct span_record record;
    struct span_block *block = recording->block;
    const uint8_t *at = write_front(recording, end_wall_ns, &record);
    size_t whole = sizeof record + record.length_bytes;
    enum span_queue_result result;
    recording->span.type = SPAN_TYPE_NONE;
    if (block->more == NULL && whole <= SPAN_QUEUE_COPY_MAX) {
        result = span_queue_put(trace_thread_producer(thread), at, whole);
        trace_thread_put_block(thread, block);
    } else {
        span_entries_seal(&recording->body);
        block->read_bytes = (uint16_t)(at - block->data);
        result = span_queue_put_chain(block);
    }
    *batch = result == SPAN_QUEUED_BATCH;
    return result != SPAN_QUEUE_FULL;
}

/* Without gaps, in `buffer`; how long. The fixed fields alone where there is no room for more. */
static size_t copy_whole(const struct recording *recording, const uint8_t *prefix,
                         size_t prefix_bytes, uint8_t *buffer)
{
    memcpy(buffer, prefix, prefix_bytes);
    span_entries_copy(&recording->body, buffer + prefix_bytes);
    return prefix_bytes +
           span_entries_close_holes(buffer + prefix_bytes, recording->body.length_bytes);
}

struct span_view recording_view(struct recording *recording, uint64_t end_wall_ns, uint8_t *buffer,
                                size_t buffer_bytes)
{
    struct span_record record;
    const uint8_t *at = write_front(recording, end_wall_ns, &record) + sizeof record;
    size_t length = record.length_bytes;
    if (recording->block->more != NULL || record.has_holes) {
        bool fits = length <= buffer_bytes;
        length =
            fits ? copy_whole(recording, at, record.prefix_bytes, buffer) : record.prefix_bytes;
        at = fits ? buffer : at;
    }
    return (struct span_view){
        .tracer = recording->tracer,
        .context = recording->span.context,
        .parent_id = recording->has_parent ? recording->parent_id : (struct span_id){{0}},
        .parent_is_remote = recording->parent_is_remote,
        .kind = recording->kind,
        .status = recording->status,
        .start_wall_ns = recording->start_wall_ns,
        .end_wall_ns = end_wall_ns,
        .otlp = at,
        .otlp_bytes = length,
    };
}

void recording_discard(struct recording *recording)
{
    recording->span.type = SPAN_TYPE_NONE;
    span_pool_put_chain(recording->block);
}
