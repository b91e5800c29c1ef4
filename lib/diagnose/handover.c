#include "diagnose/handover.h"

#include "diagnose/figures.h"

enum { SEEN_MIN = 5 };

static bool is_sending(const struct handover_search *search, const struct tree_node *node)
{
    return node->span->kind == OTLP_KIND_PRODUCER && !(node->flags & TREE_ASYNC) &&
           text_equal(node->span->resource->service, search->caller);
}

static bool is_callee(const struct handover_search *search, const struct tree_node *node)
{
    if (text_equal(node->span->resource->service, search->callee))
        return true;
    const struct fingerprint *print = &search->window->prints->items[node->print];
    return print->kind == OTLP_KIND_CLIENT && (print->flags & FINGERPRINT_HTTP) &&
           text_equal(print->peer, search->callee);
}

bool handover_in_tree(const struct handover_search *search, uint32_t tree)
{
    const struct tree *all = &search->window->forest.trees[tree];
    /* Parents stand before their children, so that marks run down in one pass. */
    for (uint32_t i = 0; i < all->count; i++) {
        const struct tree_node *node = &all->nodes[i];
        const bool below = node->parent != TREE_NONE && search->marks[node->parent];
        if (below && (node->flags & TREE_ASYNC) && is_callee(search, node))
            return true;
        search->marks[i] = below || is_sending(search, node);
    }
    return false;
}

uint32_t handover_count(const struct handover_search *search)
{
    uint32_t count = 0;
    for (size_t t = 0; search->window && t < search->window->forest.count; t++)
        count +=
            search->window->entry_of[t] == search->entry && handover_in_tree(search, (uint32_t)t);
    return count;
}

static size_t gather_sendings(const struct handover_search *search, double *out)
{
    size_t count = 0;
    for (size_t t = 0; t < search->window->forest.count; t++) {
        const struct tree *tree = &search->window->forest.trees[t];
        for (uint32_t i = 0; search->window->entry_of[t] == search->entry && i < tree->count; i++) {
            if (!is_sending(search, &tree->nodes[i]))
                continue;
            if (out)
                out[count] = (double)tree_duration_ns(&tree->nodes[i]) / 1e6;
            count++;
        }
    }
    return count;
}

enum status handover_sending_ms(const struct handover_search *search, struct arena *arena,
                                double *out)
{
    const size_t count = gather_sendings(search, NULL);
    double *durations = arena_alloc_array(arena, count, sizeof(*durations));
    *out = 0;
    if (!durations)
        return STATUS_NO_MEMORY;
    gather_sendings(search, durations);
    *out = figures_median(durations, count);
    return STATUS_OK;
}

enum status handover_only_behind(const struct window *window, bool *only_behind,
                                 struct arena *arena)
{
    struct seen {
        uint32_t behind, before;
    } *seen = arena_alloc_array(arena, window->prints->count, sizeof(*seen));
    if (!seen)
        return STATUS_NO_MEMORY;
    for (size_t t = 0; t < window->forest.count; t++) {
        const struct tree *tree = &window->forest.trees[t];
        for (uint32_t i = 0; i < tree->count; i++) {
            const bool behind = tree->nodes[i].flags & TREE_ASYNC;
            seen[tree->nodes[i].print].behind += behind;
            seen[tree->nodes[i].print].before += !behind;
        }
    }
    for (uint32_t i = 0; i < window->prints->count; i++)
        only_behind[i] = i > 0 && seen[i].behind >= SEEN_MIN && seen[i].before == 0 &&
                         window->prints->items[i].kind == OTLP_KIND_CLIENT;
    return STATUS_OK;
}

bool handover_moved_below(const struct tree *tree, uint32_t node, const bool *only_behind,
                          bool *marks)
{
    for (uint32_t i = 0; i <= node; i++)
        marks[i] = false;
    marks[node] = true;
    for (uint32_t i = node + 1; i < tree->count; i++) {
        const struct tree_node *one = &tree->nodes[i];
        marks[i] = one->parent != TREE_NONE && marks[one->parent] && !(one->flags & TREE_ASYNC);
        if (marks[i] && only_behind[one->print])
            return true;
    }
    return false;
}
