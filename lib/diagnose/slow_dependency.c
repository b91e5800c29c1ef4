#include "diagnose/slow_dependency.h"

#include <math.h>

#include "diagnose/figures.h"
#include "diagnose/outside.h"

#define SLOWER_MIN     1.5  /* times the baseline's median */
#define GREW_MIN_MS    1.0  /* and so much: scheduling alone adds less */
#define TOGETHER_MIN   0.8  /* of the peer's calls slowed down */
#define ALIKE_MIN      0.5  /* of the growth: another peer of the caller that slowed down, too */
#define EXTREME_MIN    10.0 /* times the other peers, where there is no baseline */
#define SAME_GROWTH    0.8  /* of the largest: routes that slowed down equally */
#define BESIDE_BEFORE  0.5  /* calls that were made side by side, */
#define BESIDE_NOW_MAX 0.5  /* ... and mostly are not any more */

/* A peer on trial. */
struct trial {
    const struct outside *outside;
    const struct outside_peer *peer;
    const struct outside_route *
        *of;                        /* by fingerprint: the peer's route that slowed down, or NULL */
    double others_ms;               /* median of other peers' routes; without a baseline */
    double together;                /* share of the calls that slowed down */
    double slower;                  /* times as slow, of the route that slowed down most */
    double path_ms, before_path_ms; /* of its calls on the critical path, median */
    bool *marks;                    /* room for the nodes of the largest tree */
};

struct outcome {
    struct detect_case *cases; /* one a tree */
    size_t count;
};

static double grew_ms(const struct outside_route *route)
{
    return route->now.p50_ms - route->before.p50_ms;
}

static bool slowed_down(const struct outside_route *route)
{
    const double noise_ms = 3 * (route->now.error_ms + route->before.error_ms);
    return route->now.count >= DETECT_SUPPORT_MIN && route->before.count >= DETECT_SUPPORT_MIN &&
           route->now.p50_ms >= SLOWER_MIN * route->before.p50_ms &&
           grew_ms(route) >= fmax(GREW_MIN_MS, noise_ms);
}

/* The median of all other peers' routes; 0 when there is none. */
static enum status measure_others(struct trial *trial, struct arena *arena)
{
    size_t count = 0, room = 0;
    for (size_t p = 0; p < trial->outside->peer_count; p++)
        room += trial->outside->peers[p].route_count;
    double *medians = arena_alloc_array(arena, room, sizeof(*medians));
    if (!medians)
        return STATUS_NO_MEMORY;
    for (size_t p = 0; p < trial->outside->peer_count; p++) {
        const struct outside_peer *peer = &trial->outside->peers[p];
        for (size_t r = 0; r < peer->route_count && peer != trial->peer; r++) {
            if (peer->routes[r].now.count >= DETECT_SUPPORT_MIN)
                medians[count++] = peer->routes[r].now.p50_ms;
        }
    }
    trial->others_ms = figures_median(medians, count);
    return STATUS_OK;
}

/* Marks the routes that are slow; false where the peer as a whole is not. */
static bool find_slow_routes(const struct detect *detect, struct trial *trial)
{
    double slow = 0, all = 0;
    for (size_t r = 0; r < trial->peer->route_count; r++) {
        const struct outside_route *route = &trial->peer->routes[r];
        const double than_ms = detect->baseline ? route->before.p50_ms : trial->others_ms;
        const bool extreme = trial->others_ms > 0 && route->now.count >= DETECT_SUPPORT_MIN &&
                             route->now.p50_ms >= EXTREME_MIN * trial->others_ms;
        if (detect->baseline && route->before.count < DETECT_SUPPORT_MIN)
            continue; /* it is new: nothing to compare with */
        all += (double)route->now.count;
        if (detect->baseline ? !slowed_down(route) : !extreme)
            continue;
        trial->of[route->print] = route;
        slow += (double)route->now.count;
        trial->slower = fmax(trial->slower, route->now.p50_ms / fmax(than_ms, 1e-6));
    }
    trial->together = all > 0 ? slow / all : 0;
    return trial->together >= TOGETHER_MIN;
}

/* How much the slowest of the peer's routes that `service` calls grew; 0: none did. */
static double growth_at(const struct detect *detect, const struct outside_peer *peer,
                        struct text service)
{
    double most_ms = 0;
    for (size_t r = 0; r < peer->route_count; r++) {
        const struct fingerprint *print = &detect->current->prints->items[peer->routes[r].print];
        if (text_equal(print->service, service) && slowed_down(&peer->routes[r]))
            most_ms = fmax(most_ms, grew_ms(&peer->routes[r]));
    }
    return most_ms;
}

