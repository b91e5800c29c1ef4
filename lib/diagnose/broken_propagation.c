#include "diagnose/broken_propagation.h"

#include <stdlib.h>

#include "diagnose/figures.h"
#include "diagnose/fragments.h"

#define CHILDLESS_MIN 0.5 /* of a site's calls; less counts where enough of them are matched */
#define AGREE_PROVED  0.8 /* matched, of either side */
#define AGREE_STRONG  0.5
#define AGREE_SAMPLE  0.95 /* of the calls, where the traces are too many */

enum { SAMPLE_MIN = 20 };

/* One site: calls of one fingerprint, and what was found of them. */
struct lost {
    const struct fragment_call *calls;
    size_t count;
    uint64_t childless, matched;
    uint64_t fragments; /* of the kinds that matched: by this site or by none */
    uint32_t far_print; /* of the fragments */
};

/* Fragments that nobody else explains, of the kinds that this site's calls lead to. */
static uint64_t count_fragments(const struct detect *detect, const struct fragments *all,
                                const struct lost *lost)
{
    const struct fingerprints *prints = detect->current->prints;
    const uint32_t call = lost->calls[0].print;
    const struct text callee = fragments_callee(prints, call);
    uint64_t count = 0;
    for (size_t i = 0; i < all->count; i++) {
        const struct fragment *one = &all->items[i];
        const bool ours = one->call != FRAGMENT_NONE && all->calls[one->call].print == call;
        count +=
            ours || (one->call == FRAGMENT_NONE && fragments_fit(prints, call, callee, one->print));
    }
    return count;
}

static struct lost sum_up(const struct detect *detect, const struct fragments *all, size_t first,
                          size_t end)
{
    struct lost lost = {.calls = all->calls + first, .count = end - first};
    for (size_t i = first; i < end; i++) {
        lost.childless += all->calls[i].childless;
        if (all->calls[i].fragment == FRAGMENT_NONE)
            continue;
        lost.matched++;
        lost.far_print = all->items[all->calls[i].fragment].print;
    }
    if (lost.matched >= DETECT_SUPPORT_MIN)
        lost.fragments = count_fragments(detect, all, &lost);
    return lost;
}

static int order_u32(const void *left, const void *right)
{
    const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

/* The entry that most matched calls belong to; 0 when they are all in partial traces. */
static uint32_t entry_of(const struct detect *detect, const struct lost *lost, uint32_t *scratch)
{
    size_t count = 0, best_count = 0;
    uint32_t best = 0;
    for (size_t i = 0; i < lost->count; i++) {
        const uint32_t entry = detect->current->entry_of[lost->calls[i].tree];
        if (lost->calls[i].fragment != FRAGMENT_NONE && entry != 0)
            scratch[count++] = entry;
    }
    qsort(scratch, count, sizeof(*scratch), order_u32);
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && scratch[end] == scratch[first];)
            end++;
        if (end - first > best_count) {
            best_count = end - first;
            best = scratch[first];
        }
    }
    return best;
}

static int order_cases(const void *left, const void *right)
{
    const struct detect_case *a = left, *b = right;
    return (a->tree > b->tree) - (a->tree < b->tree);
}

/* The affected requests of one entry, with the time that cannot be seen in each. */
static size_t gather_cases(const struct detect *detect, const struct fragments *all,
                           const struct lost *lost, uint32_t entry, struct detect_case *cases)
{
    size_t count = 0, kept = 0;
    for (size_t i = 0; i < lost->count; i++) {
        const struct fragment_call *call = &lost->calls[i];
        if (call->fragment == FRAGMENT_NONE || detect->current->entry_of[call->tree] != entry)
            continue;
        const struct fragment *far = &all->items[call->fragment];
        const struct tree *tree = &detect->current->forest.trees[call->tree];
        const double root_ms = (double)tree_duration_ns(&tree->nodes[0]) / 1e6;
        cases[count++] = (struct detect_case){call->tree, call->node, root_ms, root_ms,
                                              (double)(far->end_ns - far->start_ns) / 1e6};
    }
    qsort(cases, count, sizeof(*cases), order_cases);
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && cases[kept - 1].tree == cases[i].tree)
            cases[kept - 1].cost_ms += cases[i].cost_ms;
        else
            cases[kept++] = cases[i];
    }
    return kept;
}

