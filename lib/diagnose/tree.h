/* Traces out of a set of spans: parent links mended, clocks settled, asynchronous parts marked.
 *
 * Nodes lie in breadth-first order: a parent stands before its children, the children of a node lie
 * side by side and are sorted by start. So top-down is a loop forwards, bottom-up a loop backwards,
 * and a chain 100,000 deep needs no stack. The order of the spans in the set has no influence.
 * Cost O(n log n). Everything is in the caller's arena; spans are borrowed. No locks. */
#ifndef CULPRIT_DIAGNOSE_TREE_H
#define CULPRIT_DIAGNOSE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "otlp/spans.h"

#define TREE_NONE UINT32_MAX

/* Times are cut at some 19 hours after the trace's first span, so that sums cannot overflow. */
#define TREE_TIME_MAX_NS ((int64_t)1 << 46)

enum tree_flags {
    TREE_ORPHAN = 1,   /* its parent is not in the set */
    TREE_CUT = 2,      /* its parent was itself or below it: the link is cut */
    TREE_ASYNC = 4,    /* nobody waits for it: from a queue's consumer downwards */
    TREE_INVERTED = 8, /* ended before it began: zero length */
    TREE_CLIPPED = 16, /* reached out of its parent: cut to it */
    TREE_SHIFTED = 32, /* moved because its host's clock differs */
    TREE_FAR = 64,     /* on another host than its parent */
};

struct tree_node {
    const struct otlp_span *span;
    int64_t start_ns, end_ns; /* settled, since the tree's base; end >= start */
    int64_t shift_ns;         /* how far skew moved it */
    uint32_t parent;          /* TREE_NONE for roots and orphans */
    uint32_t first_child, child_count;
    uint32_t flags;
    uint32_t print; /* fingerprint, see fingerprint.h; 0 until assigned */
};

struct tree {
    const uint8_t *trace_id; /* 16 bytes of some span */
    uint64_t base_ns;        /* earliest start, wall clock */
    struct tree_node *nodes; /* nodes[0] is the root, or stands for it where there is none */
    uint32_t count;
    uint32_t root_count; /* spans with no parent; 1 too where the only parentless span is a
                            server's whose caller sends no spans */
    uint32_t orphan_count, duplicate_count, cycle_count;
    uint32_t inverted_count, clipped_count, shifted_count;
};

struct forest {
    struct tree *trees; /* by begin, then trace id */
    size_t count;
    size_t node_count;
    uint32_t largest; /* nodes of the largest tree */
};

/* The traces that began within [start_ns, end_ns) of the wall clock; 0, 0: all. STATUS_NO_MEMORY:
 * the arena's maximum. */
MUST_CHECK enum status tree_forest_build(struct forest *forest, const struct spans *spans,
                                         uint64_t start_ns, uint64_t end_ns, struct arena *arena);

/* One root, no orphan, no cycle. */
bool tree_is_complete(const struct tree *tree);

static inline int64_t tree_duration_ns(const struct tree_node *node)
{
    return node->end_ns - node->start_ns;
}

/* A client's server span, a producer's consumer span: the first child of that kind; TREE_NONE where
 * the other side sent none. */
uint32_t tree_far_side(const struct tree *tree, uint32_t node);

/* A call seen from both sides: what passed before the server began and after it ended. */
struct tree_legs {
    int64_t request_ns, response_ns;
};
struct tree_legs tree_legs_of(const struct tree *tree, uint32_t client, uint32_t server);

#endif
