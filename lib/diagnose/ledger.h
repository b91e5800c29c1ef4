/* Whose is the time: each finding that counts claims the intervals that it explains, and detectors
 * that run later see only what is left. So one fault gives one finding. The detectors' order is the
 * precedence. One owner, no locks; memory is the caller's arena. */
#ifndef CULPRIT_DIAGNOSE_LEDGER_H
#define CULPRIT_DIAGNOSE_LEDGER_H

#include "diagnose/tree.h"

struct ledger {
    struct ledger_claim **claims; /* by tree */
    size_t tree_count;
    struct arena *arena;
};

MUST_CHECK enum status ledger_init(struct ledger *ledger, size_t tree_count, struct arena *arena);

/* Times since the tree's base. STATUS_NO_MEMORY. */
MUST_CHECK enum status ledger_claim(struct ledger *ledger, size_t tree, int64_t start_ns,
                                    int64_t end_ns);

/* How much of the interval is claimed, what is claimed twice counted once. */
int64_t ledger_claimed_ns(const struct ledger *ledger, size_t tree, int64_t start_ns,
                          int64_t end_ns);

#endif
