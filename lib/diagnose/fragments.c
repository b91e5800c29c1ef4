#include "diagnose/fragments.h"

#include <stdlib.h>
#include <string.h>

#include "diagnose/normal.h"

/* A call is looked for among so many that are open at the time; more at once cannot be told apart
 * anyway. */
enum { OPEN_MAX = 4096 };

/* What clocks of two hosts, and the sockets between, may add. */
#define TOLERANCE_NS 2000000

static bool is_sampled_somewhere(const struct window *window)
{
    for (size_t t = 0; t < window->forest.count; t++) {
        for (uint32_t i = 0; i < window->forest.trees[t].count; i++) {
            if (window->forest.trees[t].nodes[i].span->flags & 1)
                return true;
        }
    }
    return false;
}

/* Where flags are known at all, a call without the sampled bit has told its callee to be silent. */
static bool is_fit_call(const struct window *window, const struct tree_node *node, bool flags_known)
{
    const struct fingerprint *print = &window->prints->items[node->print];
    const bool call = (node->span->kind == OTLP_KIND_CLIENT && (print->flags & FINGERPRINT_HTTP)) ||
                      node->span->kind == OTLP_KIND_PRODUCER;
    return call && node->print != 0 && node->span->status != OTLP_STATUS_ERROR &&
           (!flags_known || (node->span->flags & 1));
}

static bool is_fragment(const struct tree *tree)
{
    const struct tree_node *root = &tree->nodes[0];
    return root->print != 0 && tree->root_count == 1 &&
           (root->span->kind == OTLP_KIND_SERVER ||
            (root->span->kind == OTLP_KIND_CONSUMER && root->span->link_count == 0));
}

static uint64_t wall_ns(const struct tree *tree, int64_t since_ns)
{
    return tree->base_ns + (uint64_t)since_ns;
}

static size_t gather_calls(const struct window *window, struct fragment_call *out)
{
    const bool flags_known = is_sampled_somewhere(window);
    size_t count = 0;
    for (size_t t = 0; t < window->forest.count; t++) {
        const struct tree *tree = &window->forest.trees[t];
        for (uint32_t i = 0; i < tree->count; i++) {
            const struct tree_node *node = &tree->nodes[i];
            if (!is_fit_call(window, node, flags_known))
                continue;
            if (out)
                out[count] = (struct fragment_call){node->print,
                                                    (uint32_t)t,
                                                    i,
                                                    FRAGMENT_NONE,
                                                    tree_far_side(tree, i) == TREE_NONE,
                                                    wall_ns(tree, node->start_ns),
                                                    wall_ns(tree, node->end_ns)};
            count++;
        }
    }
    return count;
}

static size_t gather_fragments(const struct window *window, struct fragment *out)
{
    size_t count = 0;
    for (size_t t = 0; t < window->forest.count; t++) {
        const struct tree *tree = &window->forest.trees[t];
        if (!is_fragment(tree))
            continue;
        if (out)
            out[count] = (struct fragment){tree->nodes[0].print, (uint32_t)t, FRAGMENT_NONE,
                                           wall_ns(tree, tree->nodes[0].start_ns),
                                           wall_ns(tree, tree->nodes[0].end_ns)};
        count++;
    }
    return count;
}

