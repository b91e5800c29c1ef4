/* The back end itself: whether it answers, and what our collector says about how soon spans can be
 * asked for: its histogram of span end to queryable, as the difference between two points in time.
 * Another back end does not have that; then nothing is known. Blocking, under a deadline of its
 * own. */
#ifndef CULPRIT_LOADGEN_STACK_BACKEND_H
#define CULPRIT_LOADGEN_STACK_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/text.h"

enum { BACKEND_BUCKETS_MAX = 8192 };

/* How many spans took at most `upper_ms`, since the collector's start. */
struct backend_bucket {
    double upper_ms;
    uint64_t count_up_to;
};

struct backend_buckets {
    size_t count;
    struct backend_bucket items[BACKEND_BUCKETS_MAX]; /* by upper_ms */
};

struct backend_latency {
    bool is_known;
    uint64_t count;
    double p50_ms, p90_ms, p99_ms;
    double max_ms; /* upper bound of the last bucket that grew */
};

/* false: no such status there, or not in that form. */
bool backend_read(const char *query_url, struct backend_buckets *out);

/* Whether anything answers there, whatever it is. STATUS_CLOSED with words. */
MUST_CHECK enum status backend_probe(const char *query_url, struct error *error);

/* Lets our collector ask everybody what they lost: it keeps with its traces what they last said. */
void backend_ask_losses(const char *query_url);

/* From the status' JSON. */
bool backend_parse(struct text json, struct backend_buckets *out);

/* What came between the two. */
void backend_difference(const struct backend_buckets *before, const struct backend_buckets *after,
                        struct backend_latency *out);

#endif
