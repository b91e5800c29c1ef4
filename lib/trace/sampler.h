/* Carries out the choice of sampling.h. Pure but for samplers of the program's own; never
 * allocates; callable from any thread. */
#ifndef CULPRIT_TRACE_SAMPLER_H
#define CULPRIT_TRACE_SAMPLER_H

#include "trace/sampling.h"
#include "trace/trace_state.h"

enum sampler_case {
    SAMPLER_ROOT,
    SAMPLER_REMOTE_SAMPLED,
    SAMPLER_REMOTE_UNSAMPLED,
    SAMPLER_LOCAL_SAMPLED,
    SAMPLER_LOCAL_UNSAMPLED,
    SAMPLER_CASES,
};

/* One rule, ready: never SAMPLER_UNSET. */
struct sampler_ready {
    enum sampler_kind kind;
    uint64_t threshold; /* of the ratio: kept from here on */
    const struct span_sampler *custom;
};

struct sampler {
    struct sampler_ready cases[SAMPLER_CASES];
    bool ignores_parent;
    bool records_dropped;
};

/* Ratios within 0..1; a custom rule has its sampler. */
struct sampler sampler_of(const struct sampling *sampling);

/* The rule for a span with this parent (NULL: a root). */
static inline const struct sampler_ready *sampler_find(const struct sampler *sampler,
                                                       const struct span_context *parent)
{
    if (parent == NULL || sampler->ignores_parent)
        return &sampler->cases[SAMPLER_ROOT];
    bool sampled = (parent->flags & TRACE_FLAG_SAMPLED) != 0;
    if (parent->is_remote)
        return &sampler->cases[sampled ? SAMPLER_REMOTE_SAMPLED : SAMPLER_REMOTE_UNSAMPLED];
    return &sampler->cases[sampled ? SAMPLER_LOCAL_SAMPLED : SAMPLER_LOCAL_UNSAMPLED];
}

/* Whether the rule needs all that a sampler may see, for sampler_ask; otherwise sampler_decide is
 * enough. */
static inline bool sampler_must_ask(const struct sampler_ready *rule)
{
    return rule->kind == SAMPLER_CUSTOM || rule->kind == SAMPLER_PROBABILITY;
}

/* What becomes of a span that is not kept. */
static inline enum sampling_decision sampler_dropped(const struct sampler *sampler)
{
    return sampler->records_dropped ? SAMPLING_RECORD_ONLY : SAMPLING_DROP;
}

/* R >= T, R being the last 56 bits of the trace id and T the rejected share of 2^56
 * (OpenTelemetry, probability sampling), so that a trace which a lower ratio keeps is kept by
 * every higher one. */
enum sampling_decision sampler_decide_ratio(const struct sampler *sampler,
                                            const struct sampler_ready *rule,
                                            const struct trace_id *trace_id);

/* Of a rule that need not be asked. */
static inline enum sampling_decision sampler_decide(const struct sampler *sampler,
                                                    const struct sampler_ready *rule,
                                                    const struct trace_id *trace_id)
{
    if (rule->kind == SAMPLER_ALWAYS_ON)
        return SAMPLING_RECORD_AND_SAMPLE;
    return rule->kind == SAMPLER_TRACE_ID_RATIO ? sampler_decide_ratio(sampler, rule, trace_id)
                                                : sampler_dropped(sampler);
}

/* *result as sampling.h says; its tracestate is a valid list: the parent's, or in *memory. */
void sampler_ask(const struct sampler *sampler, const struct sampler_ready *rule,
                 const struct sampling_input *input, struct sampling_result *result,
                 struct trace_state *memory);

#endif
