/* Log records in the store: a row each, found by trace and by time. They go with their trace when
 * that is evicted, and on their own, oldest first, where they take more than their share. Of the
 * resource the service's name alone is kept: the rest stands with the span. The writer's thread
 * only. */
#ifndef CULPRIT_COLLECTOR_LOG_ROWS_H
#define CULPRIT_COLLECTOR_LOG_ROWS_H

#include "otlp/logs.h"
#include "services/collector/names.h"

struct log_rows {
    sqlite3 *db;
    sqlite3_stmt *add, *oldest, *delete_one, *size_of_trace, *delete_trace, *total;
    uint64_t max_bytes;
    uint64_t count, bytes; /* in the store, this transaction included */
    struct buffer body;
};

extern const char log_rows_schema[];

/* `max_bytes`: what records may take, by a count of their own that is about right. */
MUST_CHECK enum status log_rows_prepare(struct log_rows *rows, sqlite3 *db, uint64_t max_bytes,
                                        struct error *error);
void log_rows_release(struct log_rows *rows);

/* STATUS_TOO_LARGE: a record over 1 MiB, nothing is written. STATUS_IO, STATUS_NO_MEMORY. */
MUST_CHECK enum status log_rows_add(struct log_rows *rows, struct names *names,
                                    const struct otlp_log *log);

/* Deletes the records of a trace; adds to *evicted. */
MUST_CHECK enum status log_rows_delete_trace(struct log_rows *rows, struct text trace_id,
                                             uint64_t *evicted);

/* Deletes oldest records while there are too many, at most for a few milliseconds' work. */
MUST_CHECK enum status log_rows_retain(struct log_rows *rows, uint64_t *evicted);

/* After a rollback: counts anew. */
void log_rows_recount(struct log_rows *rows);

#endif
