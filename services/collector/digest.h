/* What a settled trace comes to: the figures of its row, who took part with which operations, and
 * its calls between services. Pure; the text are slices of the trace. */
#ifndef CULPRIT_COLLECTOR_DIGEST_H
#define CULPRIT_COLLECTOR_DIGEST_H

#include "base/map.h"
#include "services/collector/light.h"
#include "services/collector/open_trace.h"

struct digest_operation {
    struct text service, name;
    uint8_t kind;
    uint64_t shortest_ns, longest_ns;
};

struct digest_edge {
    struct text parent, child;
};

struct digest_span {
    struct light_span light;
    struct text service;
    struct text bytes;
    bool has_callee; /* a SERVER or CONSUMER answers it */
};

/* Buffers are kept from trace to trace. Init, release; content is good until the next read. */
struct digest {
    struct buffer spans, operations, edges; /* of the structs above */
    struct map by_id;                       /* span id -> index */
};

void digest_init(struct digest *digest);
void digest_release(struct digest *digest);

/* STATUS_NO_MEMORY, STATUS_TOO_LARGE. */
MUST_CHECK enum status digest_read(struct digest *digest, const struct open_trace *trace);

size_t digest_operation_count(const struct digest *digest);
const struct digest_operation *digest_operations(const struct digest *digest);
size_t digest_edge_count(const struct digest *digest);
const struct digest_edge *digest_edges(const struct digest *digest);

#endif
