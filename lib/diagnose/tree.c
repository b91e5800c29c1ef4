#include "diagnose/tree.h"

#include <stdlib.h>
#include <string.h>

#include "diagnose/tree_times.h"

/* A span with no parent in the set. */
struct top {
    uint64_t start_ns;
    uint32_t index;
    uint32_t flags;
};

/* What building one trace needs: `spans` are sorted by id, every index below counts in them. */
struct build {
    const struct otlp_span **spans;
    uint32_t count;
    uint32_t *parent; /* TREE_NONE: root or orphan */
    uint32_t *begin;  /* children of i: child[begin[i]] .. child[begin[i + 1] - 1] */
    uint32_t *child;
    uint32_t *mark; /* walk that passed here, while looking for cycles */
    bool *placed;
    struct top *tops;
    uint32_t *source; /* node -> index */
    struct tree *tree;
    uint32_t filled; /* nodes placed so far */
};

static int order_u64(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int order_text(struct text a, struct text b)
{
    if (a.data == b.data && a.length == b.length)
        return 0;
    const size_t shorter = a.length < b.length ? a.length : b.length;
    const int order = shorter > 0 ? memcmp(a.data, b.data, shorter) : 0;
    return order ? order : order_u64(a.length, b.length);
}

/* Trace, then span id; of two with the same id the one that began first, and so on, so that which
 * one is kept does not hang on the order in which they arrived. */
static int order_spans(const void *left, const void *right)
{
    const struct otlp_span *a = *(const struct otlp_span *const *)left;
    const struct otlp_span *b = *(const struct otlp_span *const *)right;
    int order = memcmp(a->trace_id, b->trace_id, sizeof(a->trace_id));
    if (!order)
        order = memcmp(a->span_id, b->span_id, sizeof(a->span_id));
    if (!order)
        order = order_u64(a->start_ns, b->start_ns);
    if (!order)
        order = order_u64(b->end_ns, a->end_ns);
    if (!order)
        order = memcmp(a->parent_id, b->parent_id, sizeof(a->parent_id));
    if (!order)
        order = order_u64(a->kind, b->kind);
    if (!order)
        order = order_text(a->resource->service, b->resource->service);
    return order ? order : order_text(a->name, b->name);
}

static int order_trees(const void *left, const void *right)
{
    const struct tree *a = left, *b = right;
    const int order = order_u64(a->base_ns, b->base_ns);
    return order ? order : memcmp(a->trace_id, b->trace_id, 16);
}

static uint32_t find_span(const struct build *build, const uint8_t *span_id)
{
    uint32_t low = 0, high = build->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const int order = memcmp(build->spans[middle]->span_id, span_id, 8);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return TREE_NONE;
}

static void drop_duplicates(struct build *build)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < build->count; i++) {
        const bool again =
            kept > 0 && memcmp(build->spans[kept - 1]->span_id, build->spans[i]->span_id, 8) == 0;
        build->tree->duplicate_count += again;
        if (!again)
            build->spans[kept++] = build->spans[i];
    }
    build->count = kept;
}

static void link_parents(struct build *build)
{
    memset(build->begin, 0, (build->count + 1) * sizeof(*build->begin));
    for (uint32_t i = 0; i < build->count; i++) {
        const struct otlp_span *span = build->spans[i];
        uint32_t parent = otlp_span_is_root(span) ? TREE_NONE : find_span(build, span->parent_id);
        if (parent == i) {
            build->tree->cycle_count++;
            parent = TREE_NONE;
        }
        build->parent[i] = parent;
        if (parent != TREE_NONE)
            build->begin[parent + 1]++;
    }
    for (uint32_t i = 0; i < build->count; i++)
        build->begin[i + 1] += build->begin[i];
    memset(build->mark, 0, build->count * sizeof(*build->mark));
    for (uint32_t i = 0; i < build->count; i++) {
        const uint32_t parent = build->parent[i];
        if (parent != TREE_NONE)
            build->child[build->begin[parent] + build->mark[parent]++] = i;
    }
    memset(build->mark, 0, build->count * sizeof(*build->mark));
}

static void place(struct build *build, uint32_t index, uint32_t parent, uint32_t flags)
{
    build->tree->nodes[build->filled] =
        (struct tree_node){.span = build->spans[index], .parent = parent, .flags = flags};
    build->source[build->filled++] = index;
    build->placed[index] = true;
}

