/* One call for each item where one call for all would do: what n_plus_one_queries.c and
 * n_plus_one_calls.c share. A rule says which calls are looked at and in which words.
 *
 * A loop counts when it runs at least five times in a request and either the number varies with the
 * request (or follows the rows that a query before it returned), or the baseline did the same work
 * with few calls. Not taken for it: a constant number of equal calls, retries of failures, asking
 * again and again for the same thing, and polling, which waits between the calls. */
#ifndef CULPRIT_DIAGNOSE_REPEATED_CALLS_H
#define CULPRIT_DIAGNOSE_REPEATED_CALLS_H

#include "diagnose/detect.h"

struct repeated_calls_rule {
    enum finding_kind kind;
    bool (*accepts)(const struct fingerprint *print);
    const char *noun; /* "query" */
    /* What each item more adds to a call for all, as a share of a call for one, where the baseline
     * does not show it. */
    double row_share;
};

/* STATUS_NO_MEMORY. */
MUST_CHECK enum status repeated_calls_find(struct detect *detect,
                                           const struct repeated_calls_rule *rule);

#endif
