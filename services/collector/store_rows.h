/* The store's tables and the statements that write them: a trace's row, its rows by service, counts
 * of calls by minute, and eviction. The writer's thread only. */
#ifndef CULPRIT_COLLECTOR_STORE_ROWS_H
#define CULPRIT_COLLECTOR_STORE_ROWS_H

#include "services/collector/body.h"
#include "services/collector/digest.h"
#include "services/collector/log_rows.h"
#include "services/collector/names.h"

enum { STORE_ROWS_EDGES_MAX = 256 };

struct store_edge {
    int64_t minute;
    uint32_t parent, child;
    uint64_t calls;
};

struct store_rows {
    sqlite3 *db;
    sqlite3_stmt *add_trace, *add_service, *add_edge;
    sqlite3_stmt *oldest, *delete_trace, *delete_service;
    sqlite3_stmt *page_count, *free_count, *page_size, *trace_count;
    struct store_edge edges[STORE_ROWS_EDGES_MAX]; /* summed up until the commit */
    size_t edge_count;
    int64_t traces_added; /* in this transaction; evicted ones off */
    struct buffer scratch;
};

struct store_trace {
    const struct open_trace *trace;
    const struct digest *digest;
    enum body_coding coding;
    struct text body;
};

extern const char store_rows_schema[];

MUST_CHECK enum status store_rows_prepare(struct store_rows *rows, sqlite3 *db,
                                          struct error *error);
void store_rows_release(struct store_rows *rows);

MUST_CHECK enum status store_rows_add(struct store_rows *rows, struct names *names,
                                      const struct store_trace *row);

/* Before the commit. */
MUST_CHECK enum status store_rows_write_edges(struct store_rows *rows);
/* After a rollback: what was summed up in memory goes too. */
void store_rows_forget(struct store_rows *rows);

struct store_evicted {
    uint64_t traces, spans, logs;
};
/* Deletes up to `count` of the oldest traces and their log records; adds to *evicted. */
MUST_CHECK enum status store_rows_evict(struct store_rows *rows, struct log_rows *logs, int count,
                                        struct store_evicted *evicted);

#endif
