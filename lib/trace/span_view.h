/* A span that has ended, as processors see it. Pure; never allocates. */
#ifndef CULPRIT_TRACE_SPAN_VIEW_H
#define CULPRIT_TRACE_SPAN_VIEW_H

#include "trace/trace.h"

/* All of it borrowed for the call. `otlp` is its Span message, without gaps:
 * fields in any order. */
struct span_view {
    const struct tracer *tracer;
    struct span_context context;
    struct span_id parent_id; /* all zero: a root */
    bool parent_is_remote;
    enum span_kind kind;
    enum span_status status;
    uint64_t start_wall_ns, end_wall_ns;
    const uint8_t *otlp;
    size_t otlp_bytes;
};

/* The name, and the value of an attribute, out of the view's message; borrowed from it. false:
 * there is none. Of an array or a map *value has the type and no items. */
struct text span_view_name(const struct span_view *view);
bool span_view_attribute(const struct span_view *view, struct text key, struct attribute *value);

#endif
