/* Reading log records back from the store, over a connection of its own. Callable from any thread;
 * one question at a time. */
#ifndef CULPRIT_COLLECTOR_LOG_READ_H
#define CULPRIT_COLLECTOR_LOG_READ_H

#include "otlp/logs.h"
#include "services/collector/names.h"

struct log_reader;

/* The file must be a store. STATUS_IO, STATUS_NO_MEMORY. */
MUST_CHECK enum status log_read_open(struct log_reader **out, const char *path,
                                     struct error *error);
void log_read_close(struct log_reader *reader);

struct log_read_query {
    const uint8_t *trace_id;   /* NULL: whatever happened between start and end */
    uint64_t start_ns, end_ns; /* [start, end); without a trace id */
    uint32_t service;          /* NAMES_OTHER: any */
    uint32_t severity;         /* the least; 0: any */
    size_t limit;
};

/* Appends records to `logs`, with service and scope names looked up: of a trace in the order of
 * time, else the newest first. *truncated: there may be more. STATUS_IO, STATUS_TOO_LARGE (the
 * set's bounds; what fits is there). */
MUST_CHECK enum status log_read_run(struct log_reader *reader, struct names *names,
                                    const struct log_read_query *query, struct logs *logs,
                                    bool *truncated);

#endif
