/* The resources and scopes of a set, each once, whoever brings them: so that equal ones are one
 * pointer, and spans of one origin can be written together. */
#ifndef CULPRIT_OTLP_SPANS_ORIGIN_H
#define CULPRIT_OTLP_SPANS_ORIGIN_H

#include "otlp/spans.h"

/* The set's one resource or scope of this content, copied in when it is new. NULL: does not fit. */
const struct otlp_resource *spans_origin_resource(struct spans *spans,
                                                  const struct otlp_attributes *attributes);
const struct otlp_scope *spans_origin_scope(struct spans *spans, struct text name,
                                            struct text version);

/* The resource that was read from exactly these bytes earlier, or NULL: saves reading it again. */
const struct otlp_resource *spans_origin_recall(struct spans *spans, struct text wire);
/* Remembers it; nothing happens when that does not fit. */
void spans_origin_remember(struct spans *spans, struct text wire,
                           const struct otlp_resource *resource);

#endif
