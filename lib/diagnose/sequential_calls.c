#include "diagnose/sequential_calls.h"

#include <math.h>
#include <stdlib.h>

#include "diagnose/call_group.h"
#include "diagnose/figures.h"

/* How a group of calls fared in one window. */
struct outcome {
    struct detect_case *cases; /* one a tree */
    double *side_ms;           /* by case: the calls, had they been side by side */
    size_t count;
    double places, serial; /* places with at least two members; of those one after another */
};

/* The calls' time in one place, and what it would be at best. */
static void add_times(const struct tree *tree, const uint32_t *nodes, size_t count,
                      struct detect_case *out, double *side_ms)
{
    double sum_ms = 0, longest_ms = 0;
    for (size_t i = 0; i < count; i++) {
        const double ms = (double)tree_duration_ns(&tree->nodes[nodes[i]]) / 1e6;
        sum_ms += ms;
        longest_ms = fmax(longest_ms, ms);
    }
    const double all_ms =
        (double)(tree->nodes[nodes[count - 1]].end_ns - tree->nodes[nodes[0]].start_ns) / 1e6;
    out->cost_ms += all_ms;
    *side_ms += all_ms - sum_ms + longest_ms;
}

/* Whether an earlier finding explains most of the calls' time already. */
static bool is_claimed(const struct detect *detect, const struct window *window, uint32_t tree,
                       const uint32_t *nodes, size_t count)
{
    if (window != detect->current)
        return false;
    const struct tree_node *all = window->forest.trees[tree].nodes;
    const int64_t start_ns = all[nodes[0]].start_ns, end_ns = all[nodes[count - 1]].end_ns;
    return 2 * ledger_claimed_ns(detect->ledger, tree, start_ns, end_ns) > end_ns - start_ns;
}

/* All places of one tree; returns how many of the site's places it took. */
static size_t replay_tree(struct detect *detect, const struct window *window,
                          const struct window_site *site, size_t first,
                          const struct call_group *group, struct outcome *out)
{
    const uint32_t at = site->places[first].tree;
    const struct tree *tree = &window->forest.trees[at];
    struct detect_case one = {.tree = at, .node = site->places[first].node};
    double side_ms = 0;
    size_t place = first, affected = 0;
    replay_begin(detect->replay, tree);
    for (; place < site->count && site->places[place].tree == at; place++) {
        uint32_t nodes[ORDER_CALLS_MAX];
        size_t present;
        const size_t count =
            call_group_nodes(group, tree, site->places[place].node, nodes, &present);
        out->places += present >= 2;
        if (count == 0 || is_claimed(detect, window, at, nodes, count))
            continue;
        out->serial++;
        one.node = affected++ == 0 ? site->places[place].node : one.node;
        add_times(tree, nodes, count, &one, &side_ms);
        replay_parallel(detect->replay, nodes, count);
    }
    if (affected > 0) {
        one.before_ms = (double)tree_duration_ns(&tree->nodes[0]) / 1e6;
        one.after_ms = (double)replay_run(detect->replay, 0) / 1e6;
        out->side_ms[out->count] = side_ms;
        out->cases[out->count++] = one;
    }
    return place - first;
}

static enum status measure(struct detect *detect, const struct window *window,
                           const struct window_site *site, const struct call_group *group,
                           struct outcome *out)
{
    const size_t places = site ? site->count : 0;
    *out = (struct outcome){0};
    out->cases = arena_alloc_array(detect->arena, places, sizeof(*out->cases));
    out->side_ms = arena_alloc_array(detect->arena, places, sizeof(*out->side_ms));
    if (!out->cases || !out->side_ms)
        return STATUS_NO_MEMORY;
    for (size_t first = 0; first < places;)
        first += replay_tree(detect, window, site, first, group, out);
    return STATUS_OK;
}

static double median_saving_ms(const struct detect *detect, const struct outcome *outcome)
{
    double *savings = arena_alloc_array(detect->arena, outcome->count, sizeof(*savings));
    for (size_t i = 0; savings && i < outcome->count; i++)
        savings[i] = outcome->cases[i].before_ms - outcome->cases[i].after_ms;
    return savings ? figures_median(savings, outcome->count) : 0;
}

/* The baseline's word on it. */
struct verdict {
    bool by_chance; /* parallel code: no more serial than it was, and not always */
    enum finding_state state;
};

