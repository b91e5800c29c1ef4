/* The one thread that takes settled traces out of memory and puts them into the store, in
 * transactions of some thousand spans or some milliseconds. What cannot be stored is counted. */
#ifndef CULPRIT_COLLECTOR_WRITER_H
#define CULPRIT_COLLECTOR_WRITER_H

#include "services/collector/counters.h"
#include "services/collector/open_traces.h"
#include "services/collector/store.h"

struct writer;

/* All three are borrowed. */
MUST_CHECK enum status writer_new(struct writer **out, struct open_traces *open,
                                  struct store *store, struct counters *counters);

/* Writes everything that is still open, ends the thread and frees it. NULL is fine. */
void writer_stop(struct writer *writer);

#endif
