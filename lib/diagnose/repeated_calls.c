#include "diagnose/repeated_calls.h"

#include <math.h>
#include <stdlib.h>

#include "diagnose/figures.h"
#include "diagnose/loops.h"
#include "diagnose/replaced.h"

enum { MEMBERS_MAX = 8 }; /* kinds of call in the body of one loop */

#define SPREAD_MIN   0.2 /* of the number of calls, over the requests */
#define TRACKING_MIN 0.9
#define FEWER_MIN    5.0  /* times as many calls as in the baseline */
#define ONCE_MAX     1.05 /* calls in a place of the baseline */
#define FAILED_MAX   0.2  /* above: retries */
#define ALIKE_MAX    0.2  /* above: the same thing again */
#define BUSY_MIN     0.3  /* of the loop's time, inside of calls; below: it waits on purpose */

/* One kind of call that is repeated. */
struct member {
    const struct calls_site *site;
    struct loops now, before;
    double one_ms;      /* a single call, median */
    double replaced_ms; /* what the baseline asked in its place, once or little more; 0: nothing */
    double fewer;       /* times as many calls as the baseline's for the same work; 0: not known */
};

/* All that is repeated below one parent to one peer: the body of one loop. */
struct group {
    const struct repeated_calls_rule *rule;
    struct member members[MEMBERS_MAX];
    size_t count;
    uint32_t *nodes; /* room for the calls of a place */
};

struct outcome {
    struct detect_case *cases; /* one a tree */
    double *batch_ms;          /* by case: the calls that would do */
    size_t count;
};

static const struct fingerprint *print_of(const struct detect *detect, uint32_t print)
{
    return &detect->current->prints->items[print];
}

static bool depends_on_request(const struct loops *loops)
{
    return loops->spread >= SPREAD_MIN || loops->tracking >= TRACKING_MIN;
}

static bool is_loop(const struct loops *loops)
{
    return loops->many >= DETECT_SUPPORT_MIN && loops->failed < FAILED_MAX &&
           loops->alike < ALIKE_MAX && loops->busy >= BUSY_MIN;
}

static enum status measure_member(struct detect *detect, const struct repeated_calls_rule *rule,
                                  const struct calls_site *site, struct member *member)
{
    *member = (struct member){.site = site};
    enum status status = loops_measure(&member->now, detect->current, site, detect->arena);
    if (status != STATUS_OK || !is_loop(&member->now))
        return status;
    const struct calls_site *old = calls_find(detect->old_calls, site);
    const double visits = replaced_visits(detect, site);
    status = loops_measure(&member->before, detect->baseline, old, detect->arena);
    if (status == STATUS_OK && visits >= DETECT_SUPPORT_MIN)
        status = replaced_find(detect, site, rule->accepts, visits, &member->replaced_ms);
    const double *durations = calls_durations_ms(detect->current, site, detect->arena);
    if (status != STATUS_OK || !durations)
        return STATUS_NO_MEMORY;
    member->one_ms = figures_quantile(durations, site->count, 0.5);
    /* Where the baseline repeated it too, a larger number says nothing but that there was more. */
    const bool once = old && (double)old->count <= ONCE_MAX * (double)member->before.count;
    if (visits >= DETECT_SUPPORT_MIN && (once || (!old && member->replaced_ms > 0)))
        member->fewer = (double)site->count / (double)member->now.count;
    return STATUS_OK;
}

/* Writes may each be needed: they count only where the baseline did with fewer. */
static bool is_member(const struct detect *detect, const struct member *member)
{
    if (!is_loop(&member->now))
        return false;
    if (member->fewer >= FEWER_MIN)
        return true;
    return (print_of(detect, member->site->print)->flags & FINGERPRINT_READS) &&
           depends_on_request(&member->now);
}

/* A call for all: what was measured, or a call for one and a little for each item more; never more
 * than the calls take now. */
