/* Decides whether a span is recorded. Pure; never allocates. */
#ifndef CULPRIT_TRACE_SAMPLER_H
#define CULPRIT_TRACE_SAMPLER_H

#include "trace/trace.h"

struct sampler {
    enum sampler_kind kind;
    bool parent_based;
    uint64_t threshold; /* of SAMPLER_TRACE_ID_RATIO: recorded from here on */
};

/* `ratio` within 0..1. */
struct sampler sampler_of(enum sampler_kind kind, bool parent_based, double ratio);

/* `parent` NULL: a root. Ratio: R >= T, R being the last 56 bits of the trace id and T the
 * rejected share of 2^56 (OpenTelemetry, probability sampling), so that a trace which a lower
 * ratio keeps is kept by every higher one. */
bool sampler_decide(const struct sampler *sampler, const struct span_context *parent,
                    const struct trace_id *trace_id);

#endif
