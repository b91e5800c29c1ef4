#include "diagnose/synchronous_side_work.h"

#include <math.h>

#include "diagnose/figures.h"
#include "diagnose/handover.h"

#define RARE_MAX     0.2 /* of what is called now: so often at most the baseline made this call */
#define HANDED_MIN   0.5 /* of the baseline's requests sent the message */
#define HANDED_NOW   0.5 /* of the requests with the call still send it: at most */
#define MOVED_PROVED 0.5 /* of the calls hold work that was behind the queue only */

/* A call that may be side work, and what is known of it. */
struct suspect {
    const struct calls_site *site;
    const struct fingerprint *print;
    struct text callee;
    uint32_t requests;            /* that make the call */
    double called, called_before; /* share of the entry's requests that make the call */
    double handed_before;         /* share that hand work to the callee by a message: before, */
    double handed_now;            /* of those that make the call, */
    double handed_beside;         /* and of the window's others */
    double moved;                 /* share of the calls with work that was behind the queue only */
    double sending_ms;            /* a message */
    bool *marks;                  /* scratch */
};

static double share(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

static double trees_of(const struct window *window, uint32_t entry)
{
    const struct window_entry *found = window_find_entry(window, entry);
    return found ? found->tree_count : 0;
}

static uint32_t count_requests(const struct calls_site *site)
{
    uint32_t requests = 0;
    for (size_t first = 0; site && first < site->count; first += calls_in_tree(site, first))
        requests++;
    return requests;
}

static struct handover_search search_of(const struct suspect *suspect, const struct window *window)
{
    return (struct handover_search){.window = window,
                                    .entry = suspect->site->entry,
                                    .caller = suspect->print->service,
                                    .callee = suspect->callee,
                                    .marks = suspect->marks};
}

/* Cheap: whether this call is new, or where there is no baseline, made in some requests only. */
static bool may_be_new(struct suspect *suspect, const struct detect *detect)
{
    const struct calls_site *site = suspect->site;
    suspect->requests = count_requests(site);
    suspect->called = share(suspect->requests, trees_of(detect->current, site->entry));
    suspect->called_before = share(count_requests(calls_find(detect->old_calls, site)),
                                   trees_of(detect->baseline, site->entry));
    if (!detect->baseline)
        return suspect->called < 1;
    return suspect->called_before <= RARE_MAX * suspect->called;
}

static void measure_now(struct suspect *suspect, const struct detect *detect)
{
    const struct handover_search search = search_of(suspect, detect->current);
    const struct calls_site *site = suspect->site;
    uint32_t handed = 0;
    for (size_t first = 0; first < site->count; first += calls_in_tree(site, first))
        handed += handover_in_tree(&search, site->refs[first].tree);
    suspect->handed_now = share(handed, suspect->requests);
    suspect->handed_beside = share((double)handover_count(&search) - handed,
                                   trees_of(detect->current, site->entry) - suspect->requests);
}

static enum status measure_moved(struct suspect *suspect, struct detect *detect)
{
    const struct calls_site *site = suspect->site;
    const uint32_t prints = detect->current->prints->count;
    bool *only_behind = arena_alloc_array(detect->arena, prints, sizeof(*only_behind));
    size_t moved = 0;
    if (!only_behind)
        return STATUS_NO_MEMORY;
    const enum status status = handover_only_behind(detect->baseline, only_behind, detect->arena);
    for (size_t i = 0; i < site->count && status == STATUS_OK; i++)
        moved += handover_moved_below(&detect->current->forest.trees[site->refs[i].tree],
                                      site->refs[i].node, only_behind, suspect->marks);
    suspect->moved = share((double)moved, (double)site->count);
    return status;
}

static enum status measure(struct suspect *suspect, struct detect *detect)
{
    suspect->marks =
        arena_alloc_array(detect->arena, detect->replay->max_nodes, sizeof(*suspect->marks));
    if (!suspect->marks)
        return STATUS_NO_MEMORY;
    measure_now(suspect, detect);
    const struct window *sender = detect->baseline ? detect->baseline : detect->current;
    const struct handover_search before = search_of(suspect, sender);
    if (detect->baseline)
        suspect->handed_before =
            share(handover_count(&before), trees_of(detect->baseline, suspect->site->entry));
    const enum status status = handover_sending_ms(&before, detect->arena, &suspect->sending_ms);
    return status == STATUS_OK && detect->baseline ? measure_moved(suspect, detect) : status;
}

static bool judge_suspect(const struct detect *detect, struct finding *finding,
                          const struct suspect *suspect)
{
    finding->confidence = FINDING_HINT;
    finding->state = FINDING_STANDING;
    if (!detect->baseline)
        return findings_gate(finding, "share of the other requests that send a message for it",
                             suspect->handed_beside, HANDED_MIN) &&
               suspect->handed_now <= HANDED_NOW;
    finding->state = FINDING_REGRESSION;
    finding->confidence = suspect->moved >= MOVED_PROVED ? FINDING_PROVED : FINDING_STRONG;
    findings_gate(finding, "share of the calls with work that was behind the queue before",
                  suspect->moved, MOVED_PROVED);
    return findings_gate(finding, "share of the baseline that sent a message for it",
                         suspect->handed_before, HANDED_MIN) &&
           suspect->handed_now <= HANDED_NOW;
}

/* ---- what it costs */

static size_t replay_all(struct detect *detect, const struct suspect *suspect,
                         struct detect_case *cases)
{
    const struct calls_site *site = suspect->site;
    size_t cases_count = 0;
    for (size_t first = 0, count; first < site->count; first += count) {
        struct detect_case one = {.tree = site->refs[first].tree, .node = TREE_NONE};
        const struct tree *tree = &detect->current->forest.trees[one.tree];
        count = calls_in_tree(site, first);
        replay_begin(detect->replay, tree);
        for (size_t i = first; i < first + count; i++) {
            const uint32_t at = site->refs[i].node;
            const struct tree_node *node = &tree->nodes[at];
            const double ms = (double)tree_duration_ns(node) / 1e6;
            if (detect_is_claimed(detect, one.tree, node->start_ns, node->end_ns))
                continue;
            /* What remains of it is the message. */
            replay_scale(detect->replay, at, (int64_t)(fmin(ms, suspect->sending_ms) * 1e6));
            one.cost_ms += ms;
            one.node = one.node == TREE_NONE ? at : one.node;
        }
        if (one.node == TREE_NONE)
            continue;
        one.before_ms = (double)tree_duration_ns(&tree->nodes[0]) / 1e6;
        one.after_ms = (double)replay_run(detect->replay, 0) / 1e6;
        cases[cases_count++] = one;
    }
    return cases_count;
}

static enum status claim(struct detect *detect, const struct calls_site *site)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < site->count && status == STATUS_OK; i++) {
        const struct tree_node *node =
            &detect->current->forest.trees[site->refs[i].tree].nodes[site->refs[i].node];
        status = ledger_claim(detect->ledger, site->refs[i].tree, node->start_ns, node->end_ns);
    }
    return status;
}

