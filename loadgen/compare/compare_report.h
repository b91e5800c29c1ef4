/* What a comparison came to: a table with sentences for people, and JSON (culprit.compare-report/1,
 * scenarios/schema/compare-report.schema.json) for programs. */
#ifndef CULPRIT_LOADGEN_COMPARE_COMPARE_REPORT_H
#define CULPRIT_LOADGEN_COMPARE_COMPARE_REPORT_H

#include <stdio.h>

#include "base/json_writer.h"
#include "loadgen/compare/compare.h"

/* Parts of one name, compared. */
struct compare_part {
    const char *name; /* "" of a load run */
    struct compare_result result;
};

struct compare_report {
    const char *files[2][COMPARE_REPORTS_MAX];
    size_t file_counts[2];
    struct compare_settings settings;
    struct compare_part *parts; /* LOAD_DOCUMENT_PARTS_MAX at most */
    size_t part_count;
    enum verdict verdict;
    char why[512]; /* of VERDICT_INCONCLUSIVE, where it is not the parts' */
};

void compare_report_print(const struct compare_report *report, FILE *out);
void compare_report_json(const void *report, struct json_writer *writer); /* a command_json */

#endif
