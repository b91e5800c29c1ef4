#include "diagnose/replay.h"

#include <stdlib.h>
#include <string.h>

/* A child while its parent is replayed; times since the parent's start. */
struct replay_slot {
    int64_t gap_ns;      /* work between the last sibling that it waited for and its own start */
    int64_t group_ns;    /* of a group's first member: the gaps of the others */
    uint32_t group_last; /* and the member that ended last */
    int64_t new_start_ns, new_end_ns;
};

enum status replay_init(struct replay *replay, uint32_t max_nodes, struct arena *arena)
{
    *replay = (struct replay){.max_nodes = max_nodes};
    replay->edits = arena_alloc_array(arena, max_nodes, sizeof(*replay->edits));
    replay->duration_ns = arena_alloc_array(arena, max_nodes, sizeof(*replay->duration_ns));
    replay->slots = arena_alloc_array(arena, max_nodes, sizeof(*replay->slots));
    replay->by_end = arena_alloc_array(arena, max_nodes, sizeof(*replay->by_end));
    return replay->edits && replay->duration_ns && replay->slots && replay->by_end
               ? STATUS_OK
               : STATUS_NO_MEMORY;
}

void replay_begin(struct replay *replay, const struct tree *tree)
{
    replay->tree = tree;
    memset(replay->edits, 0, tree->count * sizeof(*replay->edits));
}

/* Siblings are sorted by start, so the smallest number began first. */
static uint32_t first_of(const uint32_t *nodes, size_t count)
{
    uint32_t first = nodes[0];
    for (size_t i = 1; i < count; i++)
        first = nodes[i] < first ? nodes[i] : first;
    return first;
}

void replay_parallel(struct replay *replay, const uint32_t *nodes, size_t count)
{
    if (count < 2)
        return;
    const uint32_t first = first_of(nodes, count);
    for (size_t i = 0; i < count; i++)
        replay->edits[nodes[i]] = (struct replay_edit){REPLAY_PARALLEL, first, 0};
}

void replay_batch(struct replay *replay, const uint32_t *nodes, size_t count, int64_t duration_ns)
{
    if (count == 0)
        return;
    for (size_t i = 0; i < count; i++)
        replay->edits[nodes[i]] = (struct replay_edit){.action = REPLAY_FOLD};
    replay_scale(replay, first_of(nodes, count), duration_ns);
}

void replay_remove(struct replay *replay, uint32_t node)
{
    replay->edits[node] = (struct replay_edit){.action = REPLAY_REMOVE};
}

void replay_async(struct replay *replay, uint32_t node)
{
    replay->edits[node] = (struct replay_edit){.action = REPLAY_ASYNC};
}

void replay_scale(struct replay *replay, uint32_t node, int64_t duration_ns)
{
    replay->edits[node] = (struct replay_edit){
        REPLAY_DURATION, 0, duration_ns < TREE_TIME_MAX_NS ? duration_ns : TREE_TIME_MAX_NS};
}

/* Children whom somebody waits for now, before the edits. */
static bool blocks(const struct tree_node *node)
{
    return !(node->flags & TREE_ASYNC);
}

static int order_by_end(const void *left, const void *right, void *context)
{
    const struct tree_node *nodes = context;
    const uint32_t i = *(const uint32_t *)left, j = *(const uint32_t *)right;
    if (nodes[i].end_ns != nodes[j].end_ns)
        return nodes[i].end_ns < nodes[j].end_ns ? -1 : 1;
    return (i > j) - (i < j);
}

/* The blocking children of `parent` by end into by_end; returns how many. */
static uint32_t sort_by_end(struct replay *replay, const struct tree_node *parent)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < parent->child_count; i++) {
        if (blocks(&replay->tree->nodes[parent->first_child + i]))
            replay->by_end[count++] = parent->first_child + i;
    }
    qsort_r(replay->by_end, count, sizeof(*replay->by_end), order_by_end, replay->tree->nodes);
    return count;
}

/* Where a group's sums are kept. */
static struct replay_slot *leader_of(struct replay *replay, const struct tree_node *parent,
                                     uint32_t at)
{
    return &replay->slots[replay->edits[at].group - parent->first_child];
}

/* The siblings, by end, that had ended when `at` began; `*next` is the first that had not. */
static bool had_ended(const struct replay *replay, uint32_t next, uint32_t blocking, uint32_t at)
{
    const struct tree_node *nodes = replay->tree->nodes;
    return next < blocking && replay->by_end[next] < at &&
           nodes[replay->by_end[next]].end_ns <= nodes[at].start_ns;
}

