#include "trace/hooks.h"

#include <sys/mman.h>

#include "base/clock.h"

static const uint64_t pause_ns = NS_PER_MS / 5;

bool hooks_enter(struct trace_thread *thread, uint32_t generation)
{
    /* Both sides in one order (seq_cst): who shuts down sees the mark, or this the shutdown. */
    atomic_fetch_add(trace_thread_hook_mark(thread), 1);
    if (generation != 0 && atomic_load(&tracing_generation) == generation)
        return true;
    hooks_leave(thread);
    return false;
}

void hooks_leave(struct trace_thread *thread)
{
    atomic_fetch_sub(trace_thread_hook_mark(thread), 1);
}

bool hooks_wait(uint64_t deadline_ns)
{
    while (trace_thread_others_in_hooks()) {
        uint64_t now_ns = clock_mono_ns();
        if (now_ns >= deadline_ns)
            return false;
        clock_sleep_until_ns(now_ns + pause_ns);
    }
    return true;
}

void hooks_tell_start(const struct tracing_policy *policy, struct span *span,
                      const struct span_context *parent)
{
    const struct span_processor *one;
    for (size_t i = 0; (one = policy->processors[i]) != NULL; i++)
        if (one->on_start != NULL)
            one->on_start(one->self, span, parent);
}

void hooks_tell_ending(const struct tracing_policy *policy, struct span *span)
{
    const struct span_processor *one;
    for (size_t i = 0; (one = policy->processors[i]) != NULL; i++)
        if (one->on_ending != NULL)
            one->on_ending(one->self, span);
}

static void tell_end(const struct tracing_policy *policy, const struct span_view *view)
{
    const struct span_processor *one;
    for (size_t i = 0; (one = policy->processors[i]) != NULL; i++)
        if (one->on_end != NULL)
            one->on_end(one->self, view);
}

/* ---- the ended span in one piece. It may have 60 KiB, which not every thread's stack has left. */

enum { USUAL_BYTES = 4096 };

static __attribute__((noinline)) void tell_small(const struct tracing_policy *policy,
                                                 struct recording *recording, uint64_t end_wall_ns)
{
    uint8_t buffer[USUAL_BYTES];
    const struct span_view view = recording_view(recording, end_wall_ns, buffer, sizeof buffer);
    tell_end(policy, &view);
}

/* Without memory it is shown without its body. */
static void tell_big(const struct tracing_policy *policy, struct recording *recording,
                     uint64_t end_wall_ns)
{
    void *buffer =
        mmap(NULL, RECORDING_VIEW_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const size_t room_bytes = buffer != MAP_FAILED ? RECORDING_VIEW_MAX : 0;
    const struct span_view view = recording_view(recording, end_wall_ns, buffer, room_bytes);
    tell_end(policy, &view);
    if (buffer != MAP_FAILED)
        (void)munmap(buffer, RECORDING_VIEW_MAX);
}

void hooks_tell_end(const struct tracing_policy *policy, struct recording *recording,
                    uint64_t end_wall_ns)
{
    if (policy->processors[0] == NULL)
        return;
    if (recording->body.length_bytes + RECORDING_PREFIX_MAX <= USUAL_BYTES)
        tell_small(policy, recording, end_wall_ns);
    else
        tell_big(policy, recording, end_wall_ns);
}

/* ---- from the program's side */

enum status hooks_flush(const struct tracing_policy *policy, uint64_t deadline_ns)
{
    const struct span_processor *one;
    enum status first = STATUS_OK;
    for (size_t i = 0; (one = policy->processors[i]) != NULL; i++) {
        enum status status = one->flush ? one->flush(one->self, deadline_ns) : STATUS_OK;
        first = first != STATUS_OK ? first : status;
    }
    return first;
}

void hooks_shutdown(const struct tracing_policy *policy, uint64_t deadline_ns)
{
    const struct span_processor *one;
    for (size_t i = 0; (one = policy->processors[i]) != NULL; i++)
        if (one->shutdown != NULL)
            one->shutdown(one->self, deadline_ns);
}
