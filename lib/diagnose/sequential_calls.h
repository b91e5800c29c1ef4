/* Calls of one span that are made one after another and do not need each other.
 *
 * Proved: they overlapped, or came in the other order, in other requests of this window or of the
 * baseline. Strong: three or more GETs to at least two peers outside the system, with hardly any
 * time between. A hint: reads whose order never varies, which may well need it. Writes and queries
 * of one database need an overlap in the baseline; repeated calls, transactions and paging are
 * never taken. */
#ifndef CULPRIT_DIAGNOSE_SEQUENTIAL_CALLS_H
#define CULPRIT_DIAGNOSE_SEQUENTIAL_CALLS_H

#include "diagnose/detect.h"

MUST_CHECK enum status sequential_calls_find(struct detect *detect);

#endif
