/* Which calls of a site are made one after another, and which of them may be made side by side:
 * the judgement behind sequential_calls.c. Reads what order.h measured; decides, changes nothing.
 */
#ifndef CULPRIT_DIAGNOSE_CALL_GROUP_H
#define CULPRIT_DIAGNOSE_CALL_GROUP_H

#include "diagnose/order.h"

/* How sure it is that the calls do not need each other. */
enum call_group_level { CALL_GROUP_PROVED, CALL_GROUP_STRONG, CALL_GROUP_HINT, CALL_GROUP_LEVELS };

struct call_group_search {
    const struct window *window;
    const struct window_site *site;
    struct order now, before; /* current window and baseline; rows are the same calls */
    double entry_p50_ms;
    bool used[ORDER_CALLS_MAX]; /* in a group that was found */
    double *scratch;            /* room for site->count values */
};

struct call_group {
    uint32_t prints[ORDER_CALLS_MAX]; /* in order of start */
    size_t rows[ORDER_CALLS_MAX];     /* of search.now */
    size_t count;
    enum call_group_level level;
    uint64_t evidence, evidence_of; /* requests that prove it for the weakest pair, and seen */
};

/* The next group of that level from row *row on, which moves behind it. false: no more. */
bool call_group_next(const struct call_group_search *search, enum call_group_level level,
                     size_t *row, struct call_group *group);

/* The members in one place, in order of start, where at least two are there, one after another and
 * with no other call between; else 0. *present says how many are there at all. */
size_t call_group_nodes(const struct call_group *group, const struct tree *tree, uint32_t parent,
                        uint32_t *nodes, size_t *present);

#endif