/* Gaps as they were measured, and those of a group gathered at its first member. */
static void measure_gaps(struct replay *replay, const struct tree_node *parent, uint32_t blocking)
{
    const struct tree_node *nodes = replay->tree->nodes;
    int64_t ended_ns = parent->start_ns;
    uint32_t next = 0;
    for (uint32_t i = 0; i < parent->child_count; i++)
        replay->slots[i] = (struct replay_slot){0};
    for (uint32_t at = parent->first_child; at < parent->first_child + parent->child_count; at++) {
        if (!blocks(&nodes[at]))
            continue;
        while (had_ended(replay, next, blocking, at))
            ended_ns = nodes[replay->by_end[next++]].end_ns;
        const struct replay_edit *edit = &replay->edits[at];
        const int64_t gap_ns = nodes[at].start_ns - ended_ns;
        replay->slots[at - parent->first_child].gap_ns = edit->action == REPLAY_REMOVE ? 0 : gap_ns;
        if (edit->action == REPLAY_PARALLEL && edit->group != at)
            leader_of(replay, parent, at)->group_ns += gap_ns;
    }
    for (uint32_t i = 0; i < blocking; i++) {
        const uint32_t at = replay->by_end[i];
        if (replay->edits[at].action == REPLAY_PARALLEL)
            leader_of(replay, parent, at)->group_last = at;
    }
}

/* What the children that are still to come wait for. */
struct ready {
    int64_t new_ns;   /* new end of all that is over */
    int64_t group_ns; /* new end of the members of a group that is not over */
    int64_t held_ns;  /* and their old end: who began before the whole group was over did not wait
                         for it (it is on a branch beside it), so nothing is gained for it */
    uint32_t next;
};

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void pass(struct ready *ready, struct replay *replay, const struct tree_node *parent)
{
    const uint32_t at = replay->by_end[ready->next++];
    const int64_t end_ns = replay->slots[at - parent->first_child].new_end_ns;
    if (replay->edits[at].action != REPLAY_PARALLEL) {
        ready->new_ns = later(ready->new_ns, end_ns);
        return;
    }
    ready->group_ns = later(ready->group_ns, end_ns);
    ready->held_ns = later(ready->held_ns, replay->tree->nodes[at].end_ns - parent->start_ns);
    if (leader_of(replay, parent, at)->group_last != at)
        return;
    ready->new_ns = later(ready->new_ns, ready->group_ns);
    ready->group_ns = ready->held_ns = 0;
}

static void place_child(struct replay *replay, const struct tree_node *parent, uint32_t at,
                        const struct ready *ready)
{
    struct replay_slot *slot = &replay->slots[at - parent->first_child];
    const struct replay_edit *edit = &replay->edits[at];
    if (edit->action == REPLAY_PARALLEL && edit->group != at)
        slot->new_start_ns = leader_of(replay, parent, at)->new_start_ns;
    else
        slot->new_start_ns = later(ready->new_ns, ready->held_ns) + slot->gap_ns + slot->group_ns;
    slot->new_end_ns = slot->new_start_ns;
    if (edit->action != REPLAY_ASYNC) /* it is still issued there, but nobody waits for it */
        slot->new_end_ns += replay->duration_ns[at];
}

/* New start and end of every blocking child; returns the last new end, or 0. */
static int64_t place_children(struct replay *replay, const struct tree_node *parent,
                              uint32_t blocking)
{
    struct ready ready = {0};
    int64_t last_ns = 0;
    for (uint32_t at = parent->first_child; at < parent->first_child + parent->child_count; at++) {
        if (!blocks(&replay->tree->nodes[at]))
            continue;
        while (had_ended(replay, ready.next, blocking, at))
            pass(&ready, replay, parent);
        place_child(replay, parent, at, &ready);
        last_ns = later(last_ns, replay->slots[at - parent->first_child].new_end_ns);
    }
    return last_ns;
}

static int64_t replay_node(struct replay *replay, uint32_t at)
{
    const struct tree_node *node = &replay->tree->nodes[at];
    const struct replay_edit *edit = &replay->edits[at];
    if (edit->action == REPLAY_DURATION)
        return edit->duration_ns;
    if (edit->action == REPLAY_FOLD || edit->action == REPLAY_REMOVE)
        return 0;
    if (node->child_count == 0)
        return tree_duration_ns(node);
    const uint32_t blocking = sort_by_end(replay, node);
    const int64_t last_old_ns =
        blocking > 0 ? replay->tree->nodes[replay->by_end[blocking - 1]].end_ns : node->start_ns;
    measure_gaps(replay, node, blocking);
    return place_children(replay, node, blocking) + node->end_ns - last_old_ns;
}

int64_t replay_run(struct replay *replay, uint32_t node)
{
    /* Children stand behind their parents, so one pass backwards is enough. */
    for (uint32_t i = replay->tree->count; i-- > node;)
        replay->duration_ns[i] = replay_node(replay, i);
    return replay->duration_ns[node];
}
