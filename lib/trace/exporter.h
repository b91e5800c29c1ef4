/* The one thread that takes ended spans from the queue and gives batches to the exporters. It
 * sleeps until a whole batch waits, the delay passed, or somebody asks for a flush; all signals
 * are blocked in it. One exporter a process. */
#ifndef CULPRIT_TRACE_EXPORTER_H
#define CULPRIT_TRACE_EXPORTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "trace/span_exporter.h"
#include "trace/trace.h"

/* Starts the thread; the config is read here alone. STATUS_INVALID, STATUS_UNSUPPORTED or
 * STATUS_TOO_LARGE (endpoint or headers), STATUS_NO_MEMORY, STATUS_IO. */
MUST_CHECK enum status exporter_start(const struct tracing_config *config, struct error *error);

/* Never waits for input or output: at most for the exporter to fall asleep. */
void exporter_wake(void);

/* Spans are being dropped: export now rather than at the deadline. */
void exporter_press(void);

/* See tracing_flush. STATUS_BUSY: called from within an export. */
enum status exporter_flush(uint64_t deadline_ns);

/* Sends what is queued until the deadline, drops and counts the rest, ends the thread.
 * STATUS_TIMEOUT: it did not end in time (a name look-up cannot be cut) and was left behind. */
enum status exporter_stop(uint64_t deadline_ns);

/* No thread was left behind. */
bool exporter_is_free(void);

/* One was, and has ended since: exporter_tidy then does what exporter_stop could not, after which
 * it is free. */
bool exporter_has_left(void);
void exporter_tidy(void);

/* Fills the exporter's own counters and `queued`. */
void exporter_stats(struct tracing_stats *stats);

/* One of the exporters, by index; its name, NULL beyond the last. */
const char *exporter_stats_of(size_t index, struct span_exporter_stats *stats);

/* Around fork: no batch is half built, no lock is held in the child, which has no exporter. */
void exporter_before_fork(void);
void exporter_after_fork(bool is_child);

#endif
