/* How long peers outside the system take to answer, route by route, now and in the baseline:
 * whether or not somebody waits for them, in every trace. The measuring behind slow_dependency.c;
 * decides nothing and changes nothing. */
#ifndef CULPRIT_DIAGNOSE_OUTSIDE_H
#define CULPRIT_DIAGNOSE_OUTSIDE_H

#include "diagnose/window.h"

/* Calls of one fingerprint in one window. */
struct outside_times {
    const double *ms; /* by size */
    size_t count;
    double p50_ms, error_ms; /* error: of the median */
    double beside;           /* share that overlaps a neighbour below the same span */
    double start_ms;         /* since the parent's begin, median */
};

struct outside_route {
    uint32_t print;
    struct outside_times now, before;
};

/* All routes of one peer that sends no spans. */
struct outside_peer {
    struct text name;
    struct outside_route *routes;
    size_t route_count;
};

struct outside {
    struct outside_peer *peers; /* in order of their first fingerprint */
    size_t peer_count;
};

/* `baseline` may be NULL. STATUS_NO_MEMORY. */
MUST_CHECK enum status outside_measure(struct outside *outside, const struct window *current,
                                       const struct window *baseline, struct arena *arena);

#endif
