#include "trace/span_body.h"

#include <string.h>

#include "base/otlp_fields.h"
#include "base/wire.h"
#include "trace/attribute_wire.h"
#include "trace/span_entries.h"
#include "trace/span_short.h"

#define TAG(field) ((uint8_t)((field) << 3 | WIRE_BYTES))

enum { NAME_CUT = 64, NAME_MAX = 1024, ODD_KEY_MAX = 256 };

void span_body_init(struct span_body *body, struct span_block *head, uint8_t *first,
                    const struct span_limits *limits)
{
    /* The index of keys stays as it is: attribute_count says how much of it is good. */
    memset(body, 0, offsetof(struct span_body, key_hash));
    body->head = body->tail = head;
    body->first = first;
    body->limits = limits;
    body->capacity_bytes = (uint32_t)(head->data + SPAN_BLOCK_DATA_BYTES - first);
}

static bool set_name(struct span_body *body, struct text name)
{
    struct span_wire wire;
    if (!span_entries_begin(body, TAG(OTLP_SPAN_NAME), name.length, body->name_at, &wire))
        return false;
    span_wire_text(&wire, name);
    body->name_at = wire.start + 1;
    return true;
}

void span_body_set_trace_state(struct span_body *body, struct text trace_state)
{
    struct span_wire wire;
    if (span_entries_begin(body, TAG(OTLP_SPAN_TRACE_STATE), trace_state.length, 0, &wire))
        span_wire_text(&wire, trace_state);
}

void span_body_set_status(struct span_body *body, enum span_status status, struct text description)
{
    struct span_wire wire;
    size_t message = description.length ? span_wire_field_size(description.length) : 0;
    if (!span_entries_begin(body, TAG(OTLP_SPAN_STATUS), message + 2, body->status_at, &wire)) {
        message = 0;
        if (!span_entries_begin(body, TAG(OTLP_SPAN_STATUS), 2, body->status_at, &wire))
            return;
    }
    body->status_at = wire.start + 1;
    if (message > 0)
        span_wire_field_text(&wire, OTLP_STATUS_MESSAGE, description);
    span_wire_byte(&wire, OTLP_STATUS_CODE << 3 | WIRE_VARINT);
    span_wire_byte(&wire, (uint8_t)status);
}

static bool attribute_has_key(const struct span_body *body, uint32_t at, struct text key)
{
    uint32_t inside = at + 1;
    (void)span_entries_varint_at(body, &inside);
    inside++; /* the key's tag comes first, always */
    return span_entries_varint_at(body, &inside) == key.length &&
           span_entries_bytes_equal(body, inside, key);
}

static uint32_t walk_for(const struct span_body *body, struct text key)
{
    for (uint32_t at = body->unindexed_at; at < body->length_bytes;
         at += span_entries_size_at(body, at)) {
        if (span_entries_byte_at(body, at) == TAG(OTLP_SPAN_ATTRIBUTES) &&
            attribute_has_key(body, at, key))
            return at + 1;
    }
    return 0;
}

/* What the index keeps of a hash. */
static inline uint16_t index_hash(uint32_t hash)
{
    return (uint16_t)(hash >> 16);
}

struct found {
    uint32_t at; /* offset + 1, 0: no such attribute */
    int index;   /* -1: not in the index */
};

static struct found find_attribute(const struct span_body *body, struct text key, uint32_t hash)
{
    int indexed =
        body->attribute_count < SPAN_INDEXED_KEYS ? (int)body->attribute_count : SPAN_INDEXED_KEYS;
    for (int i = 0; i < indexed; i++)
        if (body->key_hash[i] == index_hash(hash) && attribute_has_key(body, body->key_at[i], key))
            return (struct found){body->key_at[i] + 1u, i};
    if (body->attribute_count > SPAN_INDEXED_KEYS)
        return (struct found){walk_for(body, key), -1};
    return (struct found){0, -1};
}