static double batch_ms(const struct group *group, const struct loops_place *place, double now_ms)
{
    const struct member *member = &group->members[place->member];
    double ms = member->one_ms * (1 + group->rule->row_share * (place->count - 1));
    if (group->members[0].replaced_ms > 0)
        ms = place->member == 0 ? group->members[0].replaced_ms : 0;
    return fmin(ms, now_ms);
}

static bool is_claimed(const struct detect *detect, const struct window *window,
                       const struct loops_place *place, const int64_t range_ns[2])
{
    return window == detect->current &&
           detect_is_claimed(detect, place->tree, range_ns[0], range_ns[1]);
}

/* All places of one tree; returns how many of them there were. */
static size_t replay_tree(struct detect *detect, const struct window *window, struct group *group,
                          const struct loops_place *places, struct outcome *out)
{
    const struct tree *tree = &window->forest.trees[places[0].tree];
    struct detect_case one = {.tree = places[0].tree, .node = TREE_NONE};
    double all_ms = 0;
    size_t count = 0;
    replay_begin(detect->replay, tree);
    for (; places[count].tree == one.tree; count++) {
        const struct loops_place *place = &places[count];
        int64_t range_ns[2], sum_ns = 0;
        loops_interval(window, place, range_ns);
        if (is_claimed(detect, window, place, range_ns))
            continue;
        for (uint32_t i = 0; i < place->count; i++) {
            group->nodes[i] = place->refs[i].node;
            sum_ns += tree_duration_ns(&tree->nodes[group->nodes[i]]);
        }
        const double ms = batch_ms(group, place, (double)sum_ns / 1e6);
        replay_batch(detect->replay, group->nodes, place->count, (int64_t)(ms * 1e6));
        one.cost_ms += (double)(range_ns[1] - range_ns[0]) / 1e6;
        one.node = one.node == TREE_NONE ? place->parent : one.node;
        all_ms += ms;
    }
    if (one.node != TREE_NONE) {
        one.before_ms = (double)tree_duration_ns(&tree->nodes[0]) / 1e6;
        one.after_ms = (double)replay_run(detect->replay, 0) / 1e6;
        out->batch_ms[out->count] = all_ms;
        out->cases[out->count++] = one;
    }
    return count;
}

static int order_places(const void *left, const void *right)
{
    const struct loops_place *a = left, *b = right;
    if (a->tree != b->tree)
        return a->tree < b->tree ? -1 : 1;
    if (a->parent != b->parent)
        return a->parent < b->parent ? -1 : 1;
    return (a->member > b->member) - (a->member < b->member);
}

static const struct loops *loops_of(const struct detect *detect, const struct member *member,
                                    const struct window *window)
{
    return window == detect->current ? &member->now : &member->before;
}

/* The places with many calls of all members, by tree; ended by one that has no tree. NULL when
 * there is no memory. */
static struct loops_place *gather_places(struct detect *detect, struct group *group,
                                         const struct window *window, size_t *count)
{
    size_t all = 0;
    for (size_t m = 0; m < group->count; m++)
        all += loops_of(detect, &group->members[m], window)->many;
    struct loops_place *places = arena_alloc_array(detect->arena, all + 1, sizeof(*places));
    *count = 0;
    for (size_t m = 0; places && m < group->count; m++) {
        const struct loops *loops = loops_of(detect, &group->members[m], window);
        for (size_t i = 0; i < loops->count; i++) {
            if (loops->places[i].count < LOOPS_MANY)
                continue;
            places[*count] = loops->places[i];
            places[(*count)++].member = (uint32_t)m;
        }
    }
    if (!places)
        return NULL;
    qsort(places, *count, sizeof(*places), order_places);
    places[*count].tree = TREE_NONE;
    return places;
}

