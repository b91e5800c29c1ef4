/* What is made of a report's JSON: a page, a summary, percentiles. From the JSON alone, so that
 * `culprit load` and, later and elsewhere, `culprit report` make the same. */
#ifndef CULPRIT_LOADGEN_REPORT_LOAD_OUTPUTS_H
#define CULPRIT_LOADGEN_REPORT_LOAD_OUTPUTS_H

#include <stdbool.h>

#include "base/status.h"
#include "base/text.h"

/* Paths; NULL: not wanted. "-" is standard output. */
struct load_outputs {
    const char *html, *markdown, *hgrm;
    const char *step;   /* of the percentiles; NULL: all together */
    const char *window; /* of an experiment's report; NULL: the last */
};

bool load_outputs_any(const struct load_outputs *outputs);

/* `file` is what errors call the report. STATUS_INVALID (no such report, step or window),
 * STATUS_TOO_LARGE, STATUS_NO_MEMORY, STATUS_IO, with words. */
MUST_CHECK enum status load_outputs_write(const struct load_outputs *outputs, struct text json,
                                          const char *file, struct error *error);

#endif
