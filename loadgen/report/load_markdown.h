/* A report as a short summary in Markdown, for $GITHUB_STEP_SUMMARY and pull requests. Names out of
 * the report are text: what Markdown or HTML would make something of is escaped. */
#ifndef CULPRIT_LOADGEN_REPORT_LOAD_MARKDOWN_H
#define CULPRIT_LOADGEN_REPORT_LOAD_MARKDOWN_H

#include "base/buffer.h"
#include "loadgen/report/load_document.h"

void load_markdown_write(const struct load_document *document, struct buffer *out);

/* Appends `value` so that a table's cell shows it as it is, on one line. */
void load_markdown_text(struct buffer *out, const char *value);

#endif