static bool judge_match(struct finding *finding, const struct lost *lost)
{
    const double childless_share = (double)lost->childless / (double)lost->count;
    const double of_calls = (double)lost->matched / (double)lost->childless;
    const double of_fragments = (double)lost->matched / (double)lost->fragments;
    const bool many = lost->matched * 20 >= lost->count;
    findings_gate(finding, "share of the calls without a server span", childless_share,
                  CHILDLESS_MIN);
    findings_gate(finding, "share of those with a trace inside", of_calls, AGREE_PROVED);
    findings_gate(finding, "share of such traces that lie in a call", of_fragments, AGREE_PROVED);
    finding->confidence =
        of_calls >= AGREE_PROVED && of_fragments >= AGREE_PROVED ? FINDING_PROVED : FINDING_STRONG;
    /* Where only a sample of the requests is looked at, most such traces lie in none of it. */
    if (childless_share >= CHILDLESS_MIN && of_calls >= AGREE_SAMPLE && lost->matched >= SAMPLE_MIN)
        return true;
    if (of_fragments < AGREE_STRONG)
        return false;
    /* A callee that samples for itself leaves few traces, but they all lie in calls. */
    return (childless_share >= CHILDLESS_MIN && of_calls >= AGREE_STRONG) ||
           (many && of_fragments >= AGREE_PROVED);
}

/* Whether the same calls had their servers before. */
static enum finding_state state_of(const struct detect *detect, const struct lost *lost)
{
    uint64_t calls = 0, childless = 0;
    if (!detect->baseline)
        return FINDING_STANDING;
    const struct forest *forest = &detect->baseline->forest;
    for (size_t t = 0; t < forest->count; t++) {
        for (uint32_t i = 0; i < forest->trees[t].count; i++) {
            const struct tree_node *node = &forest->trees[t].nodes[i];
            if (node->print != lost->calls[0].print || node->span->status == OTLP_STATUS_ERROR)
                continue;
            calls++;
            childless += tree_far_side(&forest->trees[t], i) == TREE_NONE;
        }
    }
    const double before = calls > 0 ? (double)childless / (double)calls : 0;
    const double now = (double)lost->childless / (double)lost->count;
    return now >= DETECT_REGRESSION_X * before ? FINDING_REGRESSION : FINDING_STANDING;
}

/* Spans of the callee that did arrive with a context from elsewhere. */
static uint64_t count_arrived(const struct detect *detect, uint32_t far_print)
{
    const struct fingerprint *far = &detect->current->prints->items[far_print];
    uint64_t count = 0;
    for (uint32_t i = 1; i < detect->current->prints->count; i++) {
        const struct fingerprint *print = &detect->current->prints->items[i];
        if (print->far_side_count > 0 && text_equal(print->far_service, far->service))
            count += print->far_side_count;
    }
    return count;
}

static void rule_out(struct detect *detect, struct finding *finding, const struct lost *lost)
{
    struct findings *all = detect->findings;
    findings_rule_out(finding,
                      findings_text(all,
                                    "a peer that sends no spans: %.*s sent %llu that begin a "
                                    "trace of their own",
                                    TEXT_ARGS(finding->peer), (unsigned long long)lost->fragments));
    findings_rule_out(finding,
                      findings_text(all,
                                    "lost spans: %llu of %llu calls without a server span hold "
                                    "such a trace, one each",
                                    (unsigned long long)lost->matched,
                                    (unsigned long long)lost->childless));
    findings_rule_out(finding, findings_text(all, "time-outs and refused calls: a call that failed "
                                                  "is not counted"));
    const uint64_t arrived = count_arrived(detect, lost->far_print);
    if (arrived > 0)
        findings_rule_out(finding,
                          findings_text(all,
                                        "a callee that ignores the context: %llu calls of "
                                        "%.*s arrived with it",
                                        (unsigned long long)arrived, TEXT_ARGS(finding->peer)));
}