static void rule_out(struct detect *detect, struct finding *finding, const struct suspect *suspect)
{
    struct findings *all = detect->findings;
    const struct text callee = suspect->callee;
    if (detect->baseline) {
        findings_rule_out(
            finding, findings_text(all,
                                   "an answer that is needed: %.0f %% of the baseline's requests "
                                   "handed this over by a message and waited for nothing",
                                   100 * suspect->handed_before));
        findings_rule_out(finding,
                          findings_text(all,
                                        "a call that was always made: in %.0f %% of the "
                                        "baseline's requests, now in %.0f %%",
                                        100 * suspect->called_before, 100 * suspect->called));
    }
    findings_rule_out(finding, findings_text(all,
                                             "other work beside the message: %.0f %% of the "
                                             "requests with the call send %.*s a message, too",
                                             100 * suspect->handed_now, TEXT_ARGS(callee)));
    if (suspect->moved > 0)
        findings_rule_out(finding,
                          findings_text(all,
                                        "another job of %.*s: %.0f %% of the calls do what the "
                                        "baseline did behind the queue only",
                                        TEXT_ARGS(callee), 100 * suspect->moved));
}

static void describe(struct detect *detect, struct finding *finding, const struct suspect *suspect)
{
    struct findings *all = detect->findings;
    finding->service = findings_copy(all, suspect->print->service);
    finding->operation = findings_copy(all, suspect->print->name);
    finding->peer = findings_copy(all, suspect->callee);
    finding->entry = detect_entry_text(detect, suspect->site->entry);
    finding->summary = findings_text(
        all,
        "%.*s waits %.*s ms for %.*s in %.*s, %s; sent as a message it would save %.*s ms of %.*s "
        "%.*s.",
        TEXT_ARGS(finding->service), TEXT_ARGS(detect_ms_words(detect, finding->cost_ms)),
        TEXT_ARGS(finding->peer), TEXT_ARGS(finding->operation),
        detect->baseline ? "which it left to a message before"
                         : "which other requests leave to a message",
        TEXT_ARGS(detect_ms_words(detect, finding->saving_ms)),
        TEXT_ARGS(detect_share_words(detect, finding->prevalence)), TEXT_ARGS(finding->entry));
    rule_out(detect, finding, suspect);
}

static enum status judge(struct detect *detect, struct suspect *suspect)
{
    struct finding finding = {.kind = FINDING_SYNCHRONOUS_SIDE_WORK};
    const struct window_entry *entry = window_find_entry(detect->current, suspect->site->entry);
    enum status status = measure(suspect, detect);
    if (status != STATUS_OK || !judge_suspect(detect, &finding, suspect))
        return status;
    struct detect_case *cases = arena_alloc_array(detect->arena, suspect->requests, sizeof(*cases));
    if (!cases)
        return STATUS_NO_MEMORY;
    const size_t count = replay_all(detect, suspect, cases);
    if (count == 0 || !detect_weigh(detect, &finding, entry, cases, count))
        return detect->findings->failed;
    describe(detect, &finding, suspect);
    findings_add(detect->findings, &finding);
    if (finding.confidence != FINDING_HINT)
        status = claim(detect, suspect->site);
    return status == STATUS_OK ? detect->findings->failed : status;
}

enum status synchronous_side_work_find(struct detect *detect)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < detect->calls->site_count && status == STATUS_OK; i++) {
        const struct calls_site *site = &detect->calls->sites[i];
        const struct fingerprint *print = &detect->current->prints->items[site->print];
        struct suspect suspect = {.site = site, .print = print};
        suspect.callee = print->far_service.length > 0 ? print->far_service : print->peer;
        if (!(print->flags & FINGERPRINT_HTTP) || (print->flags & FINGERPRINT_READS) ||
            suspect.callee.length == 0 || site->count < DETECT_SUPPORT_MIN ||
            !may_be_new(&suspect, detect))
            continue;
        struct arena scratch; /* of one call, so that many need no more than the largest */
        arena_init(&scratch, detect->arena->max_bytes);
        struct detect local = *detect;
        local.arena = &scratch;
        status = judge(&local, &suspect);
        arena_release(&scratch);
    }
    return status;
}
