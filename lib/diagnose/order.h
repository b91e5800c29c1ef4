/* In which order the calls of one place in the code are made: for each pair, how often both were
 * there, how often one ended before the other began, how often they overlapped. Two calls that
 * overlapped, or came in the other order, do not need each other. Plain values in the caller's
 * arena. */
#ifndef CULPRIT_DIAGNOSE_ORDER_H
#define CULPRIT_DIAGNOSE_ORDER_H

#include "diagnose/window.h"

enum { ORDER_CALLS_MAX = 64 };

/* Clocks that count microseconds make an end and the next start differ by so much. */
#define ORDER_EPSILON_NS 2000

struct order_pair {
    uint32_t both, before, after, overlap; /* of requests; both may exceed the sum */
};

/* A call (fingerprint) that is made at most once in nearly all of a site's places. */
struct order_call {
    uint32_t print;
    uint32_t seen;
    double start_ms;    /* median, since the parent's start */
    double duration_ms; /* median */
    bool in_transaction;
};

struct order {
    struct order_call *calls; /* by start */
    size_t count;
    struct order_pair *pairs; /* [row * count + column]: row against column */
};

/* Learns the site's calls (the most frequent ORDER_CALLS_MAX) and measures their order.
 * STATUS_NO_MEMORY. */
MUST_CHECK enum status order_learn(struct order *order, const struct window *window,
                                   const struct window_site *site, struct arena *arena);

/* Measures the order of known calls at a site of another window; NULL leaves all pairs empty.
 * STATUS_NO_MEMORY. */
MUST_CHECK enum status order_measure(struct order *order, const struct order *known,
                                     const struct window *window, const struct window_site *site,
                                     struct arena *arena);

const struct order_pair *order_between(const struct order *order, size_t a, size_t b);

#endif
