/* What became of one request under load: the one thing that an engine's user hands to whoever
 * counts, plots or judges. Every request that was due gives exactly one sample, those that were
 * never sent and those that were never answered too: nothing that went badly is left out. Plain
 * value.
 *
 *     due ---- lag ---- sent ---- first byte ---- done
 *      \________________ latency ________________/
 *                        \______ service time ___/
 *
 * Times are points on the monotonic clock, 0: did not happen. Latency counts from `due_ns`, so that
 * a system that stalls cannot hide the requests that it kept from being sent. */
#ifndef CULPRIT_LOADGEN_LOAD_LOAD_SAMPLE_H
#define CULPRIT_LOADGEN_LOAD_LOAD_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/* A right answer or one of these; the words are what reports say. */
#define LOAD_OUTCOME_LIST(X)                                                                       \
    X(OK, "ok")                                                                                    \
    X(STATUS, "unexpected status")                                                                 \
    X(BODY, "unexpected answer")                                                                   \
    X(CONNECT, "connect failed")                                                                   \
    X(CLOSED, "connection closed")                                                                 \
    X(TIMEOUT, "timed out")                                                                        \
    X(PROTOCOL, "not HTTP")                                                                        \
    X(DROPPED, "never sent")                                                                       \
    X(UNFINISHED, "in flight at the end")

enum load_outcome {
#define LOAD_OUTCOME_ENUM(name, words) LOAD_##name,
    LOAD_OUTCOME_LIST(LOAD_OUTCOME_ENUM)
#undef LOAD_OUTCOME_ENUM
        LOAD_OUTCOME_COUNT,
};

struct load_sample {
    uint64_t number; /* of the arrival that it belongs to, from 0: pairs runs of one seed */
    uint16_t step;   /* which request of the run's steps; the maker says how they are numbered */
    uint16_t loop;   /* the event loop (thread) that sent it, from 0 */
    enum load_outcome outcome;
    uint16_t http_status; /* 0 without a whole answer */
    /* No right answer ended it (dropped, timed out, cut off, in flight at the end): its true
     * latency is at least done - due, and counts against any limit on latency. */
    bool censored;
    uint8_t
        failed_check; /* of LOAD_BODY: which check; behind the checks: which value was not there */
    uint64_t due_ns;  /* when it should have been sent; of a later step of a flow: when the step
                         before was answered, think time included */
    uint64_t seen_ns; /* when its loop came to it: until then the generator itself was late, from
                         then on it waited for a free connection */
    uint64_t sent_ns; /* right before its first byte left */
    uint64_t connect_ns; /* a duration: how long its connection took to open; 0: was open */
    uint64_t first_byte_ns;
    uint64_t done_ns; /* the whole answer, or when it was given up */
    uint64_t sent_bytes, received_bytes;
    uint8_t trace_id[16]; /* all zero: none was sent */
};

/* Called on the thread of the loop that made it, between two waits: must be quick, must not
 * block, and must tell loops apart by `loop` where it keeps something. */
typedef void load_observer(void *context, const struct load_sample *sample);

const char *load_outcome_words(enum load_outcome outcome);

/* How late it was sent: of one never sent, how long it waited. */
uint64_t load_sample_lag_ns(const struct load_sample *sample);
uint64_t load_sample_latency_ns(const struct load_sample *sample);
/* 0: never sent. */
uint64_t load_sample_service_ns(const struct load_sample *sample);

struct engine_request;

/* What an engine's outcome means before anybody looked at the answer. */
enum load_outcome load_outcome_of(enum status engine_outcome);

/* Of a request that ended; `number`, `step`, `loop` and `trace_id` are left to the caller. */
struct load_sample load_sample_of(const struct engine_request *request, uint64_t due_ns,
                                  enum load_outcome outcome);

/* Whether an outcome leaves the latency unknown. */
bool load_outcome_is_censored(enum load_outcome outcome);

#endif
