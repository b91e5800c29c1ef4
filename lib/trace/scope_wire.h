/* An instrumentation scope as it stands around its spans and its log records alike. Text that is
 * not UTF-8 gets '?' for each bad byte, and is cut after 256 bytes; attributes beyond 2 KiB are
 * counted as dropped. Pure; never allocates. */
#ifndef CULPRIT_TRACE_SCOPE_WIRE_H
#define CULPRIT_TRACE_SCOPE_WIRE_H

#include "base/wire.h"
#include "trace/trace.h"

enum {
    SCOPE_WIRE_TEXT_MAX = 256,
    SCOPE_WIRE_ATTRIBUTES_MAX = 2048,
    SCOPE_WIRE_MAX = 64 + 3 * SCOPE_WIRE_TEXT_MAX + SCOPE_WIRE_ATTRIBUTES_MAX,
};

/* What scope_wire_put writes at the most, up to SCOPE_WIRE_MAX. */
size_t scope_wire_size(const struct tracer *tracer);

/* Scope and schema URL, into a ScopeSpans or a ScopeLogs message. */
void scope_wire_put(struct wire_writer *writer, const struct tracer *tracer);

#endif
