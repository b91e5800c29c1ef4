/* A call of another service for each item of a list, where one call for all of them would do: one
 * route of one peer, repeated below one span. What counts and what does not: repeated_calls.h;
 * pages of one answer are never taken, since each needs the one before. */
#ifndef CULPRIT_DIAGNOSE_N_PLUS_ONE_CALLS_H
#define CULPRIT_DIAGNOSE_N_PLUS_ONE_CALLS_H

#include "diagnose/detect.h"

MUST_CHECK enum status n_plus_one_calls_find(struct detect *detect);

#endif
