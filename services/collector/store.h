/* The traces on disk: one sqlite file in WAL mode. A trace is a row with its bytes as one blob (two
 * rows when spans came late), found by id, and by service and start; log records are rows of their
 * own. One thread writes; any may read (store_read.h, log_read.h). A process that is killed leaves
 * a file that opens again. */
#ifndef CULPRIT_COLLECTOR_STORE_H
#define CULPRIT_COLLECTOR_STORE_H

#include "services/collector/body.h"
#include "services/collector/digest.h"
#include "services/collector/names.h"
#include "services/collector/store_rows.h"

struct store;

struct store_config {
    const char *path;
    uint64_t max_bytes; /* of the file: oldest traces go first; a quarter is for log records */
    bool sync;          /* survive a power cut too, not only a crash */
    bool kept;          /* it must exist and be a store */
};

/* STATUS_IO with words. */
MUST_CHECK enum status store_open(struct store **out, const struct store_config *config,
                                  struct error *error);
/* Writes everything back into the one file. NULL is fine. */
void store_close(struct store *store);

struct names *store_names(struct store *store);
const char *store_path(const struct store *store);

/* ---- the writer's thread only */

MUST_CHECK enum status store_begin(struct store *store, struct error *error);
MUST_CHECK enum status store_commit(struct store *store, struct error *error);
/* Takes the transaction back; what was added since store_begin is not stored. */
void store_rollback(struct store *store);

/* `body` is the trace's TracesData. STATUS_IO, STATUS_NO_MEMORY. */
MUST_CHECK enum status store_add(struct store *store, const struct open_trace *trace,
                                 const struct digest *digest, struct text body);

/* The same for a log record; STATUS_TOO_LARGE: nothing is written. */
MUST_CHECK enum status store_add_log(struct store *store, const struct otlp_log *log);

/* Deletes what is oldest while the file is too large, at most for a few milliseconds' work. */
MUST_CHECK enum status store_retain(struct store *store, struct store_evicted *evicted);

/* ---- any thread */

struct store_stats {
    uint64_t traces, bytes, logs;
};
struct store_stats store_stats(const struct store *store);

#endif
