/* Sends one batch at a time until it is taken, refused for good, or out of time, and counts what
 * became of its spans. The exporter's thread sends; the counters may be read from anywhere. */
#ifndef CULPRIT_TRACE_SPAN_SENDER_H
#define CULPRIT_TRACE_SPAN_SENDER_H

#include "base/durations.h"
#include "base/rng.h"
#include "trace/otlp_http.h"

struct span_sender {
    struct otlp_http http;
    uint64_t timeout_ns;    /* for a batch with all its repetitions */
    uint64_t not_before_ns; /* what the receiver asked for, beyond the batch it refused */
    uint64_t logged_ns;
    struct rng rng;
    _Atomic uint64_t exported, failed, rejected, requests,
        retries; /* all but the last two: spans */
    /* One a batch, with all its repetitions. */
    _Atomic uint64_t durations_ns, durations[DURATIONS_BOUNDS + 1];
};

/* Counters start at 0. STATUS_NO_MEMORY, STATUS_IO. */
MUST_CHECK enum status span_sender_init(struct span_sender *sender,
                                        const struct otlp_request *request, uint64_t timeout_ns);

/* Keeps the counters. In the child of a fork, too: the connection stays the parent's. */
void span_sender_release(struct span_sender *sender);

void span_sender_send(struct span_sender *sender, const uint8_t *body, size_t length_bytes,
                      uint32_t count);

struct durations span_sender_durations(const struct span_sender *sender);

#endif
