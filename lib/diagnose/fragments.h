/* Pieces of traces that belong together though no id says so: a call whose server sent no span, and
 * a trace of its own that begins at that server in the middle of the call. Matched one to one by
 * callee, method, route and time. Everything is in the caller's arena; no locks. */
#ifndef CULPRIT_DIAGNOSE_FRAGMENTS_H
#define CULPRIT_DIAGNOSE_FRAGMENTS_H

#include "diagnose/window.h"

#define FRAGMENT_NONE UINT32_MAX

/* A call over HTTP or into a queue that did not fail. */
struct fragment_call {
    uint32_t print, tree, node;
    uint32_t fragment; /* index of its match, or FRAGMENT_NONE */
    bool childless;
    uint64_t start_ns, end_ns; /* wall clock */
};

/* A trace that begins at a server, or at a consumer that links to nothing. */
struct fragment {
    uint32_t print, tree;
    uint32_t call; /* index of its match, or FRAGMENT_NONE */
    uint64_t start_ns, end_ns;
};

struct fragments {
    struct fragment_call *calls; /* by print, then start */
    size_t call_count;
    struct fragment *items; /* by start */
    size_t count;
};

/* Gathers both sides and matches them. STATUS_NO_MEMORY. */
MUST_CHECK enum status fragments_build(struct fragments *fragments, const struct window *window,
                                       struct arena *arena);

/* The service that answers a call's peer: of that name, or seen to answer there; or empty. */
struct text fragments_callee(const struct fingerprints *prints, uint32_t call);

/* Whether a call (its callee known or empty) can have led to a span of the other kind. */
bool fragments_fit(const struct fingerprints *prints, uint32_t call, struct text callee,
                   uint32_t fragment);

#endif