/* Places whatever hangs below the nodes from `at` on; they are settled already. */
static void grow(struct build *build, uint32_t at)
{
    struct tree *tree = build->tree;
    for (; at < build->filled; at++) {
        const uint32_t index = build->source[at];
        const uint32_t first = build->filled;
        for (uint32_t c = build->begin[index]; c < build->begin[index + 1]; c++) {
            if (!build->placed[build->child[c]])
                place(build, build->child[c], at, 0);
        }
        tree->nodes[at].first_child = first;
        tree->nodes[at].child_count = build->filled - first;
        tree_times_settle(tree, at);
        /* Settling sorted the children: tell again where each came from. */
        for (uint32_t i = first; i < build->filled; i++)
            build->source[i] = find_span(build, tree->nodes[i].span->span_id);
    }
}

static void place_top(struct build *build, uint32_t index, uint32_t flags)
{
    const uint32_t at = build->filled;
    place(build, index, TREE_NONE, flags);
    tree_times_settle_top(build->tree, at);
    grow(build, at);
}

/* Roots first, the earliest of each first, so that nodes[0] is the trace's first root. */
static int order_tops(const void *left, const void *right)
{
    const struct top *a = left, *b = right;
    int order = order_u64(a->flags, b->flags);
    if (!order)
        order = order_u64(a->start_ns, b->start_ns);
    return order ? order : order_u64(a->index, b->index);
}

static void place_tops(struct build *build)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < build->count; i++) {
        const struct otlp_span *span = build->spans[i];
        if (build->parent[i] != TREE_NONE)
            continue;
        const bool self = memcmp(span->parent_id, span->span_id, 8) == 0;
        const uint32_t flags = otlp_span_is_root(span) ? 0 : self ? TREE_CUT : TREE_ORPHAN;
        build->tops[count++] = (struct top){span->start_ns, i, flags};
        build->tree->root_count += flags == 0;
        build->tree->orphan_count += flags == TREE_ORPHAN;
    }
    qsort(build->tops, count, sizeof(*build->tops), order_tops);
    for (uint32_t i = 0; i < count; i++)
        place_top(build, build->tops[i].index, build->tops[i].flags);
}

/* Whatever is not placed hangs below a ring. Walks up until it meets its own track, and cuts the
 * ring there. */
static void cut_cycles(struct build *build)
{
    for (uint32_t i = 0; i < build->count; i++) {
        if (build->placed[i])
            continue;
        uint32_t at = i;
        while (build->mark[at] != i + 1) {
            build->mark[at] = i + 1;
            at = build->parent[at];
        }
        build->tree->cycle_count++;
        place_top(build, at, TREE_CUT);
    }
}

/* A caller that sends no spans is no loss: the only parentless span is then the root. */
static void accept_remote_root(struct tree *tree)
{
    if (tree->root_count > 0 || tree->orphan_count != 1)
        return;
    struct tree_node *node = &tree->nodes[0];
    const bool remote = node->span->kind == OTLP_KIND_SERVER ||
                        node->span->kind == OTLP_KIND_CONSUMER ||
                        (node->span->flags & OTLP_FLAGS_IS_REMOTE);
    if (!(node->flags & TREE_ORPHAN) || !remote)
        return;
    node->flags &= ~(uint32_t)TREE_ORPHAN;
    tree->root_count = 1;
    tree->orphan_count = 0;
}

static void build_tree(struct build *build)
{
    struct tree *tree = build->tree;
    tree->trace_id = build->spans[0]->trace_id;
    drop_duplicates(build);
    link_parents(build);
    memset(build->placed, 0, build->count * sizeof(*build->placed));
    build->filled = 0;
    place_tops(build);
    cut_cycles(build);
    tree->count = build->filled;
    accept_remote_root(tree);
}

static uint64_t earliest_ns(const struct otlp_span **spans, size_t count)
{
    uint64_t earliest = UINT64_MAX;
    for (size_t i = 0; i < count; i++) {
        if (spans[i]->start_ns < earliest)
            earliest = spans[i]->start_ns;
    }
    return earliest;
}

static bool prepare(struct build *build, size_t count, struct arena *scratch)
{
    build->parent = arena_alloc_array(scratch, count, sizeof(*build->parent));
    build->begin = arena_alloc_array(scratch, count + 1, sizeof(*build->begin));
    build->child = arena_alloc_array(scratch, count, sizeof(*build->child));
    build->mark = arena_alloc_array(scratch, count, sizeof(*build->mark));
    build->placed = arena_alloc_array(scratch, count, sizeof(*build->placed));
    build->tops = arena_alloc_array(scratch, count, sizeof(*build->tops));
    build->source = arena_alloc_array(scratch, count, sizeof(*build->source));
    return build->parent && build->begin && build->child && build->mark && build->placed &&
           build->tops && build->source;
}