static int order_u64(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int order_calls(const void *left, const void *right)
{
    const struct fragment_call *a = left, *b = right;
    int order = order_u64(a->print, b->print);
    if (!order)
        order = order_u64(a->start_ns, b->start_ns);
    if (!order)
        order = order_u64(a->tree, b->tree);
    return order ? order : order_u64(a->node, b->node);
}

static int order_fragments(const void *left, const void *right)
{
    const struct fragment *a = left, *b = right;
    const int order = order_u64(a->start_ns, b->start_ns);
    return order ? order : order_u64(a->tree, b->tree);
}

struct text fragments_callee(const struct fingerprints *prints, uint32_t call)
{
    const struct text peer = prints->items[call].peer;
    const struct text named = fingerprint_service_of(prints, peer);
    for (uint32_t i = 1; named.length == 0 && i < prints->count; i++) {
        const struct fingerprint *print = &prints->items[i];
        if (print->far_service.length > 0 && text_equal(print->peer, peer))
            return print->far_service;
    }
    return named;
}

bool fragments_fit(const struct fingerprints *prints, uint32_t call, struct text callee,
                   uint32_t fragment)
{
    const struct fingerprint *near = &prints->items[call], *far = &prints->items[fragment];
    if (near->kind == OTLP_KIND_PRODUCER)
        return far->kind == OTLP_KIND_CONSUMER && near->route.length > 0 &&
               text_equal(near->route, far->route);
    if (far->kind != OTLP_KIND_SERVER || !text_equal(near->method, far->method))
        return false;
    if (callee.length > 0 && !text_equal(callee, far->service))
        return false;
    if (near->route.length > 0 && far->route.length > 0)
        return normal_routes_match(near->route, far->route);
    return callee.length > 0 && text_equal(near->name, far->name);
}

/* One site's calls against the fragments that fit it. */
struct match {
    struct fragments *all;
    size_t first, end; /* calls */
    const bool *fits;  /* by fragment print */
    bool queue;
    uint32_t *open; /* calls that may still hold a fragment */
    size_t open_count;
};

static uint64_t slack_ns(const struct fragment_call *call)
{
    return TOLERANCE_NS + (call->end_ns - call->start_ns) / 20;
}

static bool is_over(const struct match *match, const struct fragment_call *call, uint64_t now_ns)
{
    return !match->queue && call->end_ns + slack_ns(call) < now_ns;
}

/* Drops what ended before `now_ns`, then adds the calls that have begun. */
static size_t open_calls(struct match *match, size_t next, uint64_t now_ns)
{
    size_t kept = 0;
    for (size_t i = 0; i < match->open_count; i++) {
        if (!is_over(match, &match->all->calls[match->open[i]], now_ns))
            match->open[kept++] = match->open[i];
    }
    for (; next < match->end; next++) {
        const struct fragment_call *call = &match->all->calls[next];
        if (call->start_ns > now_ns + slack_ns(call))
            break;
        if (call->childless && kept < OPEN_MAX && !is_over(match, call, now_ns))
            match->open[kept++] = (uint32_t)next;
    }
    match->open_count = kept;
    return next;
}

/* Of the open calls that hold it the one that ends first (which leaves the longer ones for longer
 * fragments); from a queue the message that waits longest. */
static void match_one(struct match *match, size_t fragment)
{
    struct fragment *one = &match->all->items[fragment];
    size_t best = match->open_count;
    for (size_t i = 0; i < match->open_count; i++) {
        const struct fragment_call *call = &match->all->calls[match->open[i]];
        if (match->queue) {
            best = i;
            break;
        }
        if (call->end_ns + slack_ns(call) < one->end_ns)
            continue;
        if (best == match->open_count || call->end_ns < match->all->calls[match->open[best]].end_ns)
            best = i;
    }
    if (best == match->open_count)
        return;
    one->call = match->open[best];
    match->all->calls[one->call].fragment = (uint32_t)fragment;
    memmove(match->open + best, match->open + best + 1,
            (match->open_count - best - 1) * sizeof(*match->open));
    match->open_count--;
}

static void match_site(struct match *match)
{
    size_t next = match->first;
    match->open_count = 0;
    for (size_t i = 0; i < match->all->count; i++) {
        if (match->all->items[i].call != FRAGMENT_NONE || !match->fits[match->all->items[i].print])
            continue;
        next = open_calls(match, next, match->all->items[i].start_ns);
        match_one(match, i);
    }
}

/* Which fingerprints of fragments fit a call's; false: none. */
static bool find_fitting(const struct fragments *all, const struct fingerprints *prints,
                         uint32_t call, bool *fits)
{
    bool any = false;
    const struct text callee = fragments_callee(prints, call);
    memset(fits, 0, prints->count * sizeof(*fits));
    bool *asked = fits + prints->count;
    memset(asked, 0, prints->count * sizeof(*asked));
    for (size_t i = 0; i < all->count; i++) {
        const uint32_t print = all->items[i].print;
        if (asked[print])
            continue;
        asked[print] = true;
        fits[print] = fragments_fit(prints, call, callee, print);
        any = any || fits[print];
    }
    return any;
}

static enum status match_all(struct fragments *all, const struct window *window,
                             struct arena *arena)
{
    const struct fingerprints *prints = window->prints;
    bool *fits = arena_alloc_array(arena, 2 * (size_t)prints->count, sizeof(*fits));
    uint32_t *open = arena_alloc_array(arena, OPEN_MAX, sizeof(*open));
    if (!fits || !open)
        return STATUS_NO_MEMORY;
    for (size_t first = 0, end; first < all->call_count; first = end) {
        size_t childless = all->calls[first].childless;
        for (end = first + 1;
             end < all->call_count && all->calls[end].print == all->calls[first].print; end++)
            childless += all->calls[end].childless;
        const uint32_t print = all->calls[first].print;
        if (childless == 0 || !find_fitting(all, prints, print, fits))
            continue;
        struct match match = {
            all, first, end, fits, prints->items[print].kind == OTLP_KIND_PRODUCER, open, 0};
        match_site(&match);
    }
    return STATUS_OK;
}

enum status fragments_build(struct fragments *fragments, const struct window *window,
                            struct arena *arena)
{
    *fragments = (struct fragments){0};
    fragments->call_count = gather_calls(window, NULL);
    fragments->count = gather_fragments(window, NULL);
    fragments->calls = arena_alloc_array(arena, fragments->call_count, sizeof(*fragments->calls));
    fragments->items = arena_alloc_array(arena, fragments->count, sizeof(*fragments->items));
    if (!fragments->calls || !fragments->items)
        return STATUS_NO_MEMORY;
    gather_calls(window, fragments->calls);
    gather_fragments(window, fragments->items);
    qsort(fragments->calls, fragments->call_count, sizeof(*fragments->calls), order_calls);
    qsort(fragments->items, fragments->count, sizeof(*fragments->items), order_fragments);
    return fragments->count > 0 ? match_all(fragments, window, arena) : STATUS_OK;
}
