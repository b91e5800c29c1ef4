/* A report as one HTML page that needs nothing beside itself: style, program (loadgen/report/web/)
 * and the report's JSON are in it, and its policy lets it load nothing. */
#ifndef CULPRIT_LOADGEN_REPORT_LOAD_PAGE_H
#define CULPRIT_LOADGEN_REPORT_LOAD_PAGE_H

#include "base/buffer.h"
#include "base/text.h"

/* `json` is a report that was read (loadgen/report/load_document.h). Whatever its texts say, it
 * cannot end the element that it stands in. A failure is the buffer's. */
void load_page_write(struct text json, struct buffer *out);

#endif
