/* Which spans a request must have led to, out of the topology, and which of them its trace holds.
 *
 * Edges alone are counted: the root, and for each call behind a route the caller's and the callee's
 * span (a partner's edge is the caller's span alone; a queue's are producer and consumer). Three
 * results are kept apart: arrived (no span of a call that was made is missing), connected (one
 * root, no orphan), as expected (no call too few, none too many). Pure: no I/O, no allocation; a
 * plan is read-only once built, and borrows the topology. */
#ifndef CULPRIT_LOADGEN_WINDOW_COMPLETE_H
#define CULPRIT_LOADGEN_WINDOW_COMPLETE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "http/topology.h"
#include "otlp/spans.h"

enum { PLAN_EDGES_MAX = 64, PLAN_NAME_MAX = 128 };

/* A span by kind, service and name. */
struct plan_span {
    uint8_t kind; /* enum otlp_kind */
    char service[32];
    char name[PLAN_NAME_MAX];
};

struct plan_edge {
    int parent; /* the edge whose callee makes this call; -1 for the first */
    uint32_t count, per_line;
    bool is_asynchronous; /* at or behind a queue */
    bool has_callee;      /* false: a partner */
    struct plan_span caller, callee;
    const struct topology_service *to;
};

/* Parents stand before their children. */
struct plan {
    struct plan_edge edges[PLAN_EDGES_MAX];
    size_t count;
};

/* What one side of each edge was found to be. */
struct plan_found {
    uint32_t caller[PLAN_EDGES_MAX], callee[PLAN_EDGES_MAX];
};

struct completeness {
    uint32_t spans;      /* of any kind, duplicates not counted */
    uint32_t expected;   /* spans of edges */
    uint32_t found;      /* of those; more than expected do not count */
    uint32_t lost;       /* of a call that was made, or that nobody can know about */
    uint32_t never_made; /* of calls that were not made */
    uint32_t extra;      /* of calls that were not expected */
    uint32_t orphans, roots, duplicates;
    struct plan_found missing; /* the lost ones by edge */
};

/* The calls behind `method path` of `entry`. STATUS_NOT_FOUND: no such route; STATUS_TOO_LARGE:
 * more edges than PLAN_EDGES_MAX, or a circle of calls. Words in `error`. */
MUST_CHECK enum status plan_build(struct plan *plan, const struct topology *topology,
                                  const char *entry, const char *method, const char *path,
                                  struct error *error);

/* Holds the spans (all of one trace; none: nothing arrived) against the plan of a request with so
 * many cart lines. */
void complete_check(const struct plan *plan, unsigned cart_lines, const struct spans *spans,
                    struct completeness *out);

/* Counts the edges' spans among spans [first, first + count), which may be of many traces. */
void complete_count(const struct plan *plan, const struct spans *spans, size_t first, size_t count,
                    struct plan_found *found);

bool complete_has_arrived(const struct completeness *completeness);
bool complete_is_connected(const struct completeness *completeness);
bool complete_is_as_expected(const struct completeness *completeness);

#endif
