/* The one thread that takes settled traces and log records out of memory and puts them into the
 * store, in transactions of some thousand spans or some milliseconds. What cannot be stored is
 * counted. */
#ifndef CULPRIT_COLLECTOR_WRITER_H
#define CULPRIT_COLLECTOR_WRITER_H

#include "services/collector/counters.h"
#include "services/collector/log_inbox.h"
#include "services/collector/open_traces.h"
#include "services/collector/store.h"

struct writer;

/* All of it is borrowed. */
struct writer_config {
    struct open_traces *open;
    struct log_inbox *inbox;
    struct store *store;
    struct counters *counters;
};
MUST_CHECK enum status writer_new(struct writer **out, const struct writer_config *config);

/* Writes everything that is still open, ends the thread and frees it. NULL is fine. */
void writer_stop(struct writer *writer);

#endif