/* Whether all peers of the caller slowed down alike, and no other caller speaks against this one:
 * then the peer is not to blame. */
static bool is_callers_own(const struct detect *detect, const struct trial *trial,
                           struct text service)
{
    const double own_ms = growth_at(detect, trial->peer, service);
    size_t others = 0, alike = 0;
    for (size_t p = 0; p < trial->outside->peer_count; p++) {
        const struct outside_peer *peer = &trial->outside->peers[p];
        bool called = false;
        for (size_t r = 0; r < peer->route_count; r++)
            called =
                called || (peer->routes[r].now.count >= DETECT_SUPPORT_MIN &&
                           text_equal(detect->current->prints->items[peer->routes[r].print].service,
                                      service));
        if (peer == trial->peer || !called)
            continue;
        others++;
        alike += growth_at(detect, peer, service) >= ALIKE_MIN * own_ms;
    }
    return others > 0 && alike == others;
}

/* ---- what it costs */

/* What a call took in the baseline, or takes at other peers. */
static double usual_ms(const struct detect *detect, const struct trial *trial,
                       const struct outside_route *route, double ms)
{
    if (!detect->baseline)
        return fmin(ms, trial->others_ms);
    return fmin(ms, figures_transfer(ms, route->now.ms, route->now.count, route->before.ms,
                                     route->before.count));
}

static double path_ms(struct detect *detect, const struct trial *trial, const struct tree *tree)
{
    for (uint32_t i = 0; i < tree->count; i++)
        trial->marks[i] = trial->of[tree->nodes[i].print] != NULL;
    critical_path_find(detect->path, tree, 0);
    return (double)critical_path_held_ns(detect->path, trial->marks) / 1e6;
}

static bool is_taken(const struct detect *detect, const struct trial *trial, uint32_t tree,
                     const struct tree_node *node)
{
    return trial->of[node->print] && window_is_call(node) &&
           !detect_is_claimed(detect, tree, node->start_ns, node->end_ns);
}

static void replay_tree(struct detect *detect, const struct trial *trial, uint32_t at,
                        struct outcome *out)
{
    const struct tree *tree = &detect->current->forest.trees[at];
    struct detect_case one = {.tree = at, .node = TREE_NONE};
    double most_ms = 0;
    replay_begin(detect->replay, tree);
    for (uint32_t i = 0; i < tree->count; i++) {
        const struct tree_node *node = &tree->nodes[i];
        if (!is_taken(detect, trial, at, node))
            continue;
        const double ms = (double)tree_duration_ns(node) / 1e6;
        const double usual = usual_ms(detect, trial, trial->of[node->print], ms);
        replay_scale(detect->replay, i, (int64_t)(usual * 1e6));
        if (one.node == TREE_NONE || ms - usual > most_ms) {
            one.node = i;
            most_ms = ms - usual;
        }
    }
    if (one.node == TREE_NONE)
        return;
    one.before_ms = (double)tree_duration_ns(&tree->nodes[0]) / 1e6;
    one.after_ms = (double)replay_run(detect->replay, 0) / 1e6;
    one.cost_ms = path_ms(detect, trial, tree);
    out->cases[out->count++] = one;
}

static enum status measure(struct detect *detect, const struct trial *trial,
                           const struct window_entry *entry, struct outcome *out)
{
    *out = (struct outcome){0};
    out->cases = arena_alloc_array(detect->arena, entry->tree_count, sizeof(*out->cases));
    if (!out->cases)
        return STATUS_NO_MEMORY;
    for (size_t t = 0; t < detect->current->forest.count; t++) {
        if (detect->current->entry_of[t] == entry->print)
            replay_tree(detect, trial, (uint32_t)t, out);
    }
    return STATUS_OK;
}

/* What the peer's calls held of the baseline's requests of that kind. */
static enum status measure_before(struct detect *detect, struct trial *trial, uint32_t entry)
{
    const struct window *window = detect->baseline;
    const struct window_entry *old = window_find_entry(window, entry);
    double *held = arena_alloc_array(detect->arena, old ? old->tree_count : 0, sizeof(*held));
    size_t count = 0;
    if (!held)
        return STATUS_NO_MEMORY;
    for (size_t t = 0; old && t < window->forest.count; t++) {
        if (window->entry_of[t] == entry)
            held[count++] = path_ms(detect, trial, &window->forest.trees[t]);
    }
    trial->before_path_ms = figures_median(held, count);
    return STATUS_OK;
}

