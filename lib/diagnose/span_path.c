#include "diagnose/span_path.h"

#include <stdlib.h>

/* ---- one trace */

struct interval {
    int64_t start_ns, end_ns;
};

/* Room for the largest tree. */
struct scratch {
    uint8_t *passed; /* by node: how many of the path's steps, but the last, lie at it or above */
    struct interval *hits;
};

static int order(const void *left, const void *right)
{
    const struct interval *a = left, *b = right;
    return (a->start_ns > b->start_ns) - (a->start_ns < b->start_ns);
}

static double covered_ms(struct interval *hits, size_t count)
{
    int64_t sum_ns = 0, until_ns = INT64_MIN;
    if (count > 0)
        qsort(hits, count, sizeof(*hits), order);
    for (size_t i = 0; i < count; i++) {
        int64_t from_ns = hits[i].start_ns > until_ns ? hits[i].start_ns : until_ns;
        if (hits[i].end_ns <= from_ns)
            continue;
        sum_ns += hits[i].end_ns - from_ns;
        until_ns = hits[i].end_ns;
    }
    return (double)sum_ns / 1e6;
}

/* false: the trace does not have the steps above the last. */
static bool read_tree(const struct span_path *path, const struct tree *tree,
                      struct scratch *scratch, struct span_path_reading *out)
{
    const size_t last = path->count - 1;
    bool leads_there = last == 0;
    *out =
        (struct span_path_reading){.trace_id = tree->trace_id, .is_whole = tree_is_complete(tree)};
    for (uint32_t i = 0; i < tree->count; i++) { /* parents stand before their children */
        const struct tree_node *node = &tree->nodes[i];
        uint8_t passed = node->parent == TREE_NONE ? 0 : scratch->passed[node->parent];
        bool fits = span_pattern_matches(&path->steps[passed], node->span->resource->service,
                                         node->span->name);
        if (fits && passed == last)
            scratch->hits[out->count++] = (struct interval){node->start_ns, node->end_ns};
        scratch->passed[i] = (uint8_t)(passed + (fits && passed < last));
        leads_there |= scratch->passed[i] == last;
    }
    out->covered_ms = covered_ms(scratch->hits, out->count);
    return leads_there;
}

enum status span_path_read(const struct span_path *path, const struct forest *forest,
                           struct arena *arena, struct span_path_readings *out)
{
    const size_t largest = forest->largest > 0 ? forest->largest : 1;
    struct scratch scratch = {
        .passed = arena_alloc_array(arena, largest, sizeof(*scratch.passed)),
        .hits = arena_alloc_array(arena, largest, sizeof(*scratch.hits)),
    };
    *out = (struct span_path_readings){
        .items = arena_alloc_array(arena, forest->count + 1, sizeof(*out->items))};
    if (scratch.passed == NULL || scratch.hits == NULL || out->items == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < forest->count; i++)
        out->count += read_tree(path, &forest->trees[i], &scratch, &out->items[out->count]);
    return STATUS_OK;
}
