/* What is made of a report's JSON: a page, a summary, percentiles. From the JSON alone, so that
 * `culprit load`, `culprit run` and, later and elsewhere, `culprit report` make the same. */
#ifndef CULPRIT_LOADGEN_REPORT_LOAD_OUTPUTS_H
#define CULPRIT_LOADGEN_REPORT_LOAD_OUTPUTS_H

#include <stdbool.h>

#include "base/status.h"
#include "base/text.h"
#include "loadgen/base/command.h"

/* Paths; NULL: not wanted. "-" is standard output. */
struct load_outputs {
    const char *json; /* the report itself */
    const char *html, *markdown, *hgrm;
    const char *step;   /* of the percentiles; NULL: all together */
    const char *window; /* of an experiment's report; NULL: the last */
};

/* Something beside the JSON. */
bool load_outputs_any(const struct load_outputs *outputs);

/* Before the run: reserves standard output where one of them is "-", and finds out whether the
 * files can be written, as far as it can be told. STATUS_INVALID, STATUS_NOT_FOUND, STATUS_IO, with
 * words. */
MUST_CHECK enum status load_outputs_prepare(const struct load_outputs *outputs,
                                            struct error *error);

/* `file` is what errors call the report. STATUS_INVALID (no such report, step or window),
 * STATUS_TOO_LARGE, STATUS_NO_MEMORY, STATUS_IO, with words. */
MUST_CHECK enum status load_outputs_write(const struct load_outputs *outputs, struct text json,
                                          const char *file, struct error *error);

/* The same of the report that `write` makes of `what`, and the report. */
MUST_CHECK enum status load_outputs_make(const struct load_outputs *outputs, command_json *write,
                                         const void *what, struct error *error);

#endif
