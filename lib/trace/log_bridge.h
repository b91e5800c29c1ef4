/* The lines of base/log.h as log records: message as the body, fields as typed attributes, ids and
 * level. Lines keep going to standard error as before. */
#ifndef CULPRIT_TRACE_LOG_BRIDGE_H
#define CULPRIT_TRACE_LOG_BRIDGE_H

#include "base/log.h"

/* From now on each line from `lowest` on is a record too, also one that is not written, while the
 * provider of log_provider.h is on. A line without ids takes those of the thread's current span.
 * Fields over 64 are left out. */
void log_bridge_start(enum log_level lowest);
void log_bridge_stop(void);

#endif
