/* Deep copies from one set of spans into another, for this room; spans_copy itself is in spans.h.
 */
#ifndef CULPRIT_OTLP_SPANS_COPY_H
#define CULPRIT_OTLP_SPANS_COPY_H

#include "otlp/spans.h"

/* The items become copies that belong to `spans`; false: they do not fit. */
bool spans_copy_attributes(struct spans *spans, struct otlp_attributes *attributes);

#endif
