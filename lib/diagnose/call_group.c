#include "diagnose/call_group.h"

#include <math.h>

#include "diagnose/figures.h"

enum { PLACES_MIN = 5, PROOFS_MIN = 3 };

/* Shares of the requests that have both calls of a pair. */
#define SERIAL_MIN         0.8  /* with nothing to compare with: it is how the code is written */
#define SERIAL_MIN_CHANGED 0.5  /* where the baseline shows that the code can do otherwise */
#define OVERLAP_MAX        0.1  /* above: parallel code that was late now and then */
#define PROOF_OVERLAP      0.02 /* in this window */
#define PROOF_BASELINE     0.1  /* overlap in the baseline */
#define PROOF_INVERTED     0.05

/* Time between two calls, as a share of the shorter; more is work, and work may be a reason. */
#define GAP_MAX        0.25
#define GAP_MAX_STRONG 0.02
#define GAP_FLOOR      0.01 /* of the request: scheduling */

static const struct fingerprint *print_of(const struct call_group_search *search, size_t row)
{
    return &search->window->prints->items[search->now.calls[row].print];
}

static double share(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

static bool changed(const struct order_pair *before)
{
    return before->both >= PLACES_MIN && before->overlap >= PROOFS_MIN &&
           share(before->overlap, before->both) >= PROOF_BASELINE;
}

/* One after another in the bulk of the requests. */
static bool is_serial(const struct call_group_search *search, size_t a, size_t b)
{
    const struct order_pair *now = order_between(&search->now, a, b);
    const double serial = share((double)now->before + now->after, now->both);
    if (now->both < PLACES_MIN)
        return false;
    if (changed(order_between(&search->before, a, b)))
        return serial >= SERIAL_MIN_CHANGED;
    return serial >= SERIAL_MIN && share(now->overlap, now->both) <= OVERLAP_MAX;
}

static bool same_database(const struct fingerprint *a, const struct fingerprint *b)
{
    return (a->flags & b->flags & FINGERPRINT_DATABASE) && text_equal(a->peer, b->peer);
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Requests in which the pair overlapped or came the other way round; 0 where they do not prove
 * enough. */
static uint64_t proofs(const struct call_group_search *search, size_t a, size_t b)
{
    const struct fingerprint *left = print_of(search, a), *right = print_of(search, b);
    const struct order_pair *now = order_between(&search->now, a, b);
    const struct order_pair *before = order_between(&search->before, a, b);
    if (changed(before))
        return before->overlap;
    if (!(left->flags & right->flags & FINGERPRINT_READS) || same_database(left, right))
        return 0;
    if (now->overlap >= PROOFS_MIN && share(now->overlap, now->both) >= PROOF_OVERLAP)
        return now->overlap;
    const uint64_t inverted =
        smaller((uint64_t)now->before + before->before, (uint64_t)now->after + before->after);
    const double seen = (double)now->both + before->both;
    return inverted >= PROOFS_MIN && share((double)inverted, seen) >= PROOF_INVERTED ? inverted : 0;
}

static bool is_outside(const struct call_group_search *search, const struct fingerprint *print)
{
    return (print->flags & FINGERPRINT_HTTP) && print->far_side_count == 0 &&
           print->peer.length > 0 &&
           fingerprint_service_of(search->window->prints, print->peer).length == 0;
}

/* A call that can be in a group of that level at all. */
static bool is_candidate(const struct call_group_search *search, size_t row,
                         enum call_group_level level)
{
    const struct fingerprint *print = print_of(search, row);
    if (search->used[row] || search->now.calls[row].in_transaction ||
        (print->flags & (FINGERPRINT_PAGES | FINGERPRINT_BEGINS | FINGERPRINT_ENDS)))
        return false;
    if (level == CALL_GROUP_PROVED)
        return true;
    if (!(print->flags & FINGERPRINT_READS))
        return false;
    return level == CALL_GROUP_HINT ||
           (!(print->flags & FINGERPRINT_GUARDS) && is_outside(search, print));
}

static bool may_join(const struct call_group_search *search, const struct call_group *group,
                     size_t row)
{
    for (size_t i = 0; i < group->count; i++) {
        const size_t other = group->rows[i];
        if (!is_serial(search, other, row))
            return false;
        if (group->level == CALL_GROUP_PROVED && proofs(search, other, row) == 0)
            return false;
        if (group->level != CALL_GROUP_PROVED &&
            same_database(print_of(search, other), print_of(search, row)))
            return false;
    }
    return true;
}

static const struct tree_node *find_call(const struct tree *tree, const struct tree_node *parent,
                                         uint32_t print)
{
    for (uint32_t i = 0; i < parent->child_count; i++) {
        const struct tree_node *node = &tree->nodes[parent->first_child + i];
        if (node->print == print && window_is_call(node))
            return node;
    }
    return NULL;
}

static double median_gap_ms(const struct call_group_search *search, size_t first, size_t second)
{
    size_t count = 0;
    for (size_t p = 0; p < search->site->count; p++) {
        const struct window_place *place = &search->site->places[p];
        const struct tree *tree = &search->window->forest.trees[place->tree];
        const struct tree_node *parent = &tree->nodes[place->node];
        const struct tree_node *a = find_call(tree, parent, search->now.calls[first].print);
        const struct tree_node *b = find_call(tree, parent, search->now.calls[second].print);
        if (a && b && a->end_ns <= b->start_ns + ORDER_EPSILON_NS)
            search->scratch[count++] = (double)(b->start_ns - a->end_ns) / 1e6;
    }
    return count > 0 ? figures_median(search->scratch, count) : INFINITY;
}

static bool is_close(const struct call_group_search *search, enum call_group_level level,
                     size_t first, size_t second)
{
    const double shorter_ms =
        fmin(search->now.calls[first].duration_ms, search->now.calls[second].duration_ms);
    double limit_ms = GAP_MAX * shorter_ms;
    if (level == CALL_GROUP_STRONG)
        limit_ms =
            fmin(limit_ms, fmax(GAP_MAX_STRONG * shorter_ms, GAP_FLOOR * search->entry_p50_ms));
    return median_gap_ms(search, first, second) < limit_ms;
}

static void join(const struct call_group_search *search, struct call_group *group, size_t row)
{
    for (size_t i = 0; i < group->count && group->level == CALL_GROUP_PROVED; i++) {
        const uint64_t proved = proofs(search, group->rows[i], row);
        if (group->evidence != 0 && proved >= group->evidence)
            continue;
        group->evidence = proved;
        group->evidence_of = (uint64_t)order_between(&search->now, group->rows[i], row)->both +
                             order_between(&search->before, group->rows[i], row)->both;
    }
    group->prints[group->count] = search->now.calls[row].print;
    group->rows[group->count++] = row;
}

static bool is_enough(const struct call_group_search *search, const struct call_group *group)
{
    if (group->level != CALL_GROUP_STRONG)
        return group->count >= 2;
    bool peers_differ = false;
    for (size_t i = 1; i < group->count; i++)
        peers_differ = peers_differ || !text_equal(print_of(search, group->rows[0])->peer,
                                                   print_of(search, group->rows[i])->peer);
    return group->count >= 3 && peers_differ;
}

/* Grows a group from `first` on; a frequent call that may not join ends it, a rare one is passed
 * over. Returns the row where the next group may begin. */
static size_t grow(const struct call_group_search *search, size_t first, struct call_group *group)
{
    join(search, group, first);
    for (size_t row = first + 1; row < search->now.count; row++) {
        const size_t last = group->rows[group->count - 1];
        if (is_candidate(search, row, group->level) && may_join(search, group, row) &&
            is_close(search, group->level, last, row))
            join(search, group, row);
        else if (search->now.calls[row].seen * 2 >= search->site->count)
            return group->count >= 2 ? row : first + 1;
    }
    return group->count >= 2 ? search->now.count : first + 1;
}

bool call_group_next(const struct call_group_search *search, enum call_group_level level,
                     size_t *row, struct call_group *group)
{
    while (*row < search->now.count) {
        const size_t first = *row;
        *group = (struct call_group){.level = level};
        *row = first + 1;
        if (!is_candidate(search, first, level))
            continue;
        *row = grow(search, first, group);
        if (is_enough(search, group))
            return true;
    }
    return false;
}

static bool is_member(const struct call_group *group, uint32_t print)
{
    for (size_t i = 0; i < group->count; i++) {
        if (group->prints[i] == print)
            return true;
    }
    return false;
}

size_t call_group_nodes(const struct call_group *group, const struct tree *tree, uint32_t parent,
                        uint32_t *nodes, size_t *present)
{
    const struct tree_node *above = &tree->nodes[parent];
    bool broken = false, between = false;
    size_t count = 0;
    *present = 0;
    for (uint32_t at = above->first_child; at < above->first_child + above->child_count; at++) {
        const struct tree_node *node = &tree->nodes[at];
        if (!window_is_call(node))
            continue;
        if (!is_member(group, node->print)) {
            between = count > 0; /* matters only if another member follows */
            continue;
        }
        (*present)++;
        broken = broken || between;
        if (count > 0)
            broken =
                broken || node->start_ns + ORDER_EPSILON_NS < tree->nodes[nodes[count - 1]].end_ns;
        if (count < ORDER_CALLS_MAX)
            nodes[count++] = at;
    }
    return broken || count < 2 || *present > group->count ? 0 : count;
}
