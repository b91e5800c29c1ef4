/* Short forms for lists: a trace in a few figures, the calls between services. Pure. */
#ifndef CULPRIT_COLLECTOR_SUMMARY_H
#define CULPRIT_COLLECTOR_SUMMARY_H

#include "base/json_writer.h"
#include "otlp/spans.h"
#include "services/collector/catalogue.h"

/* One trace as Jaeger's page lists it; the spans [first, first + count) are of one trace. */
void summary_write(const struct spans *spans, size_t first, size_t count,
                   struct json_writer *writer);

/* {"parent","child","callCount"} for each edge, into the array that is open; those of one service
 * alone unless `of` is empty. Counts are numbers in one API and text in the other: `count` is
 * json_u64 or json_u64_string. */
void summary_write_edges(const struct catalogue *edges, struct text of,
                         void (*count)(struct json_writer *, uint64_t), struct json_writer *writer);

#endif
