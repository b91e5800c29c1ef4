/* What an exporter of spans is: a table of functions that gets whole batches, already encoded. Give
 * one of your own in tracing_config.more_exporters.
 *
 * The library calls export_batch and flush from one thread at a time, never two of them at once for
 * one exporter; `stop` may come from another thread while an export goes on. Several exporters get
 * each batch in turn, so that each must keep to its deadline: what an exporter overruns, the others
 * wait. An exporter never repeats a batch that it was given; one that fails is counted and gone. */
#ifndef CULPRIT_TRACE_SPAN_EXPORTER_H
#define CULPRIT_TRACE_SPAN_EXPORTER_H

#include <stddef.h>
#include <stdint.h>

#include "base/durations.h"
#include "base/status.h"

struct span_export {
    const uint8_t *otlp; /* an ExportTraceServiceRequest as protobuf; borrowed for the call */
    size_t length_bytes;
    uint32_t span_count;  /* above 0 */
    uint64_t deadline_ns; /* monotonic (base/clock.h) */
};

struct span_exporter_stats {
    uint64_t exported, failed, rejected; /* spans; every one it was given is in one of them */
    uint64_t requests, retries;          /* where it asks over a network */
    struct durations durations; /* one a batch, with all its repetitions; failed ones too */
};

/* Functions but export_batch may be NULL. */
struct span_exporter {
    const char *name; /* as otel.component.type has it: "otlp_http_exporter" */
    void *self;

    /* Any other status than STATUS_OK: the batch is lost. */
    enum status (*export_batch)(void *self, const struct span_export *batch);

    /* What the exporter itself still holds back. STATUS_TIMEOUT, STATUS_IO. */
    enum status (*flush)(void *self, uint64_t deadline_ns);

    /* The program wants to end: lets no export, now or later, go beyond `limit_ns`. */
    void (*stop)(void *self, uint64_t limit_ns);

    /* After the last export. */
    void (*shutdown)(void *self, uint64_t deadline_ns);

    /* Fills all of it, for an exporter that knows better than the status of each batch; from any
     * thread, also after the shutdown. Must not start tracing or ask for its figures. */
    void (*stats)(void *self, struct span_exporter_stats *stats);
};

#endif
