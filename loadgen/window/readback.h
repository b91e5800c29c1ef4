/* Reads traces back by id through the query API while the load runs, checks each for completeness,
 * and keeps a sample of them. What is not complete yet is asked for again, a few times, up to 10 s
 * after the request's end; then the last answer stands.
 *
 * A few threads with a keep-alive connection each. readback_push may be called from one other
 * thread, never blocks for long, and drops with a counter when 65,536 ids wait. */
#ifndef CULPRIT_LOADGEN_WINDOW_READBACK_H
#define CULPRIT_LOADGEN_WINDOW_READBACK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/histogram.h"
#include "base/status.h"
#include "loadgen/base/sample.h"
#include "loadgen/window/complete.h"
#include "loadgen/window/window.h"

enum { READBACK_STEPS = 2 }; /* WINDOW_CART, WINDOW_CHECKOUT */

struct readback_config {
    const char *query_url;
    const struct plan *plans; /* READBACK_STEPS of them; borrowed until readback_free */
    uint64_t flow_count;      /* that are to come: for the sample */
    unsigned thread_count;    /* 4 when 0 */
};

/* Sums over the requests that ended and were sampled. Those that failed are not held against their
 * edges. */
struct readback_totals {
    uint64_t requests, failed;
    uint64_t unread; /* dropped, or the back end did not answer in time */
    uint64_t absent; /* no span of it was ever there */
    uint64_t arrived, connected, as_expected;
    uint64_t spans, expected, found, lost, never_made, extra, orphans, duplicates;
    uint64_t reads, read_failures;
    struct plan_found missing[READBACK_STEPS]; /* lost spans by step and edge */
};

struct readback;

/* STATUS_INVALID (the address), STATUS_NO_MEMORY. */
MUST_CHECK enum status readback_new(struct readback **out, const struct readback_config *config,
                                    struct error *error);
void readback_free(struct readback *readback);

/* A request that ended; unsampled ones are left out. */
void readback_push(struct readback *readback, const struct window_request *request);

/* How many wait or are being read. */
uint64_t readback_open_count(struct readback *readback);

/* true: all are decided. What is open when it is given up counts as unread. */
bool readback_wait(struct readback *readback, uint64_t deadline_ns);
void readback_give_up(struct readback *readback);

/* The following once nothing is open. */
const struct readback_totals *readback_totals(const struct readback *readback);
/* Time from a request's end to the first answer that held its trace, by polling one id in a hundred
 * (at least the first) that were pushed at once. */
const struct histogram *readback_polled_latency(const struct readback *readback);
struct sample *readback_sample(struct readback *readback);
/* The id is one of a request of this window. */
bool readback_knows(const struct readback *readback, const uint8_t trace_id[16]);
/* The first thing that went wrong with the back end, or "". */
const char *readback_trouble(const struct readback *readback);

#endif
