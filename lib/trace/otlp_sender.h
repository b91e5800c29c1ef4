/* Sends one signal's batches, one at a time, until each is taken, refused for good, or out of time,
 * and counts what became of its records. One thread sends; stop and the counters are for any
 * thread. Log lines are at most one in ten seconds. */
#ifndef CULPRIT_TRACE_OTLP_SENDER_H
#define CULPRIT_TRACE_OTLP_SENDER_H

#include "base/durations.h"
#include "base/rng.h"
#include "trace/otlp_body.h"
#include "trace/otlp_http.h"

struct otlp_sender {
    struct otlp_body body;
    struct otlp_http http;                  /* of plain http */
    const struct otlp_transport *transport; /* of https, with its `connection`; else NULL */
    void *connection;
    struct otlp_stop stop;
    uint64_t timeout_ns;    /* for a batch with all its repetitions */
    uint64_t not_before_ns; /* what the receiver asked for, beyond the batch it refused */
    uint64_t logged_ns;
    bool is_open;
    struct rng rng;
    _Atomic uint64_t exported, failed, rejected; /* records */
    _Atomic uint64_t requests, retries;
    /* One a batch, with all its repetitions. */
    _Atomic uint64_t durations_ns, durations[DURATIONS_BOUNDS + 1];
};

/* Counters start at 0. STATUS_INVALID, STATUS_TOO_LARGE (the settings), STATUS_UNSUPPORTED (https,
 * and no transport for it was registered), STATUS_NO_MEMORY, STATUS_IO: `error` says what. */
MUST_CHECK enum status otlp_sender_init(struct otlp_sender *sender, enum otlp_signal signal,
                                        const struct otlp_settings *settings, struct error *error);

/* Keeps the counters. `in_child`: of a fork, where the connection stays the parent's. May be called
 * twice. */
void otlp_sender_release(struct otlp_sender *sender, bool in_child);

/* When the receiver, which asked to be spared, may be asked again; 0: now. Whoever sends for it
 * alone adds that wait to the deadline, so that nothing is lost for it. */
uint64_t otlp_sender_due_ns(const struct otlp_sender *sender);

/* `otlp`: an Export...ServiceRequest of `count` records as protobuf; 0 records: nothing is sent.
 * Ends at the deadline, or after the settings' timeout. STATUS_OK: taken, though perhaps in part;
 * else counted as failed: STATUS_TIMEOUT, STATUS_IO, STATUS_REFUSED, STATUS_CLOSED,
 * STATUS_TOO_LARGE, STATUS_NO_MEMORY, STATUS_INVALID. */
enum status otlp_sender_send(struct otlp_sender *sender, struct text otlp, uint32_t count,
                             uint64_t deadline_ns);

/* Lets no send, now or later, go beyond `limit_ns`; wakes one that waits. */
void otlp_sender_stop(struct otlp_sender *sender, uint64_t limit_ns);

/* How long batches took, failed ones too. */
struct durations otlp_sender_durations(const struct otlp_sender *sender);

#endif