static struct verdict compare(struct detect *detect, const struct window_entry *entry,
                              const struct outcome *now, const struct outcome *before)
{
    const struct window_entry *old = window_find_entry(detect->baseline, entry->print);
    if (!old || before->places == 0)
        return (struct verdict){.state = detect->baseline ? FINDING_REGRESSION : FINDING_STANDING};
    const bool differs = figures_share_lower(now->serial, now->places) >=
                         fmin(0.95, 2 * figures_share_upper(before->serial, before->places));
    const double impact_now =
        median_saving_ms(detect, now) * (double)now->count / entry->tree_count;
    const double impact_before =
        median_saving_ms(detect, before) * (double)before->count / old->tree_count;
    const bool grew = impact_now >= DETECT_REGRESSION_X * impact_before;
    const bool mostly_parallel_before = before->serial < 0.5 * before->places;
    if (differs && mostly_parallel_before && grew)
        return (struct verdict){.state = FINDING_REGRESSION};
    return (struct verdict){.by_chance = now->serial < 0.8 * now->places || mostly_parallel_before,
                            .state = grew ? FINDING_REGRESSION : FINDING_STANDING};
}

static enum finding_confidence confidence_of(enum call_group_level level)
{
    static const enum finding_confidence confidences[] = {FINDING_PROVED, FINDING_STRONG,
                                                          FINDING_HINT};
    return confidences[level];
}

/* The peers of the members, each once, in order of call. */
static size_t peers_of(const struct detect *detect, const struct call_group *group,
                       struct text *peers)
{
    size_t count = 0;
    for (size_t i = 0; i < group->count; i++) {
        const struct text peer = detect->current->prints->items[group->prints[i]].peer;
        bool known = peer.length == 0;
        for (size_t k = 0; k < count; k++)
            known = known || text_equal(peers[k], peer);
        if (!known)
            peers[count++] = peer;
    }
    return count;
}

static struct text list_with_commas(struct detect *detect, const struct text *peers, size_t count)
{
    char joined[200] = "";
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        if (length + peers[i].length + 2 > sizeof(joined))
            return (struct text){"", 0};
        for (size_t c = 0; c < peers[i].length; c++)
            joined[length++] = peers[i].data[c];
        joined[length++] = ',';
    }
    return findings_copy(detect->findings, (struct text){joined, length > 0 ? length - 1 : 0});
}

static void describe(struct detect *detect, struct finding *finding, const struct call_group *group,
                     double side_ms)
{
    struct findings *all = detect->findings;
    struct text peers[ORDER_CALLS_MAX];
    char joined[240], number[24];
    const size_t peer_count = peers_of(detect, group, peers);
    findings_join(peers, peer_count, joined, sizeof(joined));
    finding->peer = list_with_commas(detect, peers, peer_count);
    const bool sure = group->level != CALL_GROUP_HINT;
    finding->summary = findings_text(
        all,
        "%.*s asks %s one after another in %.*s: %s calls that %s take %.*s ms; side by side they "
        "would take %.*s ms, saving %.*s ms of %.*s %.*s.",
        TEXT_ARGS(finding->service), joined[0] ? joined : "its peers",
        TEXT_ARGS(finding->operation), findings_number(group->count, number),
        sure ? "do not need each other" : "may not need each other",
        TEXT_ARGS(detect_ms_words(detect, finding->cost_ms)),
        TEXT_ARGS(detect_ms_words(detect, side_ms)),
        TEXT_ARGS(detect_ms_words(detect, finding->saving_ms)),
        TEXT_ARGS(detect_share_words(detect, finding->prevalence)), TEXT_ARGS(finding->entry));
}

static void rule_out(struct detect *detect, struct finding *finding, const struct call_group *group,
                     const struct outcome *now, const struct outcome *before)
{
    struct findings *all = detect->findings;
    if (group->level == CALL_GROUP_PROVED)
        findings_rule_out(
            finding, findings_text(all,
                                   "an order that the calls need: every two of them overlapped, "
                                   "or came the other way round, in at least %llu of %llu requests",
                                   (unsigned long long)group->evidence,
                                   (unsigned long long)group->evidence_of));
    if (group->level == CALL_GROUP_STRONG)
        findings_rule_out(finding,
                          findings_text(all, "an order that the calls need: all are reads of peers "
                                             "outside, with next to no work between them"));
    findings_rule_out(finding, findings_text(all, "one call repeated: each of them is a different "
                                                  "one, made once a request"));
    findings_rule_out(finding, findings_text(all,
                                             "parallel calls that were late by chance: one after "
                                             "another in %.0f %% of the requests that make them",
                                             100 * now->serial / now->places));
    if (before->places > 0)
        findings_rule_out(finding, findings_text(all, "always so: %.0f %% in the baseline",
                                                 100 * before->serial / before->places));
}

