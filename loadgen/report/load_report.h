/* What a load run came to: a table for people, and JSON (culprit.load-report/1,
 * scenarios/schema/load-report.schema.json) for programs. */
#ifndef CULPRIT_LOADGEN_REPORT_LOAD_REPORT_H
#define CULPRIT_LOADGEN_REPORT_LOAD_REPORT_H

#include <stdio.h>

#include "base/json_writer.h"
#include "loadgen/load/load_plan.h"
#include "loadgen/load/load_run.h"

void load_report_print(const struct load_plan *plan, const struct load_result *result, FILE *out);
void load_report_json(const struct load_plan *plan, const struct load_result *result,
                      struct json_writer *writer);

#endif
