#include "diagnose/calls.h"

#include <stdlib.h>

#include "diagnose/figures.h"

static size_t gather(const struct window *window, struct calls_ref *out)
{
    size_t count = 0;
    for (size_t t = 0; t < window->forest.count; t++) {
        const struct tree *tree = &window->forest.trees[t];
        for (uint32_t i = 0; window->entry_of[t] != 0 && i < tree->count; i++) {
            const struct tree_node *node = &tree->nodes[i];
            if (node->parent == TREE_NONE || node->print == 0 || !window_is_call(node))
                continue;
            if (out)
                out[count] =
                    (struct calls_ref){window->entry_of[t], tree->nodes[node->parent].print,
                                       node->print, (uint32_t)t, i};
            count++;
        }
    }
    return count;
}

static int order_u32(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

static int order_keys(const uint32_t a[3], const uint32_t b[3])
{
    int order = 0;
    for (size_t i = 0; i < 3 && order == 0; i++)
        order = order_u32(a[i], b[i]);
    return order;
}

static int order_refs(const void *left, const void *right)
{
    const struct calls_ref *a = left, *b = right;
    int order = order_keys((const uint32_t[]){a->entry, a->parent, a->print},
                           (const uint32_t[]){b->entry, b->parent, b->print});
    if (!order)
        order = order_u32(a->tree, b->tree);
    return order ? order : order_u32(a->node, b->node);
}

static bool same_site(const struct calls_ref *a, const struct calls_ref *b)
{
    return a->entry == b->entry && a->parent == b->parent && a->print == b->print;
}

enum status calls_build(struct calls *calls, const struct window *window, struct arena *arena)
{
    *calls = (struct calls){0};
    const size_t count = gather(window, NULL);
    struct calls_ref *refs = arena_alloc_array(arena, count, sizeof(*refs));
    if (!refs)
        return STATUS_NO_MEMORY;
    gather(window, refs);
    if (count > 0)
        qsort(refs, count, sizeof(*refs), order_refs);
    size_t sites = 0;
    for (size_t i = 0; i < count; i++)
        sites += i == 0 || !same_site(&refs[i], &refs[i - 1]);
    calls->sites = arena_alloc_array(arena, sites, sizeof(*calls->sites));
    if (!calls->sites)
        return STATUS_NO_MEMORY;
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && same_site(&refs[end], &refs[first]);)
            end++;
        calls->sites[calls->site_count++] = (struct calls_site){
            refs[first].entry, refs[first].parent, refs[first].print, refs + first, end - first};
    }
    return STATUS_OK;
}

const struct calls_site *calls_find(const struct calls *calls, const struct calls_site *like)
{
    size_t low = 0, high = calls ? calls->site_count : 0;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const struct calls_site *site = &calls->sites[middle];
        const int order = order_keys((const uint32_t[]){site->entry, site->parent, site->print},
                                     (const uint32_t[]){like->entry, like->parent, like->print});
        if (order == 0)
            return site;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

size_t calls_parent_end(const struct calls *calls, size_t first)
{
    const struct calls_site *site = &calls->sites[first];
    size_t end = first + 1;
    while (end < calls->site_count && calls->sites[end].entry == site->entry &&
           calls->sites[end].parent == site->parent)
        end++;
    return end;
}

size_t calls_in_tree(const struct calls_site *site, size_t first)
{
    size_t end = first + 1;
    while (end < site->count && site->refs[end].tree == site->refs[first].tree)
        end++;
    return end - first;
}

double *calls_durations_ms(const struct window *window, const struct calls_site *site,
                           struct arena *arena)
{
    double *out = arena_alloc_array(arena, site->count, sizeof(*out));
    for (size_t i = 0; out && i < site->count; i++) {
        const struct tree *tree = &window->forest.trees[site->refs[i].tree];
        out[i] = (double)tree_duration_ns(&tree->nodes[site->refs[i].node]) / 1e6;
    }
    if (out)
        figures_sort(out, site->count);
    return out;
}
