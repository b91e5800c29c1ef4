/* Reads back what load_steps_json wrote, strictly: what does not add up is an error with file, line
 * and key. Keys that a later version added are passed over. Allocates what the part holds. */
#ifndef CULPRIT_LOADGEN_REPORT_LOAD_STEPS_READ_H
#define CULPRIT_LOADGEN_REPORT_LOAD_STEPS_READ_H

#include "base/status.h"
#include "loadgen/base/fields.h"
#include "loadgen/report/load_document.h"

/* A field_reader of the array "steps" into a struct load_part. STATUS_INVALID, STATUS_NO_MEMORY;
 * the part is to be released in any case. */
MUST_CHECK enum status load_steps_read(struct fields *fields, void *part);
void load_steps_read_release(struct load_part *part);

/* Text of less than LOAD_DOCUMENT_TEXT_MAX bytes, which may be empty. */
MUST_CHECK enum status load_steps_read_name(struct fields *fields, void *text);
MUST_CHECK enum status load_steps_read_seconds(struct fields *fields, void *seconds);

#endif
