/* Database client spans for sqlite3 statements, with the stable database semantic conventions and
 * the physical evidence that sqlite keeps: rows visited by full scans, sorts, automatic indexes,
 * virtual machine steps, as differences over this execution. */
#ifndef CULPRIT_TRACE_ADAPTERS_SQLITE_H
#define CULPRIT_TRACE_ADAPTERS_SQLITE_H

#include <sqlite3.h>

#include "trace/trace.h"

struct trace_sqlite_execution {
    struct span *span;
    sqlite3_stmt *statement;
    int64_t before[4]; /* the counters at the start */
};

/* Starts a CLIENT span named by `summary` ("SELECT stock": operation and table), child of the
 * thread's current one. `database` is db.namespace; db.query.text is the statement's own text
 * (parameters stay `?`), db.operation.name and db.collection.name come from the summary. */
void trace_sqlite_begin(struct trace_sqlite_execution *execution, sqlite3_stmt *statement,
                        const char *database, const char *summary);

/* Before the end: how often the busy handler waited for another connection's lock, and how long in
 * all. Sets sqlite.busy_waits and sqlite.busy_wait_us; nothing where there was none. */
void trace_sqlite_busy(const struct trace_sqlite_execution *execution, uint64_t count,
                       uint64_t wait_ns);

/* Call after the last step and before sqlite3_reset. `result` is the last step's code: other than
 * SQLITE_ROW, SQLITE_DONE and SQLITE_OK it gives status Error, error.type and
 * db.response.status_code. `rows` is db.response.returned_rows; negative: not set. Sets
 * sqlite.fullscan_steps, sqlite.sorts, sqlite.autoindex_rows and sqlite.vm_steps. */
void trace_sqlite_end(struct trace_sqlite_execution *execution, int result, int64_t rows);

#endif
