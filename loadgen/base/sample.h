/* The traces that are kept for the diagnosis: every trace of a uniform choice of flows. The choice
 * depends on the flow's number alone, so that two windows of the same sequence keep the same flows.
 * Kept as OTLP bytes, which are a small part of decoded spans. Bounded; not thread-safe. */
#ifndef CULPRIT_LOADGEN_BASE_SAMPLE_H
#define CULPRIT_LOADGEN_BASE_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "otlp/spans.h"

enum { SAMPLE_FLOWS_MAX = 1000 };

struct sample_item {
    uint64_t flow; /* UINT64_MAX: a fragment that belongs to none that we know */
    uint8_t *bytes;
    size_t length_bytes;
    uint64_t start_ns, end_ns; /* from the first start to the last end, wall clock */
};

struct sample {
    uint64_t threshold; /* flows whose hash is at most this are kept */
    struct sample_item *items;
    size_t count, capacity;
    size_t bytes;
    uint64_t dropped; /* wanted, but over a bound */
};

/* `flow_count` flows are to come. */
void sample_init(struct sample *sample, uint64_t flow_count);
void sample_release(struct sample *sample);

bool sample_wants(const struct sample *sample, uint64_t flow);

/* Everything is kept, nothing was left out by choice. */
bool sample_is_whole(const struct sample *sample);

/* Some kept trace of a known flow holds this range of time. */
bool sample_covers(const struct sample *sample, uint64_t start_ns, uint64_t end_ns);

/* Adds spans [first, first + count), of one trace. */
void sample_add(struct sample *sample, uint64_t flow, const struct spans *spans, size_t first,
                size_t count);

/* Decodes all of it into an initialised set. STATUS_NO_MEMORY, STATUS_TOO_LARGE. */
MUST_CHECK enum status sample_decode(const struct sample *sample, struct spans *spans);

#endif
