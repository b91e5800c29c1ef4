/* One call made many times below one span: how many times, with what in common, and what the number
 * of times depends on. The measuring behind repeated_calls.c; decides nothing and changes nothing.
 */
#ifndef CULPRIT_DIAGNOSE_LOOPS_H
#define CULPRIT_DIAGNOSE_LOOPS_H

#include "diagnose/calls.h"

enum { LOOPS_MANY = 5 }; /* so many calls are a loop */

/* The calls of a site below one span. */
struct loops_place {
    uint32_t tree, parent; /* node */
    uint32_t member;       /* for the user: whose it is, where places of several sites are mixed */
    const struct calls_ref *refs;
    uint32_t count;
};

struct loops {
    struct loops_place *places; /* by tree, then parent */
    size_t count, many;         /* of places; of those with at least LOOPS_MANY calls */
    double median;              /* calls in a place that has many */
    double spread;              /* standard deviation over mean, of all places */
    double tracking;            /* correlation with the rows that a query before them returned */
    double failed;              /* share of the calls that ended in an error, of places with many */
    double alike;               /* share of the calls that ask for what another of the place asks */
    double busy;                /* share of a loop's time that lies inside of its calls, median */
};

/* STATUS_NO_MEMORY. `site` may be NULL: nothing. */
MUST_CHECK enum status loops_measure(struct loops *loops, const struct window *window,
                                     const struct calls_site *site, struct arena *arena);

/* From the start of the place's first call to the end of its last, since the tree's base. */
void loops_interval(const struct window *window, const struct loops_place *place,
                    int64_t start_end_ns[2]);

#endif
