/* A query for each item of a list, where one query for all of them would do: reads of one
 * statement, repeated below one span. What counts and what does not: repeated_calls.h. */
#ifndef CULPRIT_DIAGNOSE_N_PLUS_ONE_QUERIES_H
#define CULPRIT_DIAGNOSE_N_PLUS_ONE_QUERIES_H

#include "diagnose/detect.h"

MUST_CHECK enum status n_plus_one_queries_find(struct detect *detect);

#endif
