/* The "arrivals" of a load plan and of a scenario: {"spacing": "poisson", "stages": [...]}. */
#ifndef CULPRIT_LOADGEN_LOAD_SCHEDULE_READ_H
#define CULPRIT_LOADGEN_LOAD_SCHEDULE_READ_H

#include "loadgen/base/fields.h"
#include "loadgen/load/schedule.h"

/* A field reader: `into` is a schedule_plan, which is checked when it is read. */
enum status schedule_read(struct fields *fields, void *into);

#endif
