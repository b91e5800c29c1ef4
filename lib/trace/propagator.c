#include "trace/propagator.h"

#include "trace/b3.h"
#include "trace/baggage_header.h"
#include "trace/tracecontext.h"

static const char *const no_fields[] = {NULL};

static void inject_nothing(const struct span_context *span, const struct baggage *baggage,
                           const struct carrier_sink *sink)
{
    (void)span, (void)baggage, (void)sink;
}

static void extract_nothing(const struct carrier_source *source, struct remote_context *into)
{
    (void)source, (void)into;
}

const struct propagator propagator_rows[] = {
    {"tracecontext", tracecontext_fields, tracecontext_inject, tracecontext_extract},
    {"baggage", baggage_header_fields, baggage_header_inject, baggage_header_extract},
    {"b3", b3_single_fields, b3_single_inject, b3_extract},
    {"b3multi", b3_multi_fields, b3_multi_inject, b3_extract},
    {"none", no_fields, inject_nothing, extract_nothing},
};

const size_t propagator_row_count = sizeof propagator_rows / sizeof propagator_rows[0];

const struct propagator *propagator_find(struct text name)
{
    for (size_t i = 0; i < propagator_row_count; i++)
        if (text_equal_ignore_case(name, text_of(propagator_rows[i].name)))
            return &propagator_rows[i];
    return NULL;
}

void propagator_list_add(const struct propagator *list[PROPAGATORS_MAX],
                         const struct propagator *row)
{
    size_t count = 0;
    while (count < PROPAGATORS_MAX && list[count] != NULL && list[count] != row)
        count++;
    if (count < PROPAGATORS_MAX)
        list[count] = row;
}
