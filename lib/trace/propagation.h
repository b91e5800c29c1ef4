/* W3C Trace Context (level 2) and W3C Baggage, in and out.
 *
 * Extraction never fails hard: what is not valid is as if it were absent, by the specification's
 * rules. What leaves is serialised anew from validated parts, so that no byte of a header from
 * outside is passed on unseen. Never allocates; callable from any thread. */
#ifndef CULPRIT_TRACE_PROPAGATION_H
#define CULPRIT_TRACE_PROPAGATION_H

#include "trace/context.h"

enum { TRACEPARENT_LENGTH = 55 };

/* Headers of one request. `visit` calls `take` once for each header line whose name equals `name`
 * without regard to case, in order. */
struct header_source {
    void *carrier;
    void (*visit)(void *carrier, const char *name, void (*take)(void *into, struct text value),
                  void *into);
};

/* Leaves *out empty where nothing valid came. Duplicated or malformed traceparent: no parent, and
 * tracestate is dropped with it. Baggage is independent of both. */
void propagation_extract(const struct header_source *source, struct remote_context *out);

/* The same for one traceparent, tracestate and baggage text (queue rows); each may be empty. */
void propagation_extract_texts(struct text traceparent, struct text trace_state,
                               struct text baggage, struct remote_context *out);

/* Ready-made header values of a context; empty where there is nothing to send. */
struct propagation_headers {
    char traceparent[TRACEPARENT_LENGTH + 1];
    char trace_state[TRACE_STATE_MAX + 1];
    const char *baggage; /* NUL-terminated in `baggage_text`, or NULL */
    char baggage_text[BAGGAGE_MAX + 1];
};

/* From the span (may be NULL: nothing but baggage) and the baggage (may be NULL). */
void propagation_inject(const struct span_context *span, const struct baggage *baggage,
                        struct propagation_headers *out);

/* Formats a traceparent alone: 55 characters and a NUL. */
void propagation_traceparent(const struct span_context *span, char out[TRACEPARENT_LENGTH + 1]);

#endif