static enum status claim(struct detect *detect, const struct window_site *site,
                         const struct call_group *group)
{
    for (size_t p = 0; p < site->count; p++) {
        uint32_t nodes[ORDER_CALLS_MAX];
        size_t present;
        const struct tree *tree = &detect->current->forest.trees[site->places[p].tree];
        const size_t count = call_group_nodes(group, tree, site->places[p].node, nodes, &present);
        if (count == 0)
            continue;
        const enum status status =
            ledger_claim(detect->ledger, site->places[p].tree, tree->nodes[nodes[0]].start_ns,
                         tree->nodes[nodes[count - 1]].end_ns);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static enum status judge(struct detect *detect, struct call_group_search *search,
                         const struct call_group *group)
{
    const struct window_site *site = search->site;
    const struct fingerprint *parent = &detect->current->prints->items[site->parent];
    const struct window_entry *entry = window_find_entry(detect->current, site->entry);
    struct outcome now, before;
    enum status status = measure(detect, detect->current, site, group, &now);
    if (status == STATUS_OK)
        status =
            measure(detect, detect->baseline,
                    window_find_site(detect->baseline, site->entry, site->parent), group, &before);
    if (status != STATUS_OK || now.count == 0)
        return status;
    const struct verdict verdict = compare(detect, entry, &now, &before);
    struct finding finding = {.kind = FINDING_SEQUENTIAL_CALLS,
                              .state = verdict.state,
                              .confidence = confidence_of(group->level),
                              .peer = {"", 0}};
    if (verdict.by_chance || !detect_weigh(detect, &finding, entry, now.cases, now.count))
        return detect->findings->failed;
    finding.service = findings_copy(detect->findings, parent->service);
    finding.operation = findings_copy(detect->findings, parent->name);
    finding.entry = detect_entry_text(detect, site->entry);
    describe(detect, &finding, group, figures_median(now.side_ms, now.count));
    rule_out(detect, &finding, group, &now, &before);
    findings_add(detect->findings, &finding);
    for (size_t i = 0; i < group->count; i++)
        search->used[group->rows[i]] = true;
    return group->level == CALL_GROUP_HINT ? detect->findings->failed : claim(detect, site, group);
}

static enum status search_site(struct detect *detect, const struct window_site *site)
{
    struct call_group_search search = {.window = detect->current, .site = site};
    const struct window_entry *entry =
        site->count < DETECT_SUPPORT_MIN ? NULL : window_find_entry(detect->current, site->entry);
    if (!entry)
        return STATUS_OK;
    search.entry_p50_ms = entry->p50_ms;
    search.scratch = arena_alloc_array(detect->arena, site->count, sizeof(*search.scratch));
    enum status status = search.scratch ? STATUS_OK : STATUS_NO_MEMORY;
    if (status == STATUS_OK)
        status = order_learn(&search.now, detect->current, site, detect->arena);
    if (status == STATUS_OK)
        status = order_measure(&search.before, &search.now, detect->baseline,
                               window_find_site(detect->baseline, site->entry, site->parent),
                               detect->arena);
    for (int level = 0; level < CALL_GROUP_LEVELS && status == STATUS_OK; level++) {
        struct call_group group;
        size_t row = 0;
        while (status == STATUS_OK &&
               call_group_next(&search, (enum call_group_level)level, &row, &group))
            status = judge(detect, &search, &group);
    }
    return status;
}

enum status sequential_calls_find(struct detect *detect)
{
    for (size_t i = 0; i < detect->current->site_count; i++) {
        struct arena scratch; /* of one site, so that many sites need no more than the largest */
        arena_init(&scratch, detect->arena->max_bytes);
        struct detect local = *detect;
        local.arena = &scratch;
        const enum status status = search_site(&local, &detect->current->sites[i]);
        arena_release(&scratch);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}
