#include "http/evidence.h"

#include <string.h>

#include "base/clock.h"
#include "base/hex.h"

static int64_t us_of(uint64_t ns)
{
    return (int64_t)(ns / 1000);
}

/* What the thread has already told of a span: the worst stays. A span's memory is used again, its
 * id is not. */
struct told {
    struct span_id span_id;
    uint64_t wait_ns;
    bool has_lock, has_miss;
};
static _Thread_local struct told told;

static struct told *told_of(const struct span *span)
{
    struct span_context context = span_context_of(span);
    if (memcmp(&context.span_id, &told.span_id, sizeof told.span_id) != 0)
        told = (struct told){.span_id = context.span_id};
    return &told;
}

/* NULL where there is nothing to record on. */
static struct span *recording_span(void)
{
    struct span *span = context_current().span;
    return span && span_is_recording(span) ? span : NULL;
}

static bool is_zero(const struct trace_id *id)
{
    static const struct trace_id zero;
    return memcmp(id, &zero, sizeof zero) == 0;
}

void evidence_lock(const char *name, uint64_t wait_ns, struct trace_id holder)
{
    struct span *span = recording_span();
    if (!span)
        return;
    struct told *before = told_of(span);
    if (before->has_lock && wait_ns <= before->wait_ns)
        return;
    before->has_lock = true;
    before->wait_ns = wait_ns;
    span_set_text(span, SPAN_KEY("evidence.lock.name"), text_of(name));
    span_set_i64(span, SPAN_KEY("evidence.lock.wait_us"), us_of(wait_ns));
    if (wait_ns > 0 && !is_zero(&holder)) {
        char digits[2 * sizeof holder.bytes];
        hex_encode(holder.bytes, sizeof holder.bytes, digits);
        span_set_text(span, SPAN_KEY("evidence.lock.holder.trace_id"),
                      (struct text){digits, sizeof digits});
    }
}

void evidence_cache(const char *name, bool hit)
{
    struct span *span = recording_span();
    if (!span)
        return;
    struct told *before = told_of(span);
    if (before->has_miss)
        return;
    before->has_miss = !hit;
    span_set_text(span, SPAN_KEY("evidence.cache.name"), text_of(name));
    span_set_bool(span, SPAN_KEY("evidence.cache.hit"), hit);
}

struct trace_id evidence_holder(void)
{
    struct span *span = context_current().span;
    return span ? span_context_of(span).trace_id : (struct trace_id){{0}};
}

void evidence_pool(struct span *span, const struct evidence_pool *pool)
{
    if (!span_is_recording(span))
        return;
    span_set_text(span, SPAN_KEY("evidence.pool.name"), text_of(pool->name));
    if (pool->wait_ns > 0)
        span_set_i64(span, SPAN_KEY("evidence.pool.wait_us"), us_of(pool->wait_ns));
    span_set_i64(span, SPAN_KEY("evidence.pool.in_use"), (int64_t)pool->in_use);
    span_set_i64(span, SPAN_KEY("evidence.pool.size"), (int64_t)pool->size);
}

void evidence_message(struct span *span, const struct evidence_message *message)
{
    uint64_t enqueued_ns = message->enqueued_wall_ns, taken_ns = message->taken_wall_ns;
    if (!span_is_recording(span))
        return;
    span_set_i64(span, SPAN_KEY("messaging.message.body.size"), (int64_t)message->body_bytes);
    span_set_i64(span, SPAN_KEY("evidence.queue.depth"), (int64_t)message->depth);
    span_set_i64(span, SPAN_KEY("evidence.queue.enqueued_unix_us"), us_of(enqueued_ns));
    span_set_i64(span, SPAN_KEY("evidence.queue.wait_us"),
                 us_of(taken_ns > enqueued_ns ? taken_ns - enqueued_ns : 0));
    span_set_i64(span, SPAN_KEY("evidence.queue.attempt"), message->attempt);
}

/* What the thread's clock said at the end of its last request; 0: something else ran since. */
static _Thread_local uint64_t cpu_ended_ns;

uint64_t evidence_cpu_begin_ns(const struct span *span)
{
    return span_is_recording(span) ? clock_thread_cpu_ns() : 0;
}

uint64_t evidence_cpu_resume_ns(const struct span *span)
{
    uint64_t ended_ns = cpu_ended_ns;
    cpu_ended_ns = 0;
    if (span == NULL || !span_is_recording(span))
        return 0;
    return ended_ns > 0 ? ended_ns : clock_thread_cpu_ns();
}

void evidence_cpu_end(struct span *span, uint64_t began_ns, uint64_t most_ns)
{
    if (began_ns == 0 || !span_is_recording(span))
        return;
    cpu_ended_ns = clock_thread_cpu_ns();
    uint64_t took_ns = cpu_ended_ns - began_ns;
    span_set_i64(span, SPAN_KEY("evidence.thread.cpu_us"),
                 us_of(took_ns < most_ns ? took_ns : most_ns));
}
