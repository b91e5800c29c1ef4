/* A recording span: one block of the pool, its fixed fields first, then its body. Inside the
 * library only; span->lock guards all but what never changes after the start. */
#ifndef CULPRIT_TRACE_RECORDING_H
#define CULPRIT_TRACE_RECORDING_H

#include "trace/light_span.h"
#include "trace/span_body.h"
#include "trace/span_queue.h"
#include "trace/span_view.h"
#include "trace/timeline.h"
#include "trace/trace_thread.h"

struct tracing_policy; /* tracing.h */

/* The longest prefix: ids 18 + 10 + 10, kind 2, times 18, dropped counts 3 * 6, flags 6. */
enum { RECORDING_PREFIX_MAX = 88 };

struct recording {
    struct span span; /* first */
    const struct tracer *tracer;
    struct span_block *block; /* that it lies in */
    uint64_t start_wall_ns;
    struct timeline timeline; /* as it was at the start */
    struct span_id parent_id;
    bool has_parent;
    bool parent_is_remote;
    uint8_t kind;
    uint8_t status;
    uint32_t generation; /* see tracing.h */
    struct span_body body;
    /* Filled at the end, right before the body: head of the record and fixed fields. */
    uint8_t front[sizeof(struct span_record) + RECORDING_PREFIX_MAX];
    uint8_t first[]; /* of the body */
};

/* NULL: the pool is exhausted. The caller fills in the rest of the fields. */
struct recording *recording_new(const struct tracing_policy *policy, struct trace_thread *thread,
                                const struct span_context *context);

/* Unix time now, on the span's own timeline. */
static inline uint64_t recording_now_ns(const struct recording *recording)
{
    return timeline_now_ns(&recording->timeline);
}

/* Hands the span to the queue and gives its memory away, with type NONE: who still uses it changes
 * nothing until it is another span's. false: it was dropped. *batch: a whole batch waits. */
bool recording_finish(struct recording *recording, uint64_t end_wall_ns,
                      struct trace_thread *thread, bool *batch);

/* The ended span for processors; `buffer` holds its message where it does not lie in one piece. A
 * buffer that is too small for it: the fixed fields alone. */
enum { RECORDING_VIEW_MAX = RECORDING_PREFIX_MAX + SPAN_BODY_MAX };
struct span_view recording_view(struct recording *recording, uint64_t end_wall_ns, uint8_t *buffer,
                                size_t buffer_bytes);

/* Gives the memory back, as recording_finish. */
void recording_discard(struct recording *recording);

#endif
