/* OpenTelemetry's logger provider, one a process: a bounded queue of encoded records and one thread
 * that sends them as OTLP batches, apart from the spans' so that neither holds up the other.
 * Callable from any thread. What the sending thread itself logs is not queued: it would never end.
 * In the child of a fork records are dropped until it calls log_provider_start itself. */
#ifndef CULPRIT_TRACE_LOG_PROVIDER_H
#define CULPRIT_TRACE_LOG_PROVIDER_H

#include "trace/trace.h"

/* Starts the thread, unless the config names no exporter of logs or is disabled: then all of this
 * stays a no-op. STATUS_INVALID, STATUS_TOO_LARGE, STATUS_UNSUPPORTED (`error` says what),
 * STATUS_NO_MEMORY, STATUS_IO, STATUS_EXISTS (started already), STATUS_BUSY (the thread of a
 * shutdown that timed out is still there). The config is copied. */
MUST_CHECK enum status log_provider_start(const struct tracing_config *config, struct error *error);

/* Sends all that was emitted so far. STATUS_TIMEOUT, STATUS_IO (given up and counted). */
enum status log_provider_flush(uint64_t deadline_ns);

/* Flushes, stops the thread, makes records no-ops. May be called twice. Statuses as above. */
enum status log_provider_shutdown(uint64_t deadline_ns);

/* Since the start: every emitted record is exported, rejected, dropped or still queued (a batch on
 * its way counts as queued; for a moment it may count twice). */
struct log_provider_stats {
    uint64_t emitted;
    uint64_t exported;
    uint64_t dropped_queue_full; /* also those over 8 KiB */
    uint64_t dropped_export_failed;
    uint64_t rejected; /* by the receiver's partial success */
    uint64_t queued;
    uint64_t export_requests;
    uint64_t export_retries;
};
struct log_provider_stats log_provider_stats(void);

/* ---- inside the library */

/* Records are taken from the calling thread. */
bool log_provider_is_on(void);

/* Good while log_provider_is_on. */
const struct log_limits *log_provider_limits(void);

/* Queues a record, or counts it as dropped. */
void log_provider_take(const struct tracer *scope, const void *bytes, size_t length_bytes);

#endif
