/* The order in which writers put spans out: by resource, then by scope, both as they first appear,
 * then as they stand in the set. Pure but for its memory. */
#ifndef CULPRIT_OTLP_GROUPING_H
#define CULPRIT_OTLP_GROUPING_H

#include "otlp/spans.h"

struct grouping_item {
    const struct otlp_span *span;
    uint32_t resource_rank, scope_rank;
};

/* NULL: no memory (also for no spans: look at `count` first). free() it. */
struct grouping_item *grouping_new(const struct spans *spans, size_t first, size_t count);

/* How many items from `begin` on share resource, and with `scope_too` also scope, with it. */
size_t grouping_run(const struct grouping_item *items, size_t begin, size_t end, bool scope_too);

#endif
