/* One window of traces, sorted for the detectors: trees, entries (what kinds of request there are)
 * and sites (where in the code calls are made).
 *
 * Built once, then only read. Everything is in the caller's arena; no locks. */
#ifndef CULPRIT_DIAGNOSE_WINDOW_H
#define CULPRIT_DIAGNOSE_WINDOW_H

#include "diagnose/fingerprint.h"
#include "diagnose/tree.h"

/* A kind of request: complete trees with the same entry. */
struct window_entry {
    uint32_t print; /* of the first server's span, or of the root where there is none below it */
    uint32_t tree_count;
    double p50_ms, total_ms;
    double half_ns; /* begin of the median tree, since the window's first: parts the halves */
};

/* A span that made at least two calls. */
struct window_place {
    uint32_t entry, parent; /* fingerprints */
    uint32_t tree, node;
};

/* All places with one entry and one parent. */
struct window_site {
    uint32_t entry, parent;
    const struct window_place *places; /* by tree, then node */
    size_t count;
};

struct window {
    struct forest forest;
    const struct fingerprints *prints;
    uint32_t *entry_of;           /* by tree: fingerprint; 0 for partial trees */
    uint64_t first_ns;            /* begin of the first tree */
    struct window_entry *entries; /* most time first */
    size_t entry_count;
    uint32_t *by_print; /* indices of entries, by fingerprint */
    struct window_site *sites;
    size_t site_count;
    uint64_t complete_count, partial_count;
};

/* The traces that began in [start_ns, end_ns); fingerprints are shared by the windows of a run.
 * STATUS_NO_MEMORY, STATUS_TOO_LARGE. */
MUST_CHECK enum status window_build(struct window *window, struct fingerprints *prints,
                                    const struct spans *spans, const uint64_t range_ns[2],
                                    struct arena *arena);

/* NULL when absent. */
const struct window_entry *window_find_entry(const struct window *window, uint32_t print);
const struct window_site *window_find_site(const struct window *window, uint32_t entry,
                                           uint32_t parent);

/* A call that its parent waits for. */
bool window_is_call(const struct tree_node *node);

/* Whether a tree began in the second half of its entry's trees. */
bool window_is_late(const struct window *window, const struct window_entry *entry, uint32_t tree);

#endif
