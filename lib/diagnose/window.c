#include "diagnose/window.h"

#include <stdlib.h>

#include "diagnose/figures.h"

bool window_is_call(const struct tree_node *node)
{
    return node->span->kind == OTLP_KIND_CLIENT && !(node->flags & TREE_ASYNC);
}

/* A generator's own span is nothing that the system knows: the server that it called is. */
static uint32_t entry_print(const struct tree *tree)
{
    const struct tree_node *root = &tree->nodes[0];
    const uint32_t far = root->span->kind == OTLP_KIND_CLIENT ? tree_far_side(tree, 0) : TREE_NONE;
    return far == TREE_NONE ? root->print : tree->nodes[far].print;
}

struct durations {
    uint32_t print;
    double ms;
    double begin_ns;
};

static int order_durations(const void *left, const void *right)
{
    const struct durations *a = left, *b = right;
    if (a->print != b->print)
        return a->print < b->print ? -1 : 1;
    return (a->ms > b->ms) - (a->ms < b->ms);
}

static int order_entries(const void *left, const void *right)
{
    const struct window_entry *a = left, *b = right;
    if (a->total_ms != b->total_ms)
        return a->total_ms > b->total_ms ? -1 : 1;
    return (a->print > b->print) - (a->print < b->print);
}

static int order_prints(const void *left, const void *right, void *context)
{
    const struct window_entry *entries = context;
    const uint32_t a = entries[*(const uint32_t *)left].print;
    const uint32_t b = entries[*(const uint32_t *)right].print;
    return (a > b) - (a < b);
}

static struct window_entry entry_of(const struct durations *sorted, size_t count, double *scratch)
{
    struct window_entry entry = {.print = sorted[0].print, .tree_count = (uint32_t)count};
    for (size_t i = 0; i < count; i++) {
        scratch[i] = sorted[i].ms;
        entry.total_ms += sorted[i].ms;
    }
    entry.p50_ms = figures_median(scratch, count);
    for (size_t i = 0; i < count; i++)
        scratch[i] = sorted[i].begin_ns;
    entry.half_ns = figures_median(scratch, count);
    return entry;
}

/* Trees in order of begin, complete ones only; partial ones get the entry 0. */
static size_t gather_durations(struct window *window, struct durations *out)
{
    size_t count = 0;
    for (size_t t = 0; t < window->forest.count; t++) {
        const struct tree *tree = &window->forest.trees[t];
        const bool complete = tree_is_complete(tree);
        window->complete_count += complete;
        window->partial_count += !complete;
        window->entry_of[t] = complete ? entry_print(tree) : 0;
        if (window->entry_of[t] != 0)
            out[count++] =
                (struct durations){window->entry_of[t], (double)tree_duration_ns(tree->nodes) / 1e6,
                                   (double)(tree->base_ns - window->first_ns)};
    }
    return count;
}

static enum status build_entries(struct window *window, struct arena *arena)
{
    const size_t trees = window->forest.count;
    struct durations *all = arena_alloc_array(arena, trees, sizeof(*all));
    double *scratch = arena_alloc_array(arena, trees, sizeof(*scratch));
    window->entry_of = arena_alloc_array(arena, trees, sizeof(*window->entry_of));
    if (!all || !scratch || !window->entry_of)
        return STATUS_NO_MEMORY;
    const size_t count = gather_durations(window, all);
    qsort(all, count, sizeof(*all), order_durations);
    size_t kinds = 0;
    for (size_t i = 0; i < count; i++)
        kinds += i == 0 || all[i].print != all[i - 1].print;
    window->entries = arena_alloc_array(arena, kinds, sizeof(*window->entries));
    window->by_print = arena_alloc_array(arena, kinds, sizeof(*window->by_print));
    if (!window->entries || !window->by_print)
        return STATUS_NO_MEMORY;
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && all[end].print == all[first].print;)
            end++;
        window->entries[window->entry_count++] = entry_of(all + first, end - first, scratch);
    }
    qsort(window->entries, window->entry_count, sizeof(*window->entries), order_entries);
    for (uint32_t i = 0; i < kinds; i++)
        window->by_print[i] = i;
    qsort_r(window->by_print, kinds, sizeof(*window->by_print), order_prints, window->entries);
    return STATUS_OK;
}

