#include "trace/context.h"

static _Thread_local struct context current;

static bool all_zero(const uint8_t *bytes, size_t count)
{
    uint8_t seen = 0;
    for (size_t i = 0; i < count; i++)
        seen |= bytes[i];
    return seen == 0;
}

bool span_context_is_valid(const struct span_context *context)
{
    return !all_zero(context->trace_id.bytes, sizeof context->trace_id.bytes) &&
           !all_zero(context->span_id.bytes, sizeof context->span_id.bytes);
}

bool span_context_is_sampled(const struct span_context *context)
{
    return (context->flags & TRACE_FLAG_SAMPLED) != 0;
}

struct context context_current(void)
{
    return current;
}

struct context context_attach(struct context next)
{
    struct context before = current;
    current = next;
    return before;
}
