#include "trace/context_handover.h"

#include <string.h>

#include "trace/trace.h"

static void take_span(struct context_handover *out, const struct span *span)
{
    out->span = (struct span_context){.flags = 0};
    if (span == NULL)
        return;
    out->span = span_context_of(span);
    struct text list = out->span.trace_state;
    if (list.length > sizeof out->trace_state)
        list.length = 0;
    if (list.length > 0)
        memcpy(out->trace_state, list.data, list.length);
    out->span.trace_state = (struct text){out->trace_state, list.length};
}

void context_handover_take(struct context_handover *out)
{
    struct context current = context_current();
    take_span(out, current.span);
    out->baggage.length_bytes = current.baggage ? current.baggage->length_bytes : 0;
    if (out->baggage.length_bytes > 0)
        memcpy(out->baggage.text, current.baggage->text, out->baggage.length_bytes);
}

struct context_handover_scope context_handover_attach(const struct context_handover *handover)
{
    bool has_span = span_context_is_valid(&handover->span);
    bool has_baggage = handover->baggage.length_bytes > 0;
    struct context_handover_scope scope = {.span = has_span ? span_wrap(&handover->span) : NULL};
    scope.before =
        context_attach((struct context){scope.span, has_baggage ? &handover->baggage : NULL});
    return scope;
}

void context_handover_detach(struct context_handover_scope *scope)
{
    context_attach(scope->before);
    if (scope->span != NULL)
        span_end(scope->span);
    scope->span = NULL;
}
