/* Asks a Jaeger query API (v3, and the legacy one where that is all there is) for the traces of a
 * service in a range of time. */
#ifndef CULPRIT_LOADGEN_WINDOW_TRACE_SEARCH_H
#define CULPRIT_LOADGEN_WINDOW_TRACE_SEARCH_H

#include <stdint.h>

#include "base/status.h"
#include "loadgen/base/fetch.h"
#include "otlp/spans.h"

struct trace_search {
    const char *service;
    uint64_t start_wall_ns, end_wall_ns;
    unsigned trace_limit;
};

/* Appends the spans of all traces found to an initialised set; nothing found is STATUS_OK.
 * STATUS_UNSUPPORTED: an answer that is none of Jaeger's; STATUS_INVALID: not to be parsed; others
 * as fetch_do's. */
MUST_CHECK enum status trace_search_v3(struct fetch *fetch, const struct trace_search *search,
                                       uint64_t deadline_ns, struct spans *spans,
                                       struct error *error);
MUST_CHECK enum status trace_search_legacy(struct fetch *fetch, const struct trace_search *search,
                                           uint64_t deadline_ns, struct spans *spans,
                                           struct error *error);

#endif
