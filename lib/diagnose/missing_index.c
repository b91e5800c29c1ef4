#include "diagnose/missing_index.h"

#include <math.h>

#include "diagnose/figures.h"
#include "diagnose/statement.h"

#define SLOW_MS         5.0
#define SLOWER_MIN      3.0 /* than in the baseline; with counters also than other reads */
#define SLOWER_KEYED    10.0
#define STEPS_MIN       1000.0
#define STEPS_A_ROW_MIN 50.0
#define ROWS_GREW_MAX   2.0
#define OTHERS_MARGIN   2.0 /* times as much slower as the other statements */
#define CROWD_MAX       0.5 /* correlation of its time with the number of uses at once */
#define A_REQUEST_MAX   2.0

static const struct fingerprint *print_of(const struct detect *detect, uint32_t print)
{
    return &detect->current->prints->items[print];
}

static bool is_regression(const struct statement *statement)
{
    return statement->old && statement->p50_ms >= SLOWER_MIN * statement->before_p50_ms;
}

static bool scans(const struct statement *statement)
{
    return statement->steps >= STEPS_MIN && statement->steps_a_row >= STEPS_A_ROW_MIN;
}

/* What the statement takes with an index: as in the baseline, or as other reads. */
static double indexed_ms(const struct statement *statement, double ms)
{
    if (is_regression(statement))
        return fmin(ms, figures_transfer(ms, statement->now_ms, statement->site->count,
                                         statement->before_ms, statement->old->count));
    if (statement->keyed_p50_ms > 0)
        return fmin(ms, statement->keyed_p50_ms);
    return ms / SLOWER_KEYED;
}

/* Without the counters: the same work, slower by itself and always. */
static bool is_slow_by_itself(const struct statement *statement)
{
    const double grew = statement->p50_ms / fmax(statement->before_p50_ms, 1e-6);
    const double limit_ms = fmax(SLOW_MS, SLOWER_MIN * statement->before_p50_ms) * 0.5;
    return statement->a_request <= A_REQUEST_MAX &&
           statement->p10_ms >= SLOWER_MIN * statement->before_p50_ms &&
           (statement->alone < DETECT_SUPPORT_MIN || statement->alone_p50_ms >= limit_ms) &&
           statement->rows <= ROWS_GREW_MAX * fmax(statement->before_rows, 1) &&
           grew >= OTHERS_MARGIN * statement->others_grew;
}

/* false: it is something else, or nothing. */
static bool judge_statement(struct finding *finding, const struct statement *statement)
{
    /* Where there is nothing to compare with, the counters are enough. */
    const double unknown = statement->counted ? SLOWER_MIN : 0;
    const double keyed =
        statement->keyed_p50_ms > 0 ? statement->p50_ms / statement->keyed_p50_ms : unknown;
    const bool regression = is_regression(statement);
    if (!findings_gate(finding, "one execution, ms", statement->p50_ms, SLOW_MS) ||
        !statement->looks_up)
        return false;
    if (statement->old)
        findings_gate(finding, "times as long as in the baseline",
                      statement->p50_ms / fmax(statement->before_p50_ms, 1e-6), SLOWER_MIN);
    else
        findings_gate(finding, "times as long as other reads", keyed,
                      statement->counted ? SLOWER_MIN : SLOWER_KEYED);
    if (statement->counted)
        findings_gate(finding, "rows scanned for each that is returned", statement->steps_a_row,
                      STEPS_A_ROW_MIN);
    finding->confidence = FINDING_PROVED;
    if (statement->counted)
        return scans(statement) && (regression || keyed >= SLOWER_MIN);
    /* Hardly ever alone and slower in a crowd, it may have waited for others just as well. */
    const bool alone = statement->alone >= DETECT_SUPPORT_MIN || statement->crowd < CROWD_MAX;
    finding->confidence = regression && alone ? FINDING_STRONG : FINDING_HINT;
    return regression
               ? is_slow_by_itself(statement)
               : !statement->old && keyed >= SLOWER_KEYED && statement->a_request <= A_REQUEST_MAX;
}

struct outcome {
    struct detect_case *cases; /* one a tree */
    size_t count;
};

static bool is_claimed(const struct detect *detect, const struct window *window, uint32_t tree,
                       const struct tree_node *node)
{
    return window == detect->current &&
           detect_is_claimed(detect, tree, node->start_ns, node->end_ns);
}

static void replay_tree(struct detect *detect, const struct window *window,
                        const struct statement *statement, const struct calls_ref *refs,
                        size_t count, struct outcome *out)
{
    const struct tree *tree = &window->forest.trees[refs[0].tree];
    struct detect_case one = {.tree = refs[0].tree, .node = TREE_NONE};
    replay_begin(detect->replay, tree);
    for (size_t i = 0; i < count; i++) {
        const struct tree_node *node = &tree->nodes[refs[i].node];
        const double ms = (double)tree_duration_ns(node) / 1e6;
        if (is_claimed(detect, window, one.tree, node))
            continue;
        replay_scale(detect->replay, refs[i].node, (int64_t)(indexed_ms(statement, ms) * 1e6));
        one.cost_ms += ms;
        one.node = one.node == TREE_NONE ? refs[i].node : one.node;
    }
    if (one.node == TREE_NONE)
        return;
    one.before_ms = (double)tree_duration_ns(&tree->nodes[0]) / 1e6;
    one.after_ms = (double)replay_run(detect->replay, 0) / 1e6;
    out->cases[out->count++] = one;
}