static void index_attribute(struct span_body *body, struct found found, uint32_t at, uint32_t hash)
{
    if (found.at == 0) {
        if (body->attribute_count < SPAN_INDEXED_KEYS)
            found.index = (int)body->attribute_count;
        else if (body->attribute_count == SPAN_INDEXED_KEYS)
            body->unindexed_at = at;
        body->attribute_count++;
    }
    if (found.index >= 0) {
        body->key_at[found.index] = (uint16_t)at;
        body->key_hash[found.index] = index_hash(hash);
        body->key_filter |= 1ull << (index_hash(hash) & 63);
    }
}

static struct attribute_bounds bounds_of(const struct span_body *body)
{
    return (struct attribute_bounds){body->limits->value_length, body->limits->value_depth};
}

static void set_clean(struct span_body *body, const struct attribute *attribute, uint32_t hash)
{
    struct found found = find_attribute(body, attribute->key, hash);
    struct span_wire wire;
    struct attribute_bounds bounds = bounds_of(body);
    if ((found.at == 0 && body->attribute_count >= body->limits->attribute_count) ||
        !span_entries_begin(body, TAG(OTLP_SPAN_ATTRIBUTES), attribute_wire_size(attribute, bounds),
                            found.at, &wire)) {
        body->dropped_attributes++;
        return;
    }
    index_attribute(body, found, wire.start, hash);
    attribute_wire_put(&wire, attribute, bounds);
}

/* A key that is not UTF-8 is another one on the wire, by which it is found again; one that is not,
 * and longer than any that is meant, is dropped. */
static __attribute__((noinline)) void set_odd(struct span_body *body,
                                              const struct attribute *attribute)
{
    uint8_t key[ODD_KEY_MAX];
    struct attribute clean = *attribute;
    if (clean.key.length > sizeof key) {
        body->dropped_attributes++;
        return;
    }
    struct span_wire wire = {.at = key, .end = key + sizeof key};
    span_wire_text(&wire, clean.key);
    clean.key.data = (const char *)key;
    set_clean(body, &clean, span_key_hash(clean.key));
}

static void set_any(struct span_body *body, const struct attribute *attribute, uint32_t hash)
{
    struct text key = attribute->key;
    if (key.length == 0)
        return;
    if (span_wire_is_ascii(key) || text_utf8_prefix(key) == key.length)
        set_clean(body, attribute, hash);
    else
        set_odd(body, attribute);
}

static __attribute__((noinline)) void set_text_else(struct span_body *body, struct text key,
                                                    uint32_t hash, struct text value)
{
    struct attribute attribute = {.key = key, .type = ATTRIBUTE_TEXT, .text = value};
    if (value.length > body->limits->value_length ||
        !span_short_long_text(body, key, index_hash(hash), value))
        set_any(body, &attribute, hash);
}

/* ---- the usual case */

void span_body_set_text(struct span_body *body, struct text key, uint32_t hash, struct text value)
{
    uint8_t *at = value.length <= SPAN_SHORT_MAX && value.length <= body->limits->value_length
                      ? span_short_attribute(body, key, index_hash(hash), value.length + 2)
                      : NULL;
    if (at != NULL) {
        *at++ = TAG(OTLP_VALUE_STRING);
        *at++ = (uint8_t)value.length;
        if (span_short_copy(at, value) == 0) {
            span_short_done(body, index_hash(hash), at + value.length);
            return;
        }
    }
    set_text_else(body, key, hash, value);
}

void span_body_set_i64(struct span_body *body, struct text key, uint32_t hash, int64_t value)
{
    size_t length = 1 + wire_varint_size((uint64_t)value);
    uint8_t *at = span_short_attribute(body, key, index_hash(hash), length);
    if (at != NULL) {
        *at++ = OTLP_VALUE_INT << 3 | WIRE_VARINT;
        span_short_done(body, index_hash(hash), wire_put_varint_raw(at, (uint64_t)value));
        return;
    }
    struct attribute attribute = {.key = key, .type = ATTRIBUTE_I64, .i64 = value};
    set_any(body, &attribute, hash);
}

static void set_bool(struct span_body *body, const struct attribute *attribute, uint32_t hash)
{
    uint8_t *at = span_short_attribute(body, attribute->key, index_hash(hash), 2);
    if (at == NULL) {
        set_any(body, attribute, hash);
        return;
    }
    *at++ = OTLP_VALUE_BOOL << 3 | WIRE_VARINT;
    *at++ = attribute->boolean;
    span_short_done(body, index_hash(hash), at);
}

