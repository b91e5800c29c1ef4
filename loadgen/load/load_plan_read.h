/* Reads a load plan from JSON (culprit.load/1, scenarios/schema/load.schema.json). Blocks on files;
 * one thread. */
#ifndef CULPRIT_LOADGEN_LOAD_LOAD_PLAN_READ_H
#define CULPRIT_LOADGEN_LOAD_LOAD_PLAN_READ_H

#include "loadgen/load/load_plan.h"

/* Fills a plan that was initialised, whose seed and other defaults stay where the file says
 * nothing. Files of feeders are found beside `path`. STATUS_INVALID with "file:line: key "x":
 * words", STATUS_NOT_FOUND, STATUS_IO, STATUS_TOO_LARGE. The plan is to be released in any case. */
MUST_CHECK enum status load_plan_read(struct load_plan *plan, const char *path,
                                      struct error *error);
MUST_CHECK enum status load_plan_read_text(struct load_plan *plan, struct text json,
                                           const char *path, struct error *error);

#endif
