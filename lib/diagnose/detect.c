#include "diagnose/detect.h"

#include <math.h>
#include <stdlib.h>

#include "diagnose/broken_propagation.h"
#include "diagnose/figures.h"
#include "diagnose/missing_index.h"
#include "diagnose/n_plus_one_calls.h"
#include "diagnose/n_plus_one_queries.h"
#include "diagnose/sequential_calls.h"
#include "diagnose/slow_dependency.h"
#include "diagnose/synchronous_side_work.h"

static const struct detector table[] = {
    {FINDING_BROKEN_PROPAGATION, broken_propagation_find},
    {FINDING_N_PLUS_ONE_QUERIES, n_plus_one_queries_find},
    {FINDING_N_PLUS_ONE_CALLS, n_plus_one_calls_find},
    {FINDING_MISSING_INDEX, missing_index_find},
    {FINDING_SYNCHRONOUS_SIDE_WORK, synchronous_side_work_find},
    {FINDING_SLOW_DEPENDENCY, slow_dependency_find},
    {FINDING_SEQUENTIAL_CALLS, sequential_calls_find},
};

const struct detector *detect_table(size_t *count)
{
    *count = sizeof(table) / sizeof(table[0]);
    return table;
}

static double saving_ms(const struct detect_case *one)
{
    return one->before_ms - one->after_ms;
}

static int order_cases(const void *left, const void *right)
{
    const struct detect_case *a = left, *b = right;
    const double less = saving_ms(a) - saving_ms(b);
    if (less != 0)
        return less > 0 ? 1 : -1;
    return (a->tree > b->tree) - (a->tree < b->tree);
}

bool detect_is_supported(struct finding *finding, double cases, double total)
{
    const bool enough = findings_gate(finding, "requests that show it", cases, DETECT_SUPPORT_MIN);
    return findings_gate(finding, "share of the requests, lower bound",
                         figures_share_lower(cases, total), DETECT_SHARE_MIN) &&
           enough;
}

bool detect_in_both_halves(struct detect *detect, struct finding *finding,
                           const struct window_entry *entry, const struct detect_case *cases,
                           size_t count)
{
    size_t late = 0;
    for (size_t i = 0; i < count; i++)
        late += window_is_late(detect->current, entry, cases[i].tree);
    const size_t fewer = late < count - late ? late : count - late;
    return findings_gate(finding, "share in the window's weaker half",
                         (double)fewer / (double)count, 0.1);
}

void detect_add_exemplars(struct detect *detect, struct finding *finding,
                          const struct detect_case *cases, size_t count)
{
    const size_t picks[] = {(count - 1) / 2, (size_t)(0.95 * (double)(count - 1)), count - 1};
    for (size_t i = 0; i < sizeof(picks) / sizeof(picks[0]); i++) {
        const struct detect_case *one = &cases[picks[i]];
        findings_exemplar(finding, &detect->current->forest.trees[one->tree], one->node,
                          (const double[]){one->before_ms, one->after_ms});
    }
}

static bool saves_enough(struct finding *finding, const struct window_entry *entry,
                         const double *savings, size_t count, double *scratch)
{
    const double noise_ms =
        fmax(DETECT_SAVING_MS, 3 * figures_median_error(savings, count, scratch));
    const double share = entry->p50_ms > 0 ? finding->saving_ms / entry->p50_ms : 0;
    const bool large =
        findings_gate(finding, "saving as a share of the median request", share, DETECT_SHARE_MIN);
    return findings_gate(finding, "saving in ms, against noise", finding->saving_ms, noise_ms) &&
           large;
}

bool detect_weigh(struct detect *detect, struct finding *finding, const struct window_entry *entry,
                  struct detect_case *cases, size_t count)
{
    double *values = arena_alloc_array(detect->arena, count, sizeof(*values));
    double *scratch = arena_alloc_array(detect->arena, count, sizeof(*scratch));
    if (!values || !scratch)
        detect->findings->failed = STATUS_NO_MEMORY;
    if (!values || !scratch || count == 0)
        return false;
    qsort(cases, count, sizeof(*cases), order_cases);
    for (size_t i = 0; i < count; i++)
        values[i] = cases[i].cost_ms;
    finding->cost_ms = figures_median(values, count);
    for (size_t i = 0; i < count; i++)
        values[i] = saving_ms(&cases[i]);
    finding->saving_ms = figures_quantile(values, count, 0.5);
    finding->saving_p90_ms = figures_quantile(values, count, 0.9);
    finding->support = count;
    finding->prevalence = (double)count / entry->tree_count;
    detect_add_exemplars(detect, finding, cases, count);
    const bool seen = detect_is_supported(finding, (double)count, entry->tree_count);
    const bool worth = saves_enough(finding, entry, values, count, scratch);
    return detect_in_both_halves(detect, finding, entry, cases, count) && seen && worth;
}

double detect_impact_ms(const struct window_entry *entry, const struct detect_case *cases,
                        size_t count)
{
    double sum_ms = 0;
    for (size_t i = 0; i < count; i++)
        sum_ms += saving_ms(&cases[i]);
    return entry && entry->tree_count > 0 ? sum_ms / entry->tree_count : 0;
}

enum finding_state detect_state(const struct detect *detect, double now_ms, double before_ms)
{
    return detect->baseline && now_ms >= DETECT_REGRESSION_X * before_ms ? FINDING_REGRESSION
                                                                         : FINDING_STANDING;
}

bool detect_is_claimed(const struct detect *detect, uint32_t tree, int64_t start_ns, int64_t end_ns)
{
    return 2 * ledger_claimed_ns(detect->ledger, tree, start_ns, end_ns) > end_ns - start_ns;
}

struct text detect_entry_text(struct detect *detect, uint32_t entry)
{
    const struct fingerprint *print = &detect->current->prints->items[entry];
    return findings_text(detect->findings, "%.*s %.*s", TEXT_ARGS(print->service),
                         TEXT_ARGS(print->name));
}

struct text detect_share_words(struct detect *detect, double share)
{
    if (share > 0.99)
        return text_of("every");
    return findings_text(detect->findings, "%.0f %% of all", 100 * share);
}

struct text detect_ms_words(struct detect *detect, double ms)
{
    return findings_text(detect->findings, ms >= 10 ? "%.0f" : "%.1f", ms);
}