static void describe(struct detect *detect, struct finding *finding, const struct lost *lost,
                     uint32_t entry)
{
    const struct fingerprints *prints = detect->current->prints;
    const struct fingerprint *near = &prints->items[lost->calls[0].print];
    struct findings *all = detect->findings;
    finding->service = findings_copy(all, near->service);
    finding->operation = findings_copy(all, near->name);
    finding->peer = findings_copy(all, prints->items[lost->far_print].service);
    finding->entry = entry ? detect_entry_text(detect, entry) : (struct text){"", 0};
    finding->state = state_of(detect, lost);
    finding->summary = findings_text(
        all,
        "%.*s does not pass the trace context on in %.*s to %.*s: %llu calls have no server span, "
        "and %llu traces of %.*s begin in the middle of one; %.*s ms of %.*s %.*s cannot be seen "
        "in its trace.",
        TEXT_ARGS(finding->service), TEXT_ARGS(finding->operation), TEXT_ARGS(finding->peer),
        (unsigned long long)lost->childless, (unsigned long long)lost->matched,
        TEXT_ARGS(finding->peer), TEXT_ARGS(detect_ms_words(detect, finding->cost_ms)),
        TEXT_ARGS(detect_share_words(detect, finding->prevalence)), TEXT_ARGS(finding->entry));
    rule_out(detect, finding, lost);
}

static enum status judge(struct detect *detect, const struct fragments *all,
                         const struct lost *lost)
{
    struct finding finding = {.kind = FINDING_BROKEN_PROPAGATION};
    uint32_t *scratch = arena_alloc_array(detect->arena, lost->count, sizeof(*scratch));
    struct detect_case *cases = arena_alloc_array(detect->arena, lost->count, sizeof(*cases));
    double *costs = arena_alloc_array(detect->arena, lost->count, sizeof(*costs));
    if (!scratch || !cases || !costs)
        return STATUS_NO_MEMORY;
    const uint32_t print = entry_of(detect, lost, scratch);
    const struct window_entry *entry = window_find_entry(detect->current, print);
    const size_t count = gather_cases(detect, all, lost, print, cases);
    const double total = entry ? entry->tree_count : (double)count;
    const bool matches = judge_match(&finding, lost);
    const bool supported = detect_is_supported(&finding, (double)count, total);
    const bool spread = !entry || detect_in_both_halves(detect, &finding, entry, cases, count);
    if (!matches || !supported || !spread)
        return STATUS_OK;
    for (size_t i = 0; i < count; i++)
        costs[i] = cases[i].cost_ms;
    finding.cost_ms = figures_median(costs, count);
    finding.support = count;
    finding.prevalence = (double)count / total;
    detect_add_exemplars(detect, &finding, cases, count);
    describe(detect, &finding, lost, print);
    findings_add(detect->findings, &finding);
    return detect->findings->failed;
}

enum status broken_propagation_find(struct detect *detect)
{
    struct fragments all;
    enum status status = fragments_build(&all, detect->current, detect->arena);
    for (size_t first = 0, end; status == STATUS_OK && first < all.call_count; first = end) {
        for (end = first + 1;
             end < all.call_count && all.calls[end].print == all.calls[first].print;)
            end++;
        const struct lost lost = sum_up(detect, &all, first, end);
        if (lost.matched >= DETECT_SUPPORT_MIN)
            status = judge(detect, &all, &lost);
    }
    return status;
}
