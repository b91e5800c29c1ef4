/* Random spans for tests: every field, all sorts of values, valid UTF-8, the same for a seed. */
#ifndef CULPRIT_TESTS_UNIT_SPANS_MAKE_H
#define CULPRIT_TESTS_UNIT_SPANS_MAKE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "otlp/spans.h"
#include "otlp/spans_origin.h"

static inline struct text spans_make_text(struct spans *spans, struct rng *rng)
{
    static const char *const words[] = {"",
                                        "GET /",
                                        "a \"b\" \\ \n",
                                        "\xc3\xa9t\xc3\xa9",
                                        "x",
                                        "\xf0\x9f\x98\x80",
                                        "</script>",
                                        "a much longer text that is not interned at all, for its "
                                        "length"};
    return spans_text(spans, text_of(words[rng_below(rng, sizeof(words) / sizeof(words[0]))]));
}

static inline struct otlp_attributes spans_make_attributes(struct spans *spans, struct rng *rng,
                                                           unsigned depth);

static inline struct otlp_value spans_make_value(struct spans *spans, struct rng *rng,
                                                 unsigned depth)
{
    struct otlp_value value = {.type = (enum otlp_value_type)rng_below(rng, depth < 4 ? 8 : 6)};
    switch (value.type) {
    case OTLP_TEXT:
        value.text = spans_make_text(spans, rng);
        break;
    case OTLP_BYTES:
        value.text = spans_text(spans, (struct text){"\0\xff\x01"
                                                     "abc",
                                                     rng_below(rng, 7)});
        break;
    case OTLP_BOOL:
        value.boolean = rng_below(rng, 2);
        break;
    case OTLP_I64:
        value.i64 = (int64_t)rng_next(rng);
        break;
    case OTLP_DOUBLE:
        value.number = (double)(int64_t)rng_next(rng) / 7.0;
        break;
    case OTLP_ARRAY:
    case OTLP_LIST: {
        const struct otlp_attributes items = spans_make_attributes(spans, rng, depth + 1);
        struct otlp_attribute *own = arena_alloc_array(&spans->arena, items.count, sizeof(*own));
        for (uint32_t i = 0; i < items.count; i++) {
            own[i] = items.items[i];
            if (value.type == OTLP_ARRAY)
                own[i].key = (struct text){"", 0};
        }
        value.items = own;
        value.item_count = items.count;
        break;
    }
    default:
        break;
    }
    return value;
}

static inline struct otlp_attributes spans_make_attributes(struct spans *spans, struct rng *rng,
                                                           unsigned depth)
{
    struct otlp_attributes out = {.count = (uint32_t)rng_below(rng, 5)};
    struct otlp_attribute *items = arena_alloc_array(&spans->arena, out.count, sizeof(*items));
    char key[32];
    for (uint32_t i = 0; i < out.count; i++) {
        snprintf(key, sizeof(key), "key.%u", (unsigned)rng_below(rng, 9));
        items[i].key = spans_intern(spans, text_of(key));
        items[i].value = spans_make_value(spans, rng, depth);
    }
    out.items = items;
    return out;
}

static inline void spans_make_id(struct rng *rng, uint8_t *id, size_t length)
{
    for (size_t i = 0; i < length; i++)
        id[i] = (uint8_t)(1 + rng_below(rng, 255));
}

static inline void spans_make_events(struct spans *spans, struct rng *rng, struct otlp_span *span)
{
    span->event_count = (uint32_t)rng_below(rng, 3);
    span->link_count = (uint32_t)rng_below(rng, 3);
    struct otlp_event *events =
        arena_alloc_array(&spans->arena, span->event_count, sizeof(*events));
    struct otlp_link *links = arena_alloc_array(&spans->arena, span->link_count, sizeof(*links));
    for (uint32_t i = 0; i < span->event_count; i++) {
        events[i].time_ns = rng_next(rng);
        events[i].name = spans_intern(spans, text_of("event"));
        events[i].attributes = spans_make_attributes(spans, rng, 0);
        events[i].attributes.dropped_count = (uint32_t)rng_below(rng, 2);
    }
    for (uint32_t i = 0; i < span->link_count; i++) {
        spans_make_id(rng, links[i].trace_id, 16);
        spans_make_id(rng, links[i].span_id, 8);
        links[i].flags = (uint32_t)rng_below(rng, 1024);
        links[i].trace_state = spans_make_text(spans, rng);
        links[i].attributes = spans_make_attributes(spans, rng, 0);
    }
    span->events = events;
    span->links = links;
}

static inline struct otlp_span spans_make_span(struct spans *spans, struct rng *rng)
{
    struct otlp_span span = {.flags = (uint32_t)rng_below(rng, 1024),
                             .kind = (uint8_t)rng_below(rng, 6),
                             .status = (uint8_t)rng_below(rng, 3),
                             .start_ns = rng_next(rng),
                             .end_ns = rng_next(rng),
                             .name = spans_make_text(spans, rng),
                             .status_message = spans_make_text(spans, rng),
                             .trace_state = spans_make_text(spans, rng),
                             .dropped_event_count = (uint32_t)rng_below(rng, 3),
                             .dropped_link_count = (uint32_t)rng_below(rng, 3)};
    const struct otlp_attributes resource = spans_make_attributes(spans, rng, 0);
    spans_make_id(rng, span.trace_id, 16);
    spans_make_id(rng, span.span_id, 8);
    if (rng_below(rng, 2))
        spans_make_id(rng, span.parent_id, 8);
    span.resource = spans_origin_resource(spans, &resource);
    span.scope = spans_origin_scope(spans, spans_make_text(spans, rng), text_of("1"));
    span.attributes = spans_make_attributes(spans, rng, 0);
    span.attributes.dropped_count = (uint32_t)rng_below(rng, 3);
    spans_make_events(spans, rng, &span);
    return span;
}

/* Appends `count` spans. */
static inline void spans_make(struct spans *spans, uint64_t seed, size_t count)
{
    struct rng rng;
    rng_seed(&rng, seed);
    for (size_t i = 0; i < count; i++) {
        const struct otlp_span span = spans_make_span(spans, &rng);
        if (spans_add(spans, &span) != STATUS_OK)
            abort();
    }
}

#endif
