/* The thresholds of a load plan's file. They name steps, which may come later in the file. One
 * thread. */
#ifndef CULPRIT_LOADGEN_LOAD_LOAD_THRESHOLD_READ_H
#define CULPRIT_LOADGEN_LOAD_LOAD_THRESHOLD_READ_H

#include "loadgen/load/load_step_read.h"

/* A field reader: `fields` is the first member of a load_step_reader, `into` the plan. */
enum status load_threshold_read(struct fields *fields, void *into);

/* Field reader of a metric's word; `into` is an enum load_metric. */
enum status load_threshold_read_metric(struct fields *fields, void *into);

/* When all is read: finds the steps. STATUS_INVALID with file, line and words. */
MUST_CHECK enum status load_threshold_read_settle(struct load_step_reader *reader);

#endif
