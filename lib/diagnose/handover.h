/* Work that a service hands over by a message: which requests do so, to whom, and what is done
 * behind the queue only. The measuring behind synchronous_side_work.c; decides nothing and changes
 * nothing. */
#ifndef CULPRIT_DIAGNOSE_HANDOVER_H
#define CULPRIT_DIAGNOSE_HANDOVER_H

#include "diagnose/window.h"

struct handover_search {
    const struct window *window;
    uint32_t entry;
    struct text caller; /* service that sends */
    struct text callee; /* service that consumes, or peer outside that is called behind a queue */
    bool *marks;        /* room for the nodes of the largest tree */
};

/* Whether the caller's messages of that tree lead to the callee. */
bool handover_in_tree(const struct handover_search *search, uint32_t tree);

/* In how many of the entry's trees. */
uint32_t handover_count(const struct handover_search *search);

/* Median of the caller's sending, ms; 0 where it sends nothing. STATUS_NO_MEMORY. */
MUST_CHECK enum status handover_sending_ms(const struct handover_search *search,
                                           struct arena *arena, double *out);

/* Sets by fingerprint what the window does behind queues and nowhere else, at least five times.
 * `only_behind` has room for all fingerprints. STATUS_NO_MEMORY. */
MUST_CHECK enum status handover_only_behind(const struct window *window, bool *only_behind,
                                            struct arena *arena);

/* Whether a call below `node` (and waited for) is set in `only_behind`. */
bool handover_moved_below(const struct tree *tree, uint32_t node, const bool *only_behind,
                          bool *marks);

#endif
