/* One request's spans as a list of slices: the whole request is proved to be OTLP before anything
 * of it is kept. The input is borrowed and must outlive the batch. One owner, no locks. */
#ifndef CULPRIT_COLLECTOR_BATCH_H
#define CULPRIT_COLLECTOR_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/text.h"

enum { BATCH_SPANS_MAX = 262144 };

/* Where spans come from: bytes of Resource and InstrumentationScope. */
struct batch_origin {
    struct text resource, scope, service;
    uint64_t hash;
};

struct batch_span {
    uint8_t trace_id[16];
    uint64_t start_ns, end_ns;
    struct text bytes;
    uint32_t origin; /* index */
    uint8_t is_error;
};

struct batch {
    struct batch_span *spans;
    struct batch_origin *origins;
    size_t count, capacity;
    size_t origin_count, origin_capacity;
    uint64_t refused;  /* without ids */
    uint64_t overfull; /* over BATCH_SPANS_MAX */
};

/* STATUS_INVALID: not OTLP, the batch is empty then; STATUS_NO_MEMORY. Release it in any case. */
MUST_CHECK enum status batch_read(struct batch *batch, struct text bytes, struct error *error);
void batch_release(struct batch *batch);

#endif
