#include "trace/hooks.h"
#include "trace/span_inside.h"

static uint64_t end_time(const struct recording *recording, uint64_t wall_ns)
{
    if (wall_ns == 0)
        wall_ns = recording_now_ns(recording);
    return wall_ns > recording->start_wall_ns ? wall_ns : recording->start_wall_ns;
}

/* The start that it belongs to is over. */
static __attribute__((noinline)) void end_late(struct recording *recording,
                                               struct trace_thread *thread)
{
    bool inherited = tracing_is_inherited(recording->generation);
    if (!inherited)
        (void)span_inside_enter(&recording->span);
    bool counts = !inherited && span_context_is_sampled(&recording->span.context);
    recording_discard(recording);
    if (!counts)
        return;
    trace_thread_count(thread, TRACE_ENDED);
    trace_thread_count(thread, TRACE_LATE);
}

/* With the lock, which goes away with the span. */
static inline void queue(struct recording *recording, struct trace_thread *thread,
                         uint64_t end_wall_ns)
{
    bool batch = false;
    /* Counted first: what the exporter has sent was always counted as ended before. */
    trace_thread_count(thread, TRACE_ENDED);
    if (__builtin_expect(span_body_has_lost(&recording->body), 0))
        trace_thread_count(thread, TRACE_LIMITED);
    if (__builtin_expect(!recording_finish(recording, end_wall_ns, thread, &batch), 0)) {
        trace_thread_count(thread, tracing_is_on() ? TRACE_DROPPED : TRACE_LATE);
        tracing_press();
    }
    if (batch)
        tracing_wake();
}

/* What is not sampled is nothing to be dropped. */
static inline void finish(struct recording *recording, struct trace_thread *thread,
                          uint64_t end_wall_ns)
{
    if (__builtin_expect(span_context_is_sampled(&recording->span.context), 1))
        queue(recording, thread, end_wall_ns);
    else
        recording_discard(recording);
}

static __attribute__((noinline)) void end_hooked(const struct tracing_policy *policy,
                                                 struct recording *recording,
                                                 struct trace_thread *thread, uint64_t end_wall_ns)
{
    if (!hooks_enter(thread, recording->generation)) {
        end_late(recording, thread);
        return;
    }
    hooks_tell_ending(policy, &recording->span);
    (void)span_inside_enter(&recording->span);
    hooks_tell_end(policy, recording, end_wall_ns);
    hooks_leave(thread);
    finish(recording, thread, end_wall_ns);
}

static inline void end_recording(struct recording *recording, struct trace_thread *thread,
                                 uint64_t end_wall_ns)
{
    const struct tracing_policy *policy = tracing_policy();
    end_wall_ns = end_time(recording, end_wall_ns);
    if (__builtin_expect(policy->has_hooks, 0)) {
        end_hooked(policy, recording, thread, end_wall_ns);
    } else {
        (void)span_inside_enter(&recording->span);
        finish(recording, thread, end_wall_ns);
    }
    if (__builtin_expect(policy->exports_at_end, 0))
        tracing_export_now(policy);
}

void span_end_any(struct span *span, uint64_t end_wall_ns)
{
    struct trace_thread *thread = trace_thread_self();
    if (span->type == SPAN_TYPE_LIGHT)
        light_span_put(trace_thread_light(thread), span);
    else if (__builtin_expect(span_inside_is_open(span), 1))
        end_recording((struct recording *)(void *)span, thread, end_wall_ns);
    else
        end_late((struct recording *)(void *)span, thread);
}
