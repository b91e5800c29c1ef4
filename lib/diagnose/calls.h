/* The calls of a window by who makes them: in which kind of request, below which span, to what.
 * What sites of window.h are for calls that differ, this is for one call and its repetitions.
 *
 * Only calls that somebody waits for, in complete trees. Built once, then only read; everything is
 * in the caller's arena; no locks. */
#ifndef CULPRIT_DIAGNOSE_CALLS_H
#define CULPRIT_DIAGNOSE_CALLS_H

#include "diagnose/window.h"

struct calls_ref {
    uint32_t entry, parent, print; /* fingerprints */
    uint32_t tree, node;
};

/* All calls with one entry, one parent and one fingerprint. */
struct calls_site {
    uint32_t entry, parent, print;
    const struct calls_ref *refs; /* by tree, then node: those of one parent lie side by side */
    size_t count;
};

struct calls {
    struct calls_site *sites; /* by entry, parent, print */
    size_t site_count;
};

/* STATUS_NO_MEMORY. */
MUST_CHECK enum status calls_build(struct calls *calls, const struct window *window,
                                   struct arena *arena);

/* The site of the same entry, parent and fingerprint; NULL when there is none. */
const struct calls_site *calls_find(const struct calls *calls, const struct calls_site *like);

/* Behind the last site from `first` on that has its entry and parent. */
size_t calls_parent_end(const struct calls *calls, size_t first);

/* How many of the site's calls, from `first` on, are in the tree of that one. */
size_t calls_in_tree(const struct calls_site *site, size_t first);

/* Milliseconds of each of the site's calls, smallest first; NULL when there is no memory. */
double *calls_durations_ms(const struct window *window, const struct calls_site *site,
                           struct arena *arena);

#endif
