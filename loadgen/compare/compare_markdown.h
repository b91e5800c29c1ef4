/* A comparison as Markdown, for the summary of a CI job. What reports call their steps ends no cell
 * and begins no markup. */
#ifndef CULPRIT_LOADGEN_COMPARE_COMPARE_MARKDOWN_H
#define CULPRIT_LOADGEN_COMPARE_COMPARE_MARKDOWN_H

#include "base/buffer.h"
#include "loadgen/compare/compare_report.h"

/* Failure is the buffer's sticky one. */
void compare_markdown_write(const struct compare_report *report, struct buffer *out);

#endif
