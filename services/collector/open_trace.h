/* One trace while its spans still come: their bytes as they came, and where each came from. Turns
 * into one TracesData message. Not locked: its shard's lock guards it until it settles; from then
 * on it does not change. */
#ifndef CULPRIT_COLLECTOR_OPEN_TRACE_H
#define CULPRIT_COLLECTOR_OPEN_TRACE_H

#include "base/buffer.h"
#include "services/collector/batch.h"

enum { OPEN_TRACE_BYTES_MAX = 64 * 1024 * 1024 };

struct open_span {
    uint32_t offset, length; /* within bytes */
    uint32_t group;
};

struct open_group {
    uint64_t hash;
    uint32_t resource_offset, resource_length;
    uint32_t scope_offset, scope_length;
};

struct open_trace {
    uint8_t id[16];
    struct open_trace *newer, *older; /* by last span */
    uint64_t touched_ns;              /* monotonic: when the last span came */
    uint64_t start_ns, end_ns;        /* earliest start, latest end; wall */
    uint32_t error_count;
    uint32_t shard;
    uint32_t group_count, group_capacity;
    uint32_t span_count, span_capacity;
    struct open_group *groups;
    struct open_span *spans;
    struct buffer bytes;
};

/* NULL: no memory. */
struct open_trace *open_trace_new(const uint8_t id[16]);
void open_trace_free(struct open_trace *trace);

/* false: no memory or over a limit; nothing was added then. */
bool open_trace_add(struct open_trace *trace, const struct batch_span *span,
                    const struct batch_origin *origin);

/* What it takes in memory. */
size_t open_trace_bytes(const struct open_trace *trace);

struct text open_trace_span(const struct open_trace *trace, size_t index);
struct text open_trace_resource(const struct open_trace *trace, size_t group);

/* Appends the trace as TracesData; failure is the buffer's. */
void open_trace_write(const struct open_trace *trace, struct buffer *out);

#endif
