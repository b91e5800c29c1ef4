/* A peer outside the system that answers slower than it did: what it adds to the critical path.
 *
 * Strong where nearly all calls of all its routes and callers slowed down against the baseline, and
 * the caller's other peers did not slow down alike (then it is the caller, or its network). A long
 * time that was always so is no fault. Without a baseline a hint at most: ten times as slow as the
 * other peers outside. One finding a peer, at the route that it slowed down most. */
#ifndef CULPRIT_DIAGNOSE_SLOW_DEPENDENCY_H
#define CULPRIT_DIAGNOSE_SLOW_DEPENDENCY_H

#include "diagnose/detect.h"

MUST_CHECK enum status slow_dependency_find(struct detect *detect);

#endif