static enum status measure(struct detect *detect, const struct window *window,
                           const struct calls_site *site, const struct statement *statement,
                           struct outcome *out)
{
    *out = (struct outcome){0};
    if (!site)
        return STATUS_OK;
    out->cases = arena_alloc_array(detect->arena, site->count, sizeof(*out->cases));
    if (!out->cases)
        return STATUS_NO_MEMORY;
    for (size_t first = 0, count; first < site->count; first += count) {
        count = calls_in_tree(site, first);
        replay_tree(detect, window, statement, site->refs + first, count, out);
    }
    return STATUS_OK;
}

static void rule_out(struct detect *detect, struct finding *finding,
                     const struct statement *statement)
{
    struct findings *all = detect->findings;
    if (statement->counted)
        findings_rule_out(
            finding,
            findings_text(all, "a wait: it read %.0f rows itself, one by one", statement->steps));
    if (statement->rows >= 0)
        findings_rule_out(finding,
                          findings_text(all, "a large answer: it returns %.0f %s", statement->rows,
                                        statement->rows == 1 ? "row" : "rows"));
    if (statement->alone >= DETECT_SUPPORT_MIN)
        findings_rule_out(finding,
                          findings_text(all,
                                        "a lock: it takes %.*s ms while nobody else uses the "
                                        "database (%zu executions)",
                                        TEXT_ARGS(detect_ms_words(detect, statement->alone_p50_ms)),
                                        statement->alone));
    if (statement->others_grew > 0)
        findings_rule_out(finding,
                          findings_text(all,
                                        "a slow database: its other statements take %.1f times "
                                        "what they took in the baseline",
                                        statement->others_grew));
}

static void describe(struct detect *detect, struct finding *finding,
                     const struct statement *statement)
{
    struct findings *all = detect->findings;
    const struct fingerprint *print = print_of(detect, statement->site->print);
    finding->service = findings_copy(all, print->service);
    finding->operation = findings_copy(all, print->name);
    finding->peer = findings_copy(all, print->peer);
    finding->entry = detect_entry_text(detect, statement->site->entry);
    const struct text why = statement->counted
                                ? findings_text(all, " because it reads %.0f rows to return %.0f",
                                                statement->steps, fmax(statement->rows, 0))
                                : text_of(", always and by itself, as without an index");
    finding->summary = findings_text(
        all,
        "%.*s in %.*s takes %.*s ms%.*s; with an index about %.*s ms, saving %.*s ms of %.*s "
        "%.*s.",
        TEXT_ARGS(finding->operation), TEXT_ARGS(finding->service),
        TEXT_ARGS(detect_ms_words(detect, statement->p50_ms)), TEXT_ARGS(why),
        TEXT_ARGS(detect_ms_words(detect, indexed_ms(statement, statement->p50_ms))),
        TEXT_ARGS(detect_ms_words(detect, finding->saving_ms)),
        TEXT_ARGS(detect_share_words(detect, finding->prevalence)), TEXT_ARGS(finding->entry));
    rule_out(detect, finding, statement);
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

static enum status judge(struct detect *detect, const struct statement *statement)
{
    const struct calls_site *site = statement->site;
    const struct window_entry *entry = window_find_entry(detect->current, site->entry);
    const struct window_entry *old_entry = window_find_entry(detect->baseline, site->entry);
    struct finding finding = {.kind = FINDING_MISSING_INDEX};
    struct outcome now = {0}, before = {0};
    if (!judge_statement(&finding, statement))
        return STATUS_OK;
    enum status status = measure(detect, detect->current, site, statement, &now);
    if (status == STATUS_OK)
        status = measure(detect, detect->baseline, statement->old, statement, &before);
    if (status != STATUS_OK || now.count == 0)
        return status;
    finding.state = detect_state(detect, detect_impact_ms(entry, now.cases, now.count),
                                 is_regression(statement)
                                     ? 0 /* the baseline is what it is compared with */
                                     : detect_impact_ms(old_entry, before.cases, before.count));
    if (!detect_weigh(detect, &finding, entry, now.cases, now.count))
        return detect->findings->failed;
    describe(detect, &finding, statement);
    findings_add(detect->findings, &finding);
    if (finding.confidence != FINDING_HINT)
        status = claim(detect, site);
    return status == STATUS_OK ? detect->findings->failed : status;
}

/* Cheap, before anything is measured: half of the executions are slow. */
static bool may_be_slow(const struct detect *detect, const struct calls_site *site)
{
    size_t slow = 0;
    for (size_t i = 0; i < site->count; i++) {
        const struct tree *tree = &detect->current->forest.trees[site->refs[i].tree];
        slow += (double)tree_duration_ns(&tree->nodes[site->refs[i].node]) >= SLOW_MS * 1e6;
    }
    return site->count >= DETECT_SUPPORT_MIN && 2 * slow >= site->count;
}

enum status missing_index_find(struct detect *detect)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < detect->calls->site_count && status == STATUS_OK; i++) {
        const struct calls_site *site = &detect->calls->sites[i];
        const struct fingerprint *print = print_of(detect, site->print);
        if (!(print->flags & FINGERPRINT_DATABASE) ||
            (print->flags & (FINGERPRINT_BEGINS | FINGERPRINT_ENDS)) || !may_be_slow(detect, site))
            continue;
        struct statement statement;
        struct arena scratch; /* of one statement, so that many need no more than the largest */
        arena_init(&scratch, detect->arena->max_bytes);
        struct detect local = *detect;
        local.arena = &scratch;
        status = statement_measure(&statement, &local, site);
        if (status == STATUS_OK)
            status = judge(&local, &statement);
        arena_release(&scratch);
    }
    return status;
}
