/* Spans for tests of the diagnosis: a trace is built call by call, in microseconds after a base. */
#ifndef CULPRIT_TESTS_UNIT_SPAN_BUILDER_H
#define CULPRIT_TESTS_UNIT_SPAN_BUILDER_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "otlp/spans.h"

enum { BUILDER_ATTRIBUTES_MAX = 12, BUILDER_RESOURCES_MAX = 64 };

#define BUILDER_BASE_NS 1700000000000000000ull

struct builder {
    struct spans spans;
    uint64_t trace; /* of the spans to come */
    uint64_t last_id;
    struct otlp_resource resources[BUILDER_RESOURCES_MAX];
    size_t resource_count;
    struct otlp_scope scope;
};

static inline void builder_init(struct builder *builder)
{
    *builder = (struct builder){.trace = 1};
    spans_init(&builder->spans, 4000000, (size_t)2 << 30);
}

static inline void builder_release(struct builder *builder)
{
    spans_release(&builder->spans);
}

static inline void builder_id(uint8_t *out, size_t size, uint64_t value)
{
    memset(out, 0, size);
    for (size_t i = 0; i < 8; i++)
        out[size - 1 - i] = (uint8_t)(value >> (8 * i));
}

static inline struct text builder_text(struct builder *builder, const char *words)
{
    return spans_intern(&builder->spans, text_of(words));
}

/* "service" or "service@host". */
static inline const struct otlp_resource *builder_resource(struct builder *builder,
                                                           const char *service)
{
    struct text rest = text_of(service);
    const struct text name = spans_intern(&builder->spans, text_split(&rest, '@'));
    const struct text host = rest.data ? spans_intern(&builder->spans, rest) : (struct text){0};
    for (size_t i = 0; i < builder->resource_count; i++) {
        const struct otlp_resource *known = &builder->resources[i];
        if (text_equal(known->service, name) &&
            text_equal(otlp_find_text(&known->attributes, "host.name"), host))
            return known;
    }
    assert(builder->resource_count < BUILDER_RESOURCES_MAX);
    struct otlp_resource *resource = &builder->resources[builder->resource_count++];
    resource->service = name;
    if (host.length > 0) {
        struct otlp_attribute *item = arena_alloc(&builder->spans.arena, sizeof(*item));
        *item = (struct otlp_attribute){builder_text(builder, "host.name"),
                                        {.type = OTLP_TEXT, .text = host}};
        resource->attributes = (struct otlp_attributes){item, 1, 0};
    }
    return resource;
}

/* Appends a span and returns its id; parent 0 is a root. The pointer builder_last() is good until
 * the next span. */
static inline uint64_t builder_span_ns(struct builder *builder, uint64_t parent, uint64_t start_ns,
                                       uint64_t end_ns)
{
    struct otlp_span span = {.kind = OTLP_KIND_INTERNAL,
                             .flags = 1,
                             .start_ns = start_ns,
                             .end_ns = end_ns,
                             .name = builder_text(builder, "work"),
                             .resource = builder_resource(builder, "shop"),
                             .scope = &builder->scope};
    builder_id(span.trace_id, 16, builder->trace);
    builder_id(span.span_id, 8, ++builder->last_id);
    builder_id(span.parent_id, 8, parent);
    span.attributes.items = arena_alloc_array(&builder->spans.arena, BUILDER_ATTRIBUTES_MAX,
                                              sizeof(struct otlp_attribute));
    if (!span.attributes.items || spans_add(&builder->spans, &span) != STATUS_OK)
        abort();
    return builder->last_id;
}

static inline struct otlp_span *builder_last(struct builder *builder)
{
    return &builder->spans.items[builder->spans.count - 1];
}

static inline void builder_attribute(struct builder *builder, const char *key, const char *value)
{
    struct otlp_attributes *attributes = &builder_last(builder)->attributes;
    struct otlp_attribute *items = (struct otlp_attribute *)(uintptr_t)attributes->items;
    if (attributes->count >= BUILDER_ATTRIBUTES_MAX)
        abort();
    items[attributes->count++] = (struct otlp_attribute){
        builder_text(builder, key), {.type = OTLP_TEXT, .text = builder_text(builder, value)}};
}

/* What most spans need, in one line. */
static inline uint64_t builder_call(struct builder *builder, uint64_t parent, const char *service,
                                    enum otlp_kind kind, const char *name, double start_us,
                                    double end_us)
{
    const uint64_t id =
        builder_span_ns(builder, parent, BUILDER_BASE_NS + (uint64_t)(start_us * 1000),
                        BUILDER_BASE_NS + (uint64_t)(end_us * 1000));
    struct otlp_span *span = builder_last(builder);
    span->kind = (uint8_t)kind;
    span->name = builder_text(builder, name);
    span->resource = builder_resource(builder, service);
    return id;
}

/* The same spans in another order. */
static inline void builder_shuffle(struct builder *builder, uint64_t seed)
{
    struct rng rng;
    rng_seed(&rng, seed);
    for (size_t i = builder->spans.count; i > 1; i--) {
        const size_t j = (size_t)rng_below(&rng, i);
        const struct otlp_span swapped = builder->spans.items[i - 1];
        builder->spans.items[i - 1] = builder->spans.items[j];
        builder->spans.items[j] = swapped;
    }
}

#endif