void span_body_set_attribute(struct span_body *body, const struct attribute *attribute,
                             uint32_t hash)
{
    if (attribute->type == ATTRIBUTE_TEXT)
        span_body_set_text(body, attribute->key, hash, attribute->text);
    else if (attribute->type == ATTRIBUTE_I64)
        span_body_set_i64(body, attribute->key, hash, attribute->i64);
    else if (attribute->type == ATTRIBUTE_BOOL)
        set_bool(body, attribute, hash);
    else
        set_any(body, attribute, hash);
}

void span_body_set_name(struct span_body *body, struct text name)
{
    if (span_short_name(body, name))
        return;
    if (name.length > NAME_MAX)
        name.length = NAME_MAX;
    if (!set_name(body, name) && body->name_at == 0) {
        name.length = name.length < NAME_CUT ? name.length : NAME_CUT;
        (void)set_name(body, name);
    }
}

/* ---- events and links */

void span_body_add_event(struct span_body *body, uint64_t wall_ns, struct text name,
                         const struct attribute *attributes, size_t count)
{
    if (count == 0 && span_short_event(body, wall_ns, name))
        return;
    struct span_wire wire;
    struct attribute_wire_list list = {OTLP_EVENT_ATTRIBUTES,
                                       OTLP_EVENT_DROPPED_ATTRIBUTES,
                                       attributes,
                                       count,
                                       body->limits->event_attribute_count,
                                       bounds_of(body)};
    size_t length = 9 + span_wire_field_size(name.length) + attribute_wire_list_size(&list);
    if (body->event_count >= body->limits->event_count ||
        !span_entries_begin(body, TAG(OTLP_SPAN_EVENTS), length, 0, &wire)) {
        body->dropped_events++;
        return;
    }
    body->event_count++;
    span_wire_byte(&wire, OTLP_EVENT_TIME << 3 | WIRE_FIXED64);
    span_wire_bytes(&wire, &wall_ns, sizeof wall_ns);
    span_wire_field_text(&wire, OTLP_EVENT_NAME, name);
    attribute_wire_list(&wire, &list);
}

static size_t link_size(const struct span_link *link, const struct attribute_wire_list *list)
{
    size_t state = link->context.trace_state.length;
    return 18 + 10 + (state ? span_wire_field_size(state) : 0) + attribute_wire_list_size(list) + 5;
}

void span_body_add_link(struct span_body *body, const struct span_link *link)
{
    struct span_wire wire;
    const struct span_context *context = &link->context;
    struct attribute_wire_list list = {
        OTLP_LINK_ATTRIBUTES,  OTLP_LINK_DROPPED_ATTRIBUTES,       link->attributes,
        link->attribute_count, body->limits->link_attribute_count, bounds_of(body)};
    if (!span_context_is_valid(context) && link->attribute_count == 0 &&
        context->trace_state.length == 0)
        return; /* says nothing */
    if (body->link_count >= body->limits->link_count ||
        !span_entries_begin(body, TAG(OTLP_SPAN_LINKS), link_size(link, &list), 0, &wire)) {
        body->dropped_links++;
        return;
    }
    body->link_count++;
    uint32_t flags = context->flags | OTLP_FLAGS_HAS_IS_REMOTE |
                     (context->is_remote ? OTLP_FLAGS_IS_REMOTE : 0u);
    span_wire_field_bytes(&wire, OTLP_LINK_TRACE_ID, context->trace_id.bytes, 16);
    span_wire_field_bytes(&wire, OTLP_LINK_SPAN_ID, context->span_id.bytes, 8);
    if (context->trace_state.length > 0)
        span_wire_field_text(&wire, OTLP_LINK_TRACE_STATE, context->trace_state);
    attribute_wire_list(&wire, &list);
    span_wire_byte(&wire, OTLP_LINK_FLAGS << 3 | WIRE_FIXED32);
    span_wire_bytes(&wire, &flags, sizeof flags);
}