static enum status measure(struct detect *detect, struct group *group, const struct window *window,
                           struct outcome *out)
{
    size_t count;
    *out = (struct outcome){0};
    if (!window)
        return STATUS_OK;
    const struct loops_place *places = gather_places(detect, group, window, &count);
    out->cases = arena_alloc_array(detect->arena, count, sizeof(*out->cases));
    out->batch_ms = arena_alloc_array(detect->arena, count, sizeof(*out->batch_ms));
    if (!places || !out->cases || !out->batch_ms)
        return STATUS_NO_MEMORY;
    for (size_t first = 0; first < count;)
        first += replay_tree(detect, window, group, places + first, out);
    return STATUS_OK;
}

static enum status claim(struct detect *detect, struct group *group)
{
    size_t count;
    const struct loops_place *places = gather_places(detect, group, detect->current, &count);
    enum status status = places ? STATUS_OK : STATUS_NO_MEMORY;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        int64_t range_ns[2];
        loops_interval(detect->current, &places[i], range_ns);
        status = ledger_claim(detect->ledger, places[i].tree, range_ns[0], range_ns[1]);
    }
    return status;
}

/* The first member speaks for all: it has the most calls. */
static void judge_member(struct finding *finding, const struct member *member)
{
    const struct loops *loops = &member->now;
    findings_gate(finding, "calls in one request", loops->median, LOOPS_MANY);
    if (loops->tracking >= TRACKING_MIN)
        findings_gate(finding, "correlation of their number with the rows found before",
                      loops->tracking, TRACKING_MIN);
    else
        findings_gate(finding, "spread of their number over the requests", loops->spread,
                      SPREAD_MIN);
    if (member->fewer > 0)
        findings_gate(finding, "times as many as in the baseline", member->fewer, FEWER_MIN);
    const bool both = depends_on_request(loops) && member->fewer >= FEWER_MIN;
    finding->confidence = both ? FINDING_PROVED : FINDING_STRONG;
}

static void rule_out(struct detect *detect, struct finding *finding, const struct member *member)
{
    struct findings *all = detect->findings;
    const struct loops *loops = &member->now;
    if (depends_on_request(loops))
        findings_rule_out(
            finding, findings_text(all,
                                   "a fixed number of steps: their number varies with the request "
                                   "(spread %.2f, correlation with rows found before %.2f)",
                                   loops->spread, loops->tracking));
    findings_rule_out(
        finding, findings_text(all, "retries: %.0f %% of the calls failed", 100 * loops->failed));
    findings_rule_out(finding, findings_text(all,
                                             "polling: the calls fill %.0f %% of the time "
                                             "from the first to the last",
                                             100 * fmin(1, loops->busy)));
    if (member->fewer >= FEWER_MIN)
        findings_rule_out(
            finding,
            findings_text(all, "always so: %.0f times as many as in the baseline", member->fewer));
}

static void describe(struct detect *detect, struct finding *finding, const struct group *group,
                     double batch)
{
    const struct member *member = &group->members[0];
    const struct fingerprint *print = print_of(detect, member->site->print);
    const struct fingerprint *parent = print_of(detect, member->site->parent);
    struct findings *all = detect->findings;
    const bool calls = print->far_service.length > 0;
    finding->service = findings_copy(all, parent->service);
    finding->operation = findings_copy(all, parent->name);
    finding->peer = findings_copy(all, calls ? print->far_service : print->peer);
    finding->entry = detect_entry_text(detect, member->site->entry);
    finding->summary = findings_text(
        all,
        "%.*s asks %.*s for each item by itself in %.*s: %.0f times %.*s take %.*s ms; one %s for "
        "all "
        "would take about %.*s ms, saving %.*s ms of %.*s %.*s.",
        TEXT_ARGS(finding->service), TEXT_ARGS(finding->peer), TEXT_ARGS(finding->operation),
        member->now.median, TEXT_ARGS(print->name),
        TEXT_ARGS(detect_ms_words(detect, finding->cost_ms)), group->rule->noun,
        TEXT_ARGS(detect_ms_words(detect, batch)),
        TEXT_ARGS(detect_ms_words(detect, finding->saving_ms)),
        TEXT_ARGS(detect_share_words(detect, finding->prevalence)), TEXT_ARGS(finding->entry));
    rule_out(detect, finding, member);
}

