/* A caller that does not pass the trace context on: its calls have no server span, and for each of
 * them a trace of its own begins at the callee, in the middle of the call.
 *
 * Not taken for it: peers that never send a span, spans that were lost (their descendants hang in
 * the same trace), calls that failed, calls that told their callee not to sample, and entries whose
 * own caller sends no spans. Proved where the two sides match one to one. */
#ifndef CULPRIT_DIAGNOSE_BROKEN_PROPAGATION_H
#define CULPRIT_DIAGNOSE_BROKEN_PROPAGATION_H

#include "diagnose/detect.h"

MUST_CHECK enum status broken_propagation_find(struct detect *detect);

#endif
