/* A statement that reads a whole table to find a few rows.
 *
 * Proved by sqlite's own counters: it scans fifty rows and more for each that it returns, and takes
 * three times as long as before, or as other reads. Without the counters strong where the baseline
 * shows the same statement at the same place at a third of the time or less, every execution is
 * slow (also while nobody else uses the database), it returns no more rows, and the database's
 * other statements did not slow down with it; ten times slower than other reads alone is a hint.
 * Not taken for it: waits for a lock, a slow disk or CPU, large answers, sums over whole tables. */
#ifndef CULPRIT_DIAGNOSE_MISSING_INDEX_H
#define CULPRIT_DIAGNOSE_MISSING_INDEX_H

#include "diagnose/detect.h"

MUST_CHECK enum status missing_index_find(struct detect *detect);

#endif
