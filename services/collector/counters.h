/* Everything the collector counts. Exact at rest, for spans and for log records: received =
 * accepted + refused, and accepted = stored + open + dropped; each drop of a span has its reason.
 * Callable from any thread. */
#ifndef CULPRIT_COLLECTOR_COUNTERS_H
#define CULPRIT_COLLECTOR_COUNTERS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/histogram.h"
#include "base/json_writer.h"
#include "http/metrics_text.h"

#define COUNTERS_LIST(X)                                                                           \
    X(REQUESTS, "requests", "export requests of spans")                                            \
    X(REQUESTS_INVALID, "requests_invalid", "requests of spans that were not OTLP")                \
    X(REQUESTS_TOO_LARGE, "requests_too_large", "requests of spans over a limit of bytes")         \
    X(REQUESTS_BUSY, "requests_busy", "requests of spans turned away under memory pressure")       \
    X(BYTES, "bytes_received", "bytes of export requests, as they came")                           \
    X(RECEIVED, "spans_received", "spans of readable requests")                                    \
    X(ACCEPTED, "spans_accepted", "spans taken")                                                   \
    X(REFUSED, "spans_refused", "spans refused: without ids, or over a limit")                     \
    X(STORED, "spans_stored", "spans written to the store")                                        \
    X(DROPPED_STORE, "spans_dropped_store_error", "spans lost because the store failed")           \
    X(DROPPED_MEMORY, "spans_dropped_no_memory", "spans lost for want of memory")                  \
    X(EVICTED, "spans_evicted", "stored spans deleted to keep the store's size")                   \
    X(EVICTED_TRACES, "traces_evicted", "stored traces deleted to keep the store's size")          \
    X(LOG_REQUESTS, "log_requests", "export requests of log records")                              \
    X(LOG_REQUESTS_INVALID, "log_requests_invalid", "requests of log records that were not OTLP")  \
    X(LOG_REQUESTS_TOO_LARGE, "log_requests_too_large",                                            \
      "requests of log records over a limit of bytes")                                             \
    X(LOG_REQUESTS_BUSY, "log_requests_busy",                                                      \
      "requests of log records turned away under memory pressure")                                 \
    X(LOGS_RECEIVED, "logs_received", "log records of readable requests")                          \
    X(LOGS_ACCEPTED, "logs_accepted", "log records taken")                                         \
    X(LOGS_REFUSED, "logs_refused", "log records refused: over a limit")                           \
    X(LOGS_STORED, "logs_stored", "log records written to the store")                              \
    X(LOGS_DROPPED, "logs_dropped", "log records lost: too large, or the store failed")            \
    X(LOGS_EVICTED, "logs_evicted", "stored log records deleted to keep the store's size")

enum counter {
#define COUNTERS_ENUM(name, key, help) COUNTER_##name,
    COUNTERS_LIST(COUNTERS_ENUM)
#undef COUNTERS_ENUM
        COUNTER_COUNT,
};

struct counters {
    atomic_uint_fast64_t values[COUNTER_COUNT];
    pthread_mutex_t lock;     /* guards latency */
    struct histogram latency; /* a span's end to queryable */
};

void counters_init(struct counters *counters);
void counters_release(struct counters *counters);

void counters_add(struct counters *counters, enum counter which, uint64_t more);
uint64_t counters_get(const struct counters *counters, enum counter which);

/* One batch: each span's end by the wall clock against now. */
struct batch;
void counters_add_latency(struct counters *counters, const struct batch *batch, uint64_t now_ns);

/* Writes every counter as a key of the object that is open. */
void counters_write(const struct counters *counters, struct json_writer *writer);
/* Writes an object: count, p50_ms ... max_ms, and "buckets" as [upper bound in ms, how many up to
 * it], of which a reader can take differences. */
void counters_write_latency(struct counters *counters, struct json_writer *writer);
void counters_write_metrics(const struct counters *counters, const struct metrics_text *text);

#endif
