/* Who calls whom, and how each operation fares: rate, errors, durations. Calls are paired inside
 * their trace, never by arrival, so that slow ones are not missed.
 *
 * Pure, as the rest of this room. Everything is in the caller's arena; texts may point into the
 * spans. The same spans give the same graph, whatever their order. No locks. */
#ifndef CULPRIT_DIAGNOSE_GRAPH_H
#define CULPRIT_DIAGNOSE_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "otlp/spans.h"

struct graph_edge {
    struct text caller, callee; /* services; the callee may be a host, a queue or
                                    "NAME (database)" */
    uint64_t calls, errors;
    bool outside; /* the callee sends no spans */
    /* As the callee served it; as the caller waited where the callee is outside. */
    double mean_ms, p50_ms, p99_ms;
    const uint8_t *trace_id; /* of the slowest call */
};

/* What a service serves: its SERVER and CONSUMER spans of one name. */
struct graph_operation {
    struct text service, operation;
    uint64_t calls, errors;
    double p50_ms, p95_ms, p99_ms, max_ms;
};

struct graph {
    const struct graph_edge *edges; /* by caller, then callee */
    size_t edge_count;
    const struct graph_operation *operations; /* by service, then operation */
    size_t operation_count;
    const struct graph_operation *services; /* all of a service's; `operation` is empty */
    size_t service_count;
    uint64_t first_ns, last_ns; /* begin of the first trace and of the last, for rates */
    uint64_t trace_count;
};

/* Of the traces that began within [start_ns, end_ns); 0, 0: all. STATUS_NO_MEMORY: the arena's
 * maximum; STATUS_TOO_LARGE. */
MUST_CHECK enum status graph_build(struct graph *graph, const struct spans *spans,
                                   const uint64_t range_ns[2], struct arena *arena);

#endif