static bool is_place(const struct tree *tree, const struct tree_node *node)
{
    uint32_t calls = 0;
    if (node->print == 0 || (node->flags & TREE_ASYNC))
        return false;
    for (uint32_t i = 0; i < node->child_count && calls < 2; i++)
        calls += window_is_call(&tree->nodes[node->first_child + i]);
    return calls >= 2;
}

static size_t gather_places(const struct window *window, struct window_place *out)
{
    size_t count = 0;
    for (size_t t = 0; t < window->forest.count; t++) {
        const struct tree *tree = &window->forest.trees[t];
        for (uint32_t i = 0; window->entry_of[t] != 0 && i < tree->count; i++) {
            if (!is_place(tree, &tree->nodes[i]))
                continue;
            if (out)
                out[count] = (struct window_place){window->entry_of[t], tree->nodes[i].print,
                                                   (uint32_t)t, i};
            count++;
        }
    }
    return count;
}

static int order_u32(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

static int order_places(const void *left, const void *right)
{
    const struct window_place *a = left, *b = right;
    int order = order_u32(a->entry, b->entry);
    if (!order)
        order = order_u32(a->parent, b->parent);
    if (!order)
        order = order_u32(a->tree, b->tree);
    return order ? order : order_u32(a->node, b->node);
}

static bool same_site(const struct window_place *a, const struct window_place *b)
{
    return a->entry == b->entry && a->parent == b->parent;
}

static enum status build_sites(struct window *window, struct arena *arena)
{
    const size_t count = gather_places(window, NULL);
    struct window_place *places = arena_alloc_array(arena, count, sizeof(*places));
    if (!places)
        return STATUS_NO_MEMORY;
    gather_places(window, places);
    qsort(places, count, sizeof(*places), order_places);
    size_t sites = 0;
    for (size_t i = 0; i < count; i++)
        sites += i == 0 || !same_site(&places[i], &places[i - 1]);
    window->sites = arena_alloc_array(arena, sites, sizeof(*window->sites));
    if (!window->sites)
        return STATUS_NO_MEMORY;
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && same_site(&places[end], &places[first]);)
            end++;
        window->sites[window->site_count++] = (struct window_site){
            places[first].entry, places[first].parent, places + first, end - first};
    }
    return STATUS_OK;
}

enum status window_build(struct window *window, struct fingerprints *prints,
                         const struct spans *spans, const uint64_t range_ns[2], struct arena *arena)
{
    *window = (struct window){.prints = prints};
    enum status status = tree_forest_build(&window->forest, spans, range_ns[0], range_ns[1], arena);
    if (status == STATUS_OK)
        status = fingerprint_assign(prints, &window->forest);
    if (window->forest.count > 0)
        window->first_ns = window->forest.trees[0].base_ns;
    if (status == STATUS_OK)
        status = build_entries(window, arena);
    return status == STATUS_OK ? build_sites(window, arena) : status;
}

const struct window_entry *window_find_entry(const struct window *window, uint32_t print)
{
    size_t low = 0, high = window ? window->entry_count : 0;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const struct window_entry *entry = &window->entries[window->by_print[middle]];
        if (entry->print == print)
            return entry;
        if (entry->print < print)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct window_site *window_find_site(const struct window *window, uint32_t entry,
                                           uint32_t parent)
{
    size_t low = 0, high = window ? window->site_count : 0;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const struct window_site *site = &window->sites[middle];
        int order = order_u32(site->entry, entry);
        order = order ? order : order_u32(site->parent, parent);
        if (order == 0)
            return site;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

bool window_is_late(const struct window *window, const struct window_entry *entry, uint32_t tree)
{
    return (double)(window->forest.trees[tree].base_ns - window->first_ns) > entry->half_ns;
}
