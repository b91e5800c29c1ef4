/* What a request would have taken, had its calls been made another way: a replay that keeps the
 * order in which siblings waited for each other and the work between them.
 *
 * A child waits for the siblings that had ended when it began, and starts the same gap after the
 * last of them; a parent ends the same tail after its last child. Without an edit the replay gives
 * the duration that was measured, to the nanosecond. What nobody waits for takes no part. Assumes
 * that the edit causes no new contention. One owner; memory is taken once, from the caller's
 * arena. Cost O(n log n) a run. */
#ifndef CULPRIT_DIAGNOSE_REPLAY_H
#define CULPRIT_DIAGNOSE_REPLAY_H

#include "diagnose/tree.h"

enum replay_action {
    REPLAY_KEEP,
    REPLAY_PARALLEL, /* begins together with the first of its group */
    REPLAY_DURATION, /* takes another time; its children are not looked at */
    REPLAY_FOLD,     /* takes no time; the work before it remains */
    REPLAY_REMOVE,   /* takes no time, nor does the gap before it */
    REPLAY_ASYNC,    /* goes on, but nobody waits for it */
};

struct replay_edit {
    uint8_t action;      /* enum replay_action */
    uint32_t group;      /* PARALLEL: the node that began first */
    int64_t duration_ns; /* DURATION */
};

struct replay {
    const struct tree *tree;
    struct replay_edit *edits; /* by node */
    int64_t *duration_ns;      /* by node: after the edits */
    struct replay_slot *slots; /* of the children of one node */
    uint32_t *by_end;
    uint32_t max_nodes;
};

/* Room for trees of at most `max_nodes`. STATUS_NO_MEMORY. */
MUST_CHECK enum status replay_init(struct replay *replay, uint32_t max_nodes, struct arena *arena);

/* Chooses the tree and forgets all edits. The tree must fit. */
void replay_begin(struct replay *replay, const struct tree *tree);

/* Children of one parent, at least two, that start side by side where the first of them did; the
 * work that lay between them is done before. Nodes may come in any order. */
void replay_parallel(struct replay *replay, const uint32_t *nodes, size_t count);

/* One call that takes `duration_ns` in place of all; the work between them remains. */
void replay_batch(struct replay *replay, const uint32_t *nodes, size_t count, int64_t duration_ns);

void replay_remove(struct replay *replay, uint32_t node);
void replay_async(struct replay *replay, uint32_t node);
void replay_scale(struct replay *replay, uint32_t node, int64_t duration_ns);

/* The new duration of `node` (0: the root) under the edits. */
int64_t replay_run(struct replay *replay, uint32_t node);

#endif
