#include "diagnose/ledger.h"

/* Sorted by start, and disjoint. */
struct ledger_claim {
    int64_t start_ns, end_ns;
    struct ledger_claim *next;
};

enum status ledger_init(struct ledger *ledger, size_t tree_count, struct arena *arena)
{
    *ledger = (struct ledger){.tree_count = tree_count, .arena = arena};
    ledger->claims = arena_alloc_array(arena, tree_count, sizeof(struct ledger_claim *));
    return ledger->claims ? STATUS_OK : STATUS_NO_MEMORY;
}

enum status ledger_claim(struct ledger *ledger, size_t tree, int64_t start_ns, int64_t end_ns)
{
    if (start_ns >= end_ns)
        return STATUS_OK;
    struct ledger_claim **link = &ledger->claims[tree];
    while (*link && (*link)->end_ns < start_ns)
        link = &(*link)->next;
    struct ledger_claim *claim = *link;
    if (!claim || claim->start_ns > end_ns) {
        claim = arena_alloc(ledger->arena, sizeof(*claim));
        if (!claim)
            return STATUS_NO_MEMORY;
        *claim = (struct ledger_claim){start_ns, end_ns, *link};
        *link = claim;
        return STATUS_OK;
    }
    /* It touches this one: grow it, and swallow those that it reaches now. */
    claim->start_ns = start_ns < claim->start_ns ? start_ns : claim->start_ns;
    claim->end_ns = end_ns > claim->end_ns ? end_ns : claim->end_ns;
    while (claim->next && claim->next->start_ns <= claim->end_ns) {
        if (claim->next->end_ns > claim->end_ns)
            claim->end_ns = claim->next->end_ns;
        claim->next = claim->next->next;
    }
    return STATUS_OK;
}

int64_t ledger_claimed_ns(const struct ledger *ledger, size_t tree, int64_t start_ns,
                          int64_t end_ns)
{
    int64_t claimed_ns = 0;
    for (const struct ledger_claim *c = ledger->claims[tree]; c && c->start_ns < end_ns;
         c = c->next) {
        const int64_t from_ns = c->start_ns > start_ns ? c->start_ns : start_ns;
        const int64_t to_ns = c->end_ns < end_ns ? c->end_ns : end_ns;
        claimed_ns += to_ns > from_ns ? to_ns - from_ns : 0;
    }
    return claimed_ns;
}
