/* The formats in which context can leave and come in: a row each, named as OTEL_PROPAGATORS names
 * them. A program may have rows of its own (static storage). propagation.h uses those that were
 * chosen. Never allocates; callable from any thread. */
#ifndef CULPRIT_TRACE_PROPAGATOR_H
#define CULPRIT_TRACE_PROPAGATOR_H

#include "trace/carrier.h"
#include "trace/context.h"

struct propagator {
    const char *name;
    const char *const *fields; /* what inject may set; NULL ends them */

    /* Writes what there is to send, serialised from validated parts; `span` and `baggage` may be
     * NULL or empty. */
    void (*inject)(const struct span_context *span, const struct baggage *baggage,
                   const struct carrier_sink *sink);

    /* Replaces what it finds valid, and leaves *into as it is where there is nothing valid. */
    void (*extract)(const struct carrier_source *source, struct remote_context *into);
};

/* tracecontext, baggage, b3, b3multi, none. */
extern const struct propagator propagator_rows[];
extern const size_t propagator_row_count;

/* Without regard to case; NULL: there is none of that name. */
const struct propagator *propagator_find(struct text name);

/* A list of them in their order, ended by NULL where it is not full. */
enum { PROPAGATORS_MAX = 8 };

/* Puts the row last; one that is there already, or has no room, changes nothing. */
void propagator_list_add(const struct propagator *list[PROPAGATORS_MAX],
                         const struct propagator *row);

#endif