/* End of the run of spans that share a trace id with the first. */
static size_t trace_end(const struct otlp_span **spans, size_t count, size_t first)
{
    size_t end = first + 1;
    while (end < count && memcmp(spans[end]->trace_id, spans[first]->trace_id, 16) == 0)
        end++;
    return end;
}

struct range {
    uint64_t start_ns, end_ns;
};

static bool holds(struct range range, uint64_t time_ns)
{
    return (range.start_ns == 0 && range.end_ns == 0) ||
           (time_ns >= range.start_ns && time_ns < range.end_ns);
}

static void build_all(struct forest *forest, struct build *build, struct tree_node *nodes,
                      const struct otlp_span **sorted, struct range range)
{
    const size_t count = forest->node_count;
    forest->node_count = 0;
    for (size_t first = 0, end; first < count; first = end) {
        end = trace_end(sorted, count, first);
        const uint64_t base_ns = earliest_ns(sorted + first, end - first);
        if (!holds(range, base_ns))
            continue;
        build->spans = sorted + first;
        build->count = (uint32_t)(end - first);
        build->tree = &forest->trees[forest->count++];
        *build->tree = (struct tree){.base_ns = base_ns, .nodes = nodes + forest->node_count};
        build_tree(build);
        forest->node_count += build->tree->count;
        if (build->tree->count > forest->largest)
            forest->largest = build->tree->count;
    }
    qsort(forest->trees, forest->count, sizeof(*forest->trees), order_trees);
}

enum status tree_forest_build(struct forest *forest, const struct spans *spans, uint64_t start_ns,
                              uint64_t end_ns, struct arena *arena)
{
    *forest = (struct forest){.node_count = spans->count};
    if (spans->count == 0)
        return STATUS_OK;
    if (spans->count >= TREE_NONE)
        return STATUS_TOO_LARGE;
    struct arena scratch;
    arena_init(&scratch, arena->max_bytes);
    struct build build = {0};
    const size_t count = spans->count;
    const struct otlp_span **sorted =
        arena_alloc_array(&scratch, count, sizeof(struct otlp_span *));
    enum status status = STATUS_NO_MEMORY;
    if (!sorted || !prepare(&build, count, &scratch))
        goto out;
    size_t traces = 0;
    for (size_t i = 0; i < count; i++)
        sorted[i] = &spans->items[i];
    qsort(sorted, count, sizeof(struct otlp_span *), order_spans);
    for (size_t first = 0; first < count; first = trace_end(sorted, count, first))
        traces++;
    forest->trees = arena_alloc_array(arena, traces, sizeof(*forest->trees));
    struct tree_node *nodes = arena_alloc_array(arena, count, sizeof(*nodes));
    if (!forest->trees || !nodes)
        goto out;
    build_all(forest, &build, nodes, sorted, (struct range){start_ns, end_ns});
    status = STATUS_OK;
out:
    arena_release(&scratch);
    return status;
}

bool tree_is_complete(const struct tree *tree)
{
    return tree->root_count == 1 && tree->orphan_count == 0 && tree->cycle_count == 0;
}

uint32_t tree_far_side(const struct tree *tree, uint32_t node)
{
    const struct tree_node *near = &tree->nodes[node];
    const uint8_t kind = near->span->kind == OTLP_KIND_CLIENT     ? OTLP_KIND_SERVER
                         : near->span->kind == OTLP_KIND_PRODUCER ? OTLP_KIND_CONSUMER
                                                                  : OTLP_KIND_UNSPECIFIED;
    if (kind == OTLP_KIND_UNSPECIFIED)
        return TREE_NONE;
    for (uint32_t i = 0; i < near->child_count; i++) {
        if (tree->nodes[near->first_child + i].span->kind == kind)
            return near->first_child + i;
    }
    return TREE_NONE;
}

struct tree_legs tree_legs_of(const struct tree *tree, uint32_t client, uint32_t server)
{
    const struct tree_node *near = &tree->nodes[client], *far = &tree->nodes[server];
    return (struct tree_legs){far->start_ns - near->start_ns, near->end_ns - far->end_ns};
}
