#include "services/collector/criteria.h"

#include <inttypes.h>
#include <stdio.h>

#include "services/collector/params.h"

void criteria_init(struct criteria *criteria)
{
    *criteria = (struct criteria){.service = {"", 0},
                                  .operation = {"", 0},
                                  .end_ns = UINT64_MAX,
                                  .longest_ns = UINT64_MAX,
                                  .limit = CRITERIA_LIMIT_MAX};
}

/* Values are asked for as text, as Jaeger's page shows them. */
static bool value_is(const struct otlp_value *value, struct text wanted)
{
    char text[40];
    switch (value->type) {
    case OTLP_TEXT:
        return text_equal(value->text, wanted);
    case OTLP_BOOL:
        return text_is(wanted, value->boolean ? "true" : "false");
    case OTLP_I64:
        snprintf(text, sizeof(text), "%" PRId64, value->i64);
        return text_is(wanted, text);
    case OTLP_DOUBLE: {
        double number;
        return text_to_double(wanted, &number) == STATUS_OK && number == value->number;
    }
    default:
        return false;
    }
}

static bool has_attribute(const struct otlp_attributes *attributes, const struct criteria_tag *tag)
{
    for (uint32_t i = 0; i < attributes->count; i++) {
        if (text_equal(attributes->items[i].key, tag->key) &&
            value_is(&attributes->items[i].value, tag->value))
            return true;
    }
    return false;
}

/* Tags that stand for a span's own fields. */
static bool has_field(const struct otlp_span *span, const struct criteria_tag *tag)
{
    static const char *const codes[] = {
        [OTLP_STATUS_UNSET] = "UNSET", [OTLP_STATUS_OK] = "OK", [OTLP_STATUS_ERROR] = "ERROR"};
    if (text_is(tag->key, "error"))
        return text_is(tag->value, span->status == OTLP_STATUS_ERROR ? "true" : "false");
    if (text_is(tag->key, "span.kind"))
        return text_is(tag->value, params_kind_word(span->kind));
    if (text_is(tag->key, "otel.status_code"))
        return text_is(tag->value, codes[span->status]);
    return text_is(tag->key, "otel.scope.name") && text_equal(tag->value, span->scope->name);
}

static bool has_tag(const struct otlp_span *span, const struct criteria_tag *tag)
{
    if (has_field(span, tag) || has_attribute(&span->attributes, tag) ||
        has_attribute(&span->resource->attributes, tag))
        return true;
    for (uint32_t i = 0; i < span->event_count; i++) {
        if (has_attribute(&span->events[i].attributes, tag))
            return true;
    }
    return false;
}

bool criteria_match(const struct criteria *criteria, const struct otlp_span *span)
{
    const uint64_t duration_ns = span->end_ns > span->start_ns ? span->end_ns - span->start_ns : 0;
    if (criteria->service.length > 0 && !text_equal(criteria->service, span->resource->service))
        return false;
    if (criteria->operation.length > 0 && !text_equal(criteria->operation, span->name))
        return false;
    if (span->start_ns < criteria->start_ns || span->start_ns > criteria->end_ns ||
        duration_ns < criteria->shortest_ns || duration_ns > criteria->longest_ns)
        return false;
    for (size_t i = 0; i < criteria->tag_count; i++) {
        if (!has_tag(span, &criteria->tags[i]))
            return false;
    }
    return true;
}
