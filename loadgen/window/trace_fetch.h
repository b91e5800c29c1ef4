/* One trace from a back end's query API, by its id. Blocking, 3 s at most. */
#ifndef CULPRIT_LOADGEN_WINDOW_TRACE_FETCH_H
#define CULPRIT_LOADGEN_WINDOW_TRACE_FETCH_H

#include <stdint.h>

#include "base/status.h"
#include "loadgen/base/fetch.h"
#include "otlp/spans.h"

/* Empties `spans` (a valid set, or {0}) and fills it with what there is, up to 20,000 spans and
 * 128 MiB; none where the back end does not know the trace. STATUS_IO (another answer), those of
 * fetch_do and of span_file_parse, with words. */
MUST_CHECK enum status trace_fetch(struct fetch *fetch, const uint8_t trace_id[16],
                                   struct spans *spans, struct error *error);

#endif
