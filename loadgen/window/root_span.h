/* The CLIENT span that is the root of a request's trace, by the semantic conventions of HTTP. Never
 * made current: the engine has many requests under way on one thread. */
#ifndef CULPRIT_LOADGEN_WINDOW_ROOT_SPAN_H
#define CULPRIT_LOADGEN_WINDOW_ROOT_SPAN_H

#include <stdbool.h>
#include <stdint.h>

#include "loadgen/engine/origin.h"
#include "loadgen/window/flow.h"
#include "trace/propagation.h"
#include "trace/trace.h"

struct root_span {
    struct span *span; /* NULL: not begun, or ended */
    uint64_t start_mono_ns, start_wall_ns, end_wall_ns;
    struct trace_id trace_id; /* all zero while tracing is off */
    bool sampled;
};

enum { ROOT_SPAN_HEADERS_MAX = 512 };

/* Starts this process's tracing: the generator is a traced program, and its root spans go where
 * everybody's go, to `otlp` ("http://127.0.0.1:4318"). Statuses of tracing_start. */
MUST_CHECK enum status root_span_tracing(const char *otlp, struct error *error);

/* Starts the span of the flow's step now. `headers` gets what to send with the request, whole lines
 * as the propagators write them: "" while tracing is off. */
void root_span_begin(struct root_span *root, const struct flow *flow,
                     const struct flow_shape *shape, const struct origin *origin,
                     char headers[ROOT_SPAN_HEADERS_MAX]);

/* Ends it at `done_ns` of the monotonic clock. Nothing where none was begun. */
void root_span_end(struct root_span *root, enum load_outcome outcome, unsigned http_status,
                   uint64_t done_ns);

#endif
