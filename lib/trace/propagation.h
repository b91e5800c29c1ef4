/* Context in and out of carriers, by the propagators that were chosen at start: in code or by
 * OTEL_PROPAGATORS (tracing_config.h), in their order; none before that. They stay when tracing is
 * disabled or has been shut down.
 *
 * Extraction never fails hard: what is not valid is as if it were absent. What leaves is serialised
 * anew from validated parts, so that no byte of a header from outside is passed on unseen. Never
 * allocates; callable from any thread. */
#ifndef CULPRIT_TRACE_PROPAGATION_H
#define CULPRIT_TRACE_PROPAGATION_H

#include "trace/propagator.h"

enum { PROPAGATION_FIELDS_MAX = 64 };

/* Chooses the propagators; NULL ends the list, of a row that comes twice the first stays.
 * tracing_start does it with those of its configuration. Who injects or extracts meanwhile may use
 * some of the old ones and some of the new. */
void propagation_use(const struct propagator *const list[PROPAGATORS_MAX]);

/* Those in use, ended by NULL where they are fewer. */
void propagation_used(const struct propagator *out[PROPAGATORS_MAX]);

/* Makes *out empty, then lets each propagator put in what it finds valid; a later one wins. */
void propagation_extract(const struct carrier_source *source, struct remote_context *out);

/* From the span (may be NULL) and the baggage (may be NULL). */
void propagation_inject(const struct span_context *span, const struct baggage *baggage,
                        const struct carrier_sink *sink);

/* What is current on this thread. */
void propagation_inject_current(const struct carrier_sink *sink);

/* The fields that injection may set, each name once: those to remove from a carrier that is used
 * again. Returns their number. */
size_t propagation_fields(const char *out[PROPAGATION_FIELDS_MAX]);

#endif
