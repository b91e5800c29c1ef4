/* What can be said of one statement of a database at one place in the code: how long it takes, now,
 * in the baseline and beside other reads of that database, and what it had to read for it. The
 * measuring behind missing_index.c; decides nothing and changes nothing. */
#ifndef CULPRIT_DIAGNOSE_STATEMENT_H
#define CULPRIT_DIAGNOSE_STATEMENT_H

#include "diagnose/detect.h"

struct statement {
    const struct calls_site *site, *old; /* old: in the baseline; NULL when it is not there */
    const double *now_ms, *before_ms;    /* by size; site->count and old->count of them */
    double p10_ms, p50_ms, before_p50_ms;
    double keyed_p50_ms;      /* other reads of the database, else of all; 0 when there are none */
    bool counted;             /* sqlite's counters came with the spans */
    double steps;             /* rows that a scan read in one execution, median */
    double steps_a_row;       /* ... for each row that was returned */
    double rows, before_rows; /* returned by one execution, median */
    double others_grew;       /* other statements of the database: now over before; 0: none */
    double alone_p50_ms;      /* while nobody else used the database */
    size_t alone;             /* executions of that kind */
    double crowd;             /* correlation of its time with the number of uses at once; 1 where
                                 that never varies */
    double a_request;         /* executions in a request that has it */
    bool looks_up;            /* it joins or has conditions: an index could serve it */
};

/* STATUS_NO_MEMORY. */
MUST_CHECK enum status statement_measure(struct statement *statement, const struct detect *detect,
                                         const struct calls_site *site);

#endif
