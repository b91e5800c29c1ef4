#include "diagnose/critical_path.h"

#include <stdlib.h>

struct critical_window {
    int64_t low_ns, high_ns;
    bool on_path;
};

enum status critical_path_init(struct critical_path *path, uint32_t max_nodes, struct arena *arena)
{
    *path = (struct critical_path){.max_nodes = max_nodes};
    /* A node adds the gap before its next child, and one gap after its last. */
    path->segments = arena_alloc_array(arena, 2 * (size_t)max_nodes, sizeof(*path->segments));
    path->windows = arena_alloc_array(arena, max_nodes, sizeof(*path->windows));
    path->order = arena_alloc_array(arena, max_nodes, sizeof(*path->order));
    return path->segments && path->windows && path->order ? STATUS_OK : STATUS_NO_MEMORY;
}

/* Latest end first; of two the one that began last, as the shorter explanation. */
static int order_by_end(const void *left, const void *right, void *context)
{
    const struct tree_node *nodes = context;
    const uint32_t i = *(const uint32_t *)left, j = *(const uint32_t *)right;
    const struct tree_node *a = &nodes[i], *b = &nodes[j];
    if (a->end_ns != b->end_ns)
        return a->end_ns > b->end_ns ? -1 : 1;
    if (a->start_ns != b->start_ns)
        return a->start_ns > b->start_ns ? -1 : 1;
    return (i < j) - (i > j);
}

static void emit(struct critical_path *path, uint32_t node, int64_t start_ns, int64_t end_ns)
{
    if (start_ns < end_ns)
        path->segments[path->count++] = (struct critical_segment){start_ns, end_ns, node};
}

/* Between hosts, clocks that differ a little make a child seem to end after its successor began:
 * up to 1 % of the parent is forgiven. */
static bool forgiven(const struct tree_node *parent, const struct tree_node *child, int64_t over_ns)
{
    return (child->flags & TREE_FAR) && over_ns <= tree_duration_ns(parent) / 100;
}

static void split(struct critical_path *path, const struct tree *tree, uint32_t at)
{
    const struct tree_node *parent = &tree->nodes[at];
    const struct critical_window window = path->windows[at];
    for (uint32_t i = 0; i < parent->child_count; i++)
        path->order[i] = parent->first_child + i;
    qsort_r(path->order, parent->child_count, sizeof(*path->order), order_by_end, tree->nodes);
    int64_t cursor_ns = window.high_ns;
    for (uint32_t i = 0; i < parent->child_count; i++) {
        const struct tree_node *child = &tree->nodes[path->order[i]];
        struct critical_window *part = &path->windows[path->order[i]];
        *part = (struct critical_window){0};
        const int64_t low_ns = child->start_ns > window.low_ns ? child->start_ns : window.low_ns;
        int64_t high_ns = child->end_ns < window.high_ns ? child->end_ns : window.high_ns;
        if ((child->flags & TREE_ASYNC) || low_ns >= cursor_ns)
            continue;
        if (high_ns > cursor_ns && !forgiven(parent, child, high_ns - cursor_ns))
            continue;
        if (high_ns > cursor_ns)
            high_ns = cursor_ns;
        if (low_ns >= high_ns)
            continue;
        emit(path, at, high_ns, cursor_ns);
        *part = (struct critical_window){low_ns, high_ns, true};
        cursor_ns = low_ns;
    }
    emit(path, at, window.low_ns, cursor_ns);
}

static int order_segments(const void *left, const void *right)
{
    const struct critical_segment *a = left, *b = right;
    return (a->start_ns > b->start_ns) - (a->start_ns < b->start_ns);
}

void critical_path_find(struct critical_path *path, const struct tree *tree, uint32_t node)
{
    path->count = 0;
    if (node >= tree->count || tree->count > path->max_nodes)
        return;
    for (uint32_t i = node; i < tree->count; i++)
        path->windows[i].on_path = false;
    path->windows[node] =
        (struct critical_window){tree->nodes[node].start_ns, tree->nodes[node].end_ns, true};
    /* Parents stand before their children, so one pass forwards is enough. */
    for (uint32_t i = node; i < tree->count; i++) {
        if (path->windows[i].on_path)
            split(path, tree, i);
    }
    qsort(path->segments, path->count, sizeof(*path->segments), order_segments);
}

int64_t critical_path_held_ns(const struct critical_path *path, const bool *members)
{
    int64_t held_ns = 0;
    for (uint32_t i = 0; i < path->count; i++) {
        if (members[path->segments[i].node])
            held_ns += path->segments[i].end_ns - path->segments[i].start_ns;
    }
    return held_ns;
}
