/* How a load was driven, in a report: the member "arrivals" or "users" of the object that is open.
 * The forms are in scenarios/schema/load-report.schema.json. */
#ifndef CULPRIT_LOADGEN_REPORT_LOAD_DRIVE_JSON_H
#define CULPRIT_LOADGEN_REPORT_LOAD_DRIVE_JSON_H

#include "base/json_writer.h"
#include "loadgen/base/fields.h"
#include "loadgen/load/load_drive.h"

/* Nothing where it is not known. */
void load_drive_json(const struct load_drive *drive, struct json_writer *writer);

/* Field readers of the two: `into` is a struct load_drive. Of users, what an older report does not
 * say is 0. */
enum status load_drive_json_read_arrivals(struct fields *fields, void *into);
enum status load_drive_json_read_users(struct fields *fields, void *into);

#endif
