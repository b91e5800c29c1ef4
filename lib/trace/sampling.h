/* Which spans are recorded, and which of those are exported: the choice that a program makes, and
 * what a sampler of its own must do. sampler.h carries it out. */
#ifndef CULPRIT_TRACE_SAMPLING_H
#define CULPRIT_TRACE_SAMPLING_H

#include "trace/attribute.h"

enum sampler_kind {
    SAMPLER_UNSET, /* of a root: SAMPLER_ALWAYS_ON; of a span with a parent: what the parent was */
    SAMPLER_ALWAYS_ON,
    SAMPLER_ALWAYS_OFF,
    SAMPLER_TRACE_ID_RATIO, /* R >= T, R being the trace id's last 56 bits */
    SAMPLER_PROBABILITY,    /* the same, R also from rv, and T told in the tracestate: ot=th:... */
    SAMPLER_CUSTOM,
};

enum sampling_decision { SAMPLING_DROP, SAMPLING_RECORD_ONLY, SAMPLING_RECORD_AND_SAMPLE };

/* What a sampler sees; all borrowed. */
struct sampling_input {
    const struct span_context *parent; /* NULL: a root */
    struct trace_id trace_id;
    struct text name;
    enum span_kind kind;
    const struct attribute *attributes;
    size_t attribute_count;
    const struct span_link *links;
    size_t link_count;
};

/* What it answers. Comes in as SAMPLING_DROP with the parent's tracestate, which it may leave,
 * replace or empty. What it points at must stay good until its next call from the same thread. */
struct sampling_result {
    enum sampling_decision decision;
    struct text trace_state;
    const struct attribute *attributes; /* set on the span over those of its creation */
    size_t attribute_count;
};

/* A sampler of the program's own: static storage, callable from any thread, must not block. */
struct span_sampler {
    const char *description;
    void *self;
    void (*decide)(void *self, const struct sampling_input *input, struct sampling_result *result);
};

struct sampler_rule {
    enum sampler_kind kind;
    double ratio;                      /* of the ratio and the probability sampler, 0..1 */
    const struct span_sampler *custom; /* of SAMPLER_CUSTOM */
};

/* `{0}` is the specification's default: roots always, others as their parent. */
struct sampling {
    struct sampler_rule root;
    bool ignores_parent; /* not parent-based: `root` decides on every span */
    struct sampler_rule remote_sampled, remote_unsampled, local_sampled, local_unsampled;
    bool records_dropped; /* AlwaysRecord: what would be dropped is recorded, never exported */
};

#endif