static enum status judge(struct detect *detect, struct group *group)
{
    const struct calls_site *site = group->members[0].site;
    const struct window_entry *entry = window_find_entry(detect->current, site->entry);
    const struct window_entry *old_entry = window_find_entry(detect->baseline, site->entry);
    struct outcome now = {0}, before = {0};
    struct finding finding = {.kind = group->rule->kind};
    enum status status = measure(detect, group, detect->current, &now);
    if (status == STATUS_OK)
        status = measure(detect, group, detect->baseline, &before);
    if (status != STATUS_OK || now.count == 0)
        return status;
    finding.state = detect_state(detect, detect_impact_ms(entry, now.cases, now.count),
                                 detect_impact_ms(old_entry, before.cases, before.count));
    const double batch = figures_median(now.batch_ms, now.count);
    judge_member(&finding, &group->members[0]);
    if (!detect_weigh(detect, &finding, entry, now.cases, now.count))
        return detect->findings->failed;
    describe(detect, &finding, group, batch);
    findings_add(detect->findings, &finding);
    status = claim(detect, group);
    return status == STATUS_OK ? detect->findings->failed : status;
}

static int order_members(const void *left, const void *right)
{
    const struct member *a = left, *b = right;
    if (a->site->count != b->site->count)
        return a->site->count > b->site->count ? -1 : 1;
    return (a->site->print > b->site->print) - (a->site->print < b->site->print);
}

/* All members with the peer of site `first`, which is the first of that peer. */
static enum status search_peer(struct detect *detect, const struct repeated_calls_rule *rule,
                               size_t first, size_t end)
{
    const struct calls_site *sites = detect->calls->sites;
    const struct text peer = print_of(detect, sites[first].print)->peer;
    struct group group = {.rule = rule};
    enum status status = STATUS_OK;
    size_t largest = 0;
    for (size_t i = first; i < end && group.count < MEMBERS_MAX && status == STATUS_OK; i++) {
        const struct fingerprint *print = print_of(detect, sites[i].print);
        if (sites[i].count < LOOPS_MANY * DETECT_SUPPORT_MIN || !rule->accepts(print) ||
            !text_equal(print->peer, peer))
            continue;
        status = measure_member(detect, rule, &sites[i], &group.members[group.count]);
        if (status != STATUS_OK || !is_member(detect, &group.members[group.count]))
            continue;
        group.count++;
        largest = sites[i].count > largest ? sites[i].count : largest;
    }
    if (status != STATUS_OK || group.count == 0)
        return status;
    qsort(group.members, group.count, sizeof(*group.members), order_members);
    group.nodes = arena_alloc_array(detect->arena, largest, sizeof(*group.nodes));
    return group.nodes ? judge(detect, &group) : STATUS_NO_MEMORY;
}

static bool is_first_of_peer(const struct detect *detect, size_t first, size_t at)
{
    const struct calls_site *sites = detect->calls->sites;
    const struct text peer = print_of(detect, sites[at].print)->peer;
    for (size_t i = first; i < at; i++) {
        if (text_equal(print_of(detect, sites[i].print)->peer, peer))
            return false;
    }
    return true;
}

enum status repeated_calls_find(struct detect *detect, const struct repeated_calls_rule *rule)
{
    enum status status = STATUS_OK;
    for (size_t first = 0, end; first < detect->calls->site_count && status == STATUS_OK;
         first = end) {
        struct arena scratch; /* of one parent, so that many need no more than the largest */
        arena_init(&scratch, detect->arena->max_bytes);
        struct detect local = *detect;
        local.arena = &scratch;
        end = calls_parent_end(detect->calls, first);
        for (size_t i = first; i < end && status == STATUS_OK; i++) {
            if (is_first_of_peer(detect, first, i))
                status = search_peer(&local, rule, i, end);
        }
        arena_release(&scratch);
    }
    return status;
}