/* The entry that suffers most; NULL when none does. */
static enum status find_entry(struct detect *detect, const struct trial *trial,
                              const struct window_entry **found, struct outcome *out)
{
    double most_ms = 0;
    *found = NULL;
    for (size_t e = 0; e < detect->current->entry_count; e++) {
        const struct window_entry *entry = &detect->current->entries[e];
        struct outcome one;
        const enum status status = measure(detect, trial, entry, &one);
        const double all_ms =
            detect_impact_ms(entry, one.cases, one.count) * (double)entry->tree_count;
        if (status != STATUS_OK)
            return status;
        if (all_ms <= most_ms)
            continue;
        most_ms = all_ms;
        *found = entry;
        *out = one;
    }
    return STATUS_OK;
}

static bool is_called_in(const struct detect *detect, const struct window_entry *entry,
                         uint32_t print)
{
    bool found = false;
    for (size_t i = 0; i < detect->calls->site_count && !found; i++)
        found =
            detect->calls->sites[i].entry == entry->print && detect->calls->sites[i].print == print;
    return found;
}

/* The slow route that grew most; of those that grew alike, the one that is called first. */
static const struct outside_route *
find_route(const struct detect *detect, const struct trial *trial, const struct window_entry *entry)
{
    const struct outside_route *best = NULL;
    double most_ms = 0;
    for (size_t r = 0; r < trial->peer->route_count; r++) {
        const struct outside_route *route = &trial->peer->routes[r];
        if (trial->of[route->print] && is_called_in(detect, entry, route->print))
            most_ms = fmax(most_ms, grew_ms(route));
    }
    for (size_t r = 0; r < trial->peer->route_count; r++) {
        const struct outside_route *route = &trial->peer->routes[r];
        if (trial->of[route->print] && is_called_in(detect, entry, route->print) &&
            grew_ms(route) >= SAME_GROWTH * most_ms &&
            (!best || route->now.start_ms < best->now.start_ms))
            best = route;
    }
    return best;
}

/* Calls that were made side by side and are not any more: how they are made is another trouble, and
 * their time stays free for it. */
static bool changed_order(const struct outside_route *route)
{
    return route->before.count > 0 && route->before.beside >= BESIDE_BEFORE &&
           route->now.beside <= BESIDE_NOW_MAX * route->before.beside;
}

static enum status claim(struct detect *detect, const struct trial *trial)
{
    enum status status = STATUS_OK;
    for (size_t t = 0; t < detect->current->forest.count; t++) {
        const struct tree *tree = &detect->current->forest.trees[t];
        for (uint32_t i = 0; detect->current->entry_of[t] != 0 && i < tree->count; i++) {
            const struct tree_node *node = &tree->nodes[i];
            const struct outside_route *route = trial->of[node->print];
            if (!route || !window_is_call(node) || changed_order(route))
                continue;
            status = ledger_claim(detect->ledger, t, node->start_ns, node->end_ns);
            if (status != STATUS_OK)
                return status;
        }
    }
    return status;
}

static void rule_out(struct detect *detect, struct finding *finding, const struct trial *trial,
                     const struct outside_route *route)
{
    struct findings *all = detect->findings;
    if (detect->baseline)
        findings_rule_out(finding,
                          findings_text(all,
                                        "a partner that always takes so long: %.*s ms in the "
                                        "baseline, %.*s ms now",
                                        TEXT_ARGS(detect_ms_words(detect, route->before.p50_ms)),
                                        TEXT_ARGS(detect_ms_words(detect, route->now.p50_ms))));
    findings_rule_out(finding, findings_text(all,
                                             "one route or one caller of it: %.0f %% of all "
                                             "calls of %.*s slowed down together",
                                             100 * trial->together, TEXT_ARGS(trial->peer->name)));
    if (detect->baseline && finding->confidence != FINDING_HINT)
        findings_rule_out(finding, findings_text(all, "the caller or its network: its other peers "
                                                      "did not slow down alike"));
}

