/* Which span held the request up at each moment: from the root's end backwards, the child that
 * ended last, and its own children in turn (the rule of Jaeger's page and of CRISP, with a cursor
 * in place of recursion).
 *
 * Segments are disjoint, in order of time, and cover the span they were asked for exactly, so that
 * their sum is its duration. What nobody waits for (TREE_ASYNC) is left out. One owner; memory is
 * taken once, from the caller's arena. Cost O(n log n). */
#ifndef CULPRIT_DIAGNOSE_CRITICAL_PATH_H
#define CULPRIT_DIAGNOSE_CRITICAL_PATH_H

#include "diagnose/tree.h"

struct critical_segment {
    int64_t start_ns, end_ns; /* since the tree's base; never empty */
    uint32_t node;            /* who was busy itself */
};

struct critical_path {
    struct critical_segment *segments;
    uint32_t count;
    struct critical_window *windows; /* a node's part of the path, while it is worked out */
    uint32_t *order;
    uint32_t max_nodes;
};

/* Room for trees of at most `max_nodes`. STATUS_NO_MEMORY. */
MUST_CHECK enum status critical_path_init(struct critical_path *path, uint32_t max_nodes,
                                          struct arena *arena);

/* The path through `node` and what is below it; `segments` and `count` hold it until the next
 * call. */
void critical_path_find(struct critical_path *path, const struct tree *tree, uint32_t node);

/* How much of the path the nodes marked in `members` (by node) hold. */
int64_t critical_path_held_ns(const struct critical_path *path, const bool *members);

#endif
