/* The clocks of a trace, settled from the top down: zero length for spans that ended before they
 * began, Jaeger's skew rule between hosts, children cut to their parents. Part of tree.c. */
#ifndef CULPRIT_DIAGNOSE_TREE_TIMES_H
#define CULPRIT_DIAGNOSE_TREE_TIMES_H

#include "diagnose/tree.h"

/* A node without parent: its own times. */
void tree_times_settle_top(struct tree *tree, uint32_t node);

/* The children of a node whose own times are settled; sorts them by start. Skew is judged only
 * where both hosts are named (host.id, host.ip or host.name) and differ; what a queue carried is
 * neither shifted nor cut, since nobody waits for it. */
void tree_times_settle(struct tree *tree, uint32_t node);

#endif
