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
const struct sampler_ready *sampler_find(const struct sampler *sampler,
                                         const struct span_context *parent);

/* Whether the rule needs all that a sampler may see, for sampler_ask; otherwise sampler_decide is
 * enough. */
static inline bool sampler_must_ask(const struct sampler_ready *rule)
{
    return rule->kind == SAMPLER_CUSTOM || rule->kind == SAMPLER_PROBABILITY;
}

/* Ratio: R >= T, R being the last 56 bits of the trace id and T the rejected share of 2^56
 * (OpenTelemetry, probability sampling), so that a trace which a lower ratio keeps is kept by
 * every higher one. */
enum sampling_decision sampler_decide(const struct sampler *sampler,
                                      const struct sampler_ready *rule,
                                      const struct trace_id *trace_id);

/* *result as sampling.h says; its tracestate is a valid list: the parent's, or in *memory. */
void sampler_ask(const struct sampler *sampler, const struct sampler_ready *rule,
                 const struct sampling_input *input, struct sampling_result *result,
                 struct trace_state *memory);

#endif
