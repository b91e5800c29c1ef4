#include "diagnose/outside.h"

#include "diagnose/figures.h"

/* What is gathered of a fingerprint before it is summed up. */
struct tally {
    double *ms, *starts;
    size_t count, beside;
};

static bool is_outside(const struct fingerprints *prints, uint32_t print)
{
    const struct fingerprint *one = &prints->items[print];
    return one->kind == OTLP_KIND_CLIENT && (one->flags & FINGERPRINT_HTTP) &&
           one->far_side_count == 0 && one->peer.length > 0 &&
           fingerprint_service_of(prints, one->peer).length == 0;
}

static bool overlap(const struct tree_node *a, const struct tree_node *b)
{
    return a->start_ns < b->end_ns && b->start_ns < a->end_ns;
}

/* With the sibling before or after it: siblings are sorted by start. */
static bool is_beside(const struct tree *tree, uint32_t at)
{
    const struct tree_node *node = &tree->nodes[at];
    if (node->parent == TREE_NONE)
        return false;
    const struct tree_node *parent = &tree->nodes[node->parent];
    const uint32_t first = parent->first_child, end = first + parent->child_count;
    return (at > first && overlap(node, node - 1)) || (at + 1 < end && overlap(node, node + 1));
}

static void note(struct tally *tally, const struct tree *tree, uint32_t at)
{
    const struct tree_node *node = &tree->nodes[at];
    const int64_t began_ns = node->parent == TREE_NONE ? 0 : tree->nodes[node->parent].start_ns;
    if (tally->ms) {
        tally->ms[tally->count] = (double)tree_duration_ns(node) / 1e6;
        tally->starts[tally->count] = (double)(node->start_ns - began_ns) / 1e6;
        tally->beside += is_beside(tree, at);
    }
    tally->count++;
}

static void pass(const struct window *window, struct tally *tallies, const bool *wanted)
{
    for (size_t t = 0; t < window->forest.count; t++) {
        const struct tree *tree = &window->forest.trees[t];
        for (uint32_t i = 0; i < tree->count; i++) {
            if (wanted[tree->nodes[i].print])
                note(&tallies[tree->nodes[i].print], tree, i);
        }
    }
}

/* Counts, makes room, gathers. */
static struct tally *gather(const struct window *window, const bool *wanted, struct arena *arena)
{
    const uint32_t prints = window->prints->count;
    struct tally *tallies = arena_alloc_array(arena, prints, sizeof(*tallies));
    if (!tallies)
        return NULL;
    pass(window, tallies, wanted);
    for (uint32_t i = 0; i < prints; i++) {
        tallies[i].ms = arena_alloc_array(arena, tallies[i].count, sizeof(double));
        tallies[i].starts = arena_alloc_array(arena, tallies[i].count, sizeof(double));
        if (!tallies[i].ms || !tallies[i].starts)
            return NULL;
        tallies[i].count = 0;
    }
    pass(window, tallies, wanted);
    return tallies;
}

static struct outside_times sum_up(struct tally *tally)
{
    struct outside_times times = {.ms = tally->ms, .count = tally->count};
    if (tally->count == 0)
        return times;
    figures_sort(tally->ms, tally->count);
    times.start_ms = figures_median(tally->starts, tally->count);
    times.p50_ms = figures_quantile(tally->ms, tally->count, 0.5);
    times.error_ms = figures_median_error(tally->ms, tally->count, tally->starts);
    times.beside = (double)tally->beside / (double)tally->count;
    return times;
}

static bool is_first_of_peer(const struct fingerprints *prints, const bool *wanted, uint32_t at)
{
    for (uint32_t i = 1; i < at; i++) {
        if (wanted[i] && text_equal(prints->items[i].peer, prints->items[at].peer))
            return false;
    }
    return true;
}

static enum status add_peer(struct outside *outside, const struct fingerprints *prints,
                            const bool *wanted, uint32_t first, struct arena *arena)
{
    struct outside_peer peer = {.name = prints->items[first].peer};
    for (uint32_t i = first; i < prints->count; i++)
        peer.route_count += wanted[i] && text_equal(prints->items[i].peer, peer.name);
    peer.routes = arena_alloc_array(arena, peer.route_count, sizeof(*peer.routes));
    if (!peer.routes)
        return STATUS_NO_MEMORY;
    peer.route_count = 0;
    for (uint32_t i = first; i < prints->count; i++) {
        if (wanted[i] && text_equal(prints->items[i].peer, peer.name))
            peer.routes[peer.route_count++].print = i;
    }
    outside->peers[outside->peer_count++] = peer;
    return STATUS_OK;
}

static enum status find_peers(struct outside *outside, const struct fingerprints *prints,
                              const bool *wanted, struct arena *arena)
{
    size_t routes = 0;
    for (uint32_t i = 1; i < prints->count; i++)
        routes += wanted[i];
    outside->peers = arena_alloc_array(arena, routes, sizeof(*outside->peers));
    enum status status = outside->peers ? STATUS_OK : STATUS_NO_MEMORY;
    for (uint32_t i = 1; i < prints->count && status == STATUS_OK; i++) {
        if (wanted[i] && is_first_of_peer(prints, wanted, i))
            status = add_peer(outside, prints, wanted, i, arena);
    }
    return status;
}

enum status outside_measure(struct outside *outside, const struct window *current,
                            const struct window *baseline, struct arena *arena)
{
    *outside = (struct outside){0};
    const struct fingerprints *prints = current->prints;
    bool *wanted = arena_alloc_array(arena, prints->count, sizeof(*wanted));
    if (!wanted)
        return STATUS_NO_MEMORY;
    for (uint32_t i = 1; i < prints->count; i++)
        wanted[i] = is_outside(prints, i);
    const enum status status = find_peers(outside, prints, wanted, arena);
    struct tally *now = status == STATUS_OK ? gather(current, wanted, arena) : NULL;
    struct tally *before = now && baseline ? gather(baseline, wanted, arena) : NULL;
    if (status != STATUS_OK || !now || (baseline && !before))
        return STATUS_NO_MEMORY;
    for (size_t p = 0; p < outside->peer_count; p++) {
        for (size_t r = 0; r < outside->peers[p].route_count; r++) {
            struct outside_route *route = &outside->peers[p].routes[r];
            route->now = sum_up(&now[route->print]);
            if (before)
                route->before = sum_up(&before[route->print]);
        }
    }
    return STATUS_OK;
}