static void describe(struct detect *detect, struct finding *finding, const struct trial *trial,
                     const struct outside_route *route)
{
    struct findings *all = detect->findings;
    const struct fingerprint *print = &detect->current->prints->items[route->print];
    const double usual_p50_ms = detect->baseline ? route->before.p50_ms : trial->others_ms;
    finding->service = findings_copy(all, print->service);
    finding->operation = findings_copy(all, print->name);
    finding->peer = findings_copy(all, trial->peer->name);
    finding->summary = findings_text(
        all,
        "%.*s answers slowly: %.*s of %.*s takes %.*s ms, %s %.*s ms; that costs %.*s ms of %.*s "
        "%.*s.",
        TEXT_ARGS(finding->peer), TEXT_ARGS(finding->operation), TEXT_ARGS(finding->service),
        TEXT_ARGS(detect_ms_words(detect, route->now.p50_ms)),
        detect->baseline ? "in the baseline" : "others outside",
        TEXT_ARGS(detect_ms_words(detect, usual_p50_ms)),
        TEXT_ARGS(detect_ms_words(detect, finding->saving_ms)),
        TEXT_ARGS(detect_share_words(detect, finding->prevalence)), TEXT_ARGS(finding->entry));
    rule_out(detect, finding, trial, route);
}

static bool weigh(struct detect *detect, struct trial *trial, struct finding *finding,
                  const struct window_entry *entry, struct outcome *outcome)
{
    findings_gate(finding, "times as slow as usual", trial->slower,
                  detect->baseline ? SLOWER_MIN : EXTREME_MIN);
    findings_gate(finding, "share of its calls that slowed down", trial->together, TOGETHER_MIN);
    if (!detect_weigh(detect, finding, entry, outcome->cases, outcome->count))
        return false;
    return findings_gate(finding, "growth on the critical path, ms",
                         finding->cost_ms - trial->before_path_ms, DETECT_SAVING_MS);
}

static enum status judge(struct detect *detect, struct trial *trial)
{
    struct finding finding = {.kind = FINDING_SLOW_DEPENDENCY, .confidence = FINDING_HINT};
    const struct window_entry *entry;
    struct outcome outcome;
    enum status status = find_entry(detect, trial, &entry, &outcome);
    const struct outside_route *route =
        status == STATUS_OK && entry ? find_route(detect, trial, entry) : NULL;
    if (!route)
        return status;
    const struct text caller = detect->current->prints->items[route->print].service;
    if (detect->baseline && !is_callers_own(detect, trial, caller))
        finding.confidence = FINDING_STRONG;
    finding.state = detect->baseline ? FINDING_REGRESSION : FINDING_STANDING;
    finding.entry = detect_entry_text(detect, entry->print);
    status = measure_before(detect, trial, entry->print);
    if (status != STATUS_OK || !weigh(detect, trial, &finding, entry, &outcome))
        return status == STATUS_OK ? detect->findings->failed : status;
    describe(detect, &finding, trial, route);
    findings_add(detect->findings, &finding);
    /* Whoever is to blame: that these calls grew is no news about the order that they have. */
    if (detect->baseline)
        status = claim(detect, trial);
    return status == STATUS_OK ? detect->findings->failed : status;
}

static enum status try_peer(struct detect *detect, const struct outside *outside, size_t number)
{
    struct trial trial = {.outside = outside, .peer = &outside->peers[number]};
    trial.of = arena_alloc_array(detect->arena, detect->current->prints->count, sizeof(*trial.of));
    trial.marks = arena_alloc_array(detect->arena, detect->replay->max_nodes, sizeof(*trial.marks));
    if (!trial.of || !trial.marks)
        return STATUS_NO_MEMORY;
    const enum status status = measure_others(&trial, detect->arena);
    if (status != STATUS_OK || !find_slow_routes(detect, &trial))
        return status;
    return judge(detect, &trial);
}

enum status slow_dependency_find(struct detect *detect)
{
    struct outside outside;
    struct arena scratch; /* all of it is of no use to later detectors */
    arena_init(&scratch, detect->arena->max_bytes);
    enum status status = outside_measure(&outside, detect->current, detect->baseline, &scratch);
    for (size_t i = 0; status == STATUS_OK && i < outside.peer_count; i++) {
        struct arena own;
        arena_init(&own, detect->arena->max_bytes);
        struct detect local = *detect;
        local.arena = &own;
        status = try_peer(&local, &outside, i);
        arena_release(&own);
    }
    arena_release(&scratch);
    return status;
}
