/* The exporters of a signal's provider, in order: those that the config names, then the program's
 * own, which are for spans. Each
 * batch goes to each of them in turn, from one thread at a time; stop, drop and the figures are for
 * any thread. */
#ifndef CULPRIT_TRACE_EXPORTERS_H
#define CULPRIT_TRACE_EXPORTERS_H

#include "base/text.h"
#include "trace/console_exporter.h"
#include "trace/otlp_exporter.h"
#include "trace/trace.h"

enum { EXPORTERS_MAX = TRACING_PLUGINS_MAX + 3 };

struct exporters_slot {
    const struct span_exporter *exporter;
    _Atomic uint64_t dropped; /* spans that it never saw */
    /* Of an exporter that does not count by itself. */
    _Atomic uint64_t exported, failed;
    _Atomic uint64_t durations_ns, durations[DURATIONS_BOUNDS + 1];
};

struct exporters {
    struct exporters_slot slots[EXPORTERS_MAX];
    enum otlp_signal signal;
    size_t count;
    uint64_t timeout_ns; /* of one export of one exporter */
    _Atomic uint64_t limit_ns;
    uint64_t logged_ns; /* of failures */
    /* Spans or records: exported by all, rejected by one at least, failed with one at least. */
    _Atomic uint64_t exported, rejected, failed;

    struct otlp_exporter otlp;
    struct console_exporter console, otlp_stdout;
};

/* Counters start at 0; exported, rejected and failed may be read meanwhile. STATUS_INVALID and
 * more: see otlp_sender_init. */
MUST_CHECK enum status exporters_init(struct exporters *exporters, enum otlp_signal signal,
                                      const struct tracing_config *config, struct error *error);

/* Keeps the counters; may be called twice. `in_child`: of a fork. */
void exporters_release(struct exporters *exporters, bool in_child);

/* Gives a batch (an ExportTraceServiceRequest or its like) to each. */
void exporters_export(struct exporters *exporters, struct text otlp, uint32_t span_count);

/* Spans that cannot be exported any more: failed, for each. */
void exporters_drop(struct exporters *exporters, uint32_t span_count);

/* What they themselves hold back: the first status that is not STATUS_OK. */
enum status exporters_flush(struct exporters *exporters, uint64_t deadline_ns);

void exporters_stop(struct exporters *exporters, uint64_t limit_ns);
void exporters_shutdown(struct exporters *exporters, uint64_t deadline_ns);

/* Fills what is the exporters'; requests, retries and durations are sums. */
void exporters_stats(struct exporters *exporters, struct tracing_stats *stats);

/* One of them, by index; its name, NULL beyond the last. */
const char *exporters_stats_of(struct exporters *exporters, size_t index,
                               struct span_exporter_stats *stats);

#endif
