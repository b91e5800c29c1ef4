#include "trace/propagation.h"

#include <stdatomic.h>

#include "trace/trace.h"

/* Rows never go away, so readers need no lock. Acquire: a row of the program's own is whole. */
static _Atomic(const struct propagator *) used[PROPAGATORS_MAX];

static const struct propagator *used_at(size_t i)
{
    return i < PROPAGATORS_MAX ? atomic_load_explicit(&used[i], memory_order_acquire) : NULL;
}

void propagation_use(const struct propagator *const list[PROPAGATORS_MAX])
{
    const struct propagator *chosen[PROPAGATORS_MAX] = {NULL};
    for (size_t i = 0; i < PROPAGATORS_MAX && list[i] != NULL; i++)
        propagator_list_add(chosen, list[i]);
    for (size_t i = 0; i < PROPAGATORS_MAX; i++)
        atomic_store_explicit(&used[i], chosen[i], memory_order_release);
}

void propagation_used(const struct propagator *out[PROPAGATORS_MAX])
{
    for (size_t i = 0; i < PROPAGATORS_MAX; i++)
        out[i] = used_at(i);
}

static void clear(struct remote_context *out)
{
    out->span = (struct span_context){.flags = 0};
    out->trace_state[0] = '\0';
    out->baggage.length_bytes = 0;
}

void propagation_extract(const struct carrier_source *source, struct remote_context *out)
{
    const struct propagator *row;
    clear(out);
    for (size_t i = 0; (row = used_at(i)) != NULL; i++)
        row->extract(source, out);
}

void propagation_inject(const struct span_context *span, const struct baggage *baggage,
                        const struct carrier_sink *sink)
{
    const struct propagator *row;
    for (size_t i = 0; (row = used_at(i)) != NULL; i++)
        row->inject(span, baggage, sink);
}

void propagation_inject_current(const struct carrier_sink *sink)
{
    struct context current = context_current();
    struct span_context span = {.flags = 0};
    if (current.span != NULL)
        span = span_context_of(current.span);
    propagation_inject(&span, current.baggage, sink);
}

static bool is_named(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (text_equal_ignore_case(text_of(names[i]), text_of(name)))
            return true;
    return false;
}

size_t propagation_fields(const char *out[PROPAGATION_FIELDS_MAX])
{
    const struct propagator *row;
    size_t count = 0;
    for (size_t i = 0; (row = used_at(i)) != NULL; i++)
        for (const char *const *name = row->fields; *name != NULL; name++)
            if (count < PROPAGATION_FIELDS_MAX && !is_named(out, count, *name))
                out[count++] = *name;
    return count;
}
