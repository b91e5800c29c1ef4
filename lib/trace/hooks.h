/* The program's own parts on the span path: processors, samplers, sources of ids.
 *
 * A thread marks itself while it is inside one, so that tracing_shutdown returns when all are out:
 * what is used "until tracing_shutdown has returned" is not used once more by a thread that passed
 * the gate before. Spans of programs without such parts never come here. Callable from any thread;
 * allocates (from the kernel, for the call) only to show a span of more than 4 KiB. */
#ifndef CULPRIT_TRACE_HOOKS_H
#define CULPRIT_TRACE_HOOKS_H

#include "trace/recording.h"
#include "trace/tracing.h"

/* false: that start is no longer in force, and nothing of it may be called. true: leave it. The
 * policy in hand must have been looked up after the generation. */
bool hooks_enter(struct trace_thread *thread, uint32_t generation);
void hooks_leave(struct trace_thread *thread);

/* After the start is no longer in force: until no thread but the calling one is inside. false: the
 * deadline passed. */
bool hooks_wait(uint64_t deadline_ns);

/* Call all processors in order; inside. */
void hooks_tell_start(const struct tracing_policy *policy, struct span *span,
                      const struct span_context *parent);
void hooks_tell_ending(const struct tracing_policy *policy, struct span *span);
void hooks_tell_end(const struct tracing_policy *policy, struct recording *recording,
                    uint64_t end_wall_ns);

/* The first status that is not STATUS_OK. */
enum status hooks_flush(const struct tracing_policy *policy, uint64_t deadline_ns);
void hooks_shutdown(const struct tracing_policy *policy, uint64_t deadline_ns);

#endif
