/* Thresholds in a file of their own, {"schema": "culprit.thresholds/1", "thresholds": {...}}, which
 * is for traces alone. One thread. */
#ifndef CULPRIT_LOADGEN_THRESHOLD_THRESHOLD_FILE_H
#define CULPRIT_LOADGEN_THRESHOLD_THRESHOLD_FILE_H

#include "base/text.h"
#include "loadgen/threshold/threshold.h"

/* STATUS_INVALID with "file:line: words", also where one is about load; STATUS_NOT_FOUND, STATUS_IO
 * besides. */
MUST_CHECK enum status threshold_file_read(struct thresholds *thresholds, const char *path,
                                           struct error *error);

/* The same of text that is there already; `file` is what errors call it. */
MUST_CHECK enum status threshold_file_parse(struct thresholds *thresholds, struct text json,
                                            const char *file, struct error *error);

#endif
