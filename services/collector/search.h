/* Traces by what some span of theirs is: service, operation, time, duration, attributes. Looks
 * through open traces and stored ones, newest first, until enough are found or its time is up. */
#ifndef CULPRIT_COLLECTOR_SEARCH_H
#define CULPRIT_COLLECTOR_SEARCH_H

#include "services/collector/collector.h"
#include "services/collector/criteria.h"
#include "services/collector/traces.h"

enum { SEARCH_TIME_MS = 2000 };

/* A found trace: its spans within the set. */
struct search_found {
    size_t first, count;
};

/* Fills `spans` and appends a struct search_found for each trace, newest first. STATUS_TOO_LARGE:
 * the answer would be too large; STATUS_IO. */
MUST_CHECK enum status search_run(struct collector *collector, const struct criteria *search,
                                  struct spans *spans, struct buffer *found);

#endif
