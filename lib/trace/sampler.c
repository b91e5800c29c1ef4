#include "trace/sampler.h"

static const double two_to_56 = 72057594037927936.0;

struct sampler sampler_of(enum sampler_kind kind, bool parent_based, double ratio)
{
    return (struct sampler){.kind = kind,
                            .parent_based = parent_based,
                            .threshold = (uint64_t)(two_to_56 * (1.0 - ratio))};
}

static uint64_t randomness(const struct trace_id *trace_id)
{
    uint64_t value = 0;
    for (size_t i = 9; i < sizeof trace_id->bytes; i++)
        value = value << 8 | trace_id->bytes[i];
    return value;
}

bool sampler_decide(const struct sampler *sampler, const struct span_context *parent,
                    const struct trace_id *trace_id)
{
    if (sampler->parent_based && parent != NULL)
        return span_context_is_sampled(parent);
    if (sampler->kind == SAMPLER_TRACE_ID_RATIO)
        return randomness(trace_id) >= sampler->threshold;
    return sampler->kind == SAMPLER_ALWAYS_ON;
}
