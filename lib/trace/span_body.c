#include "trace/span_body.h"

#include <string.h>

#include "base/otlp_fields.h"
#include "base/wire.h"
#include "trace/span_entries.h"

#define TAG(field) ((uint8_t)((field) << 3 | WIRE_BYTES))

enum { NAME_CUT = 64, NAME_MAX = 1024, ODD_KEY_MAX = 256 };

void span_body_init(struct span_body *body, struct span_block *head, uint8_t *first,
                    const struct span_limits *limits)
{
    /* The index of keys stays as it is: attribute_count says how much of it is good. */
    memset(body, 0, offsetof(struct span_body, key_at));
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
    size_t message = description.length ? span_entries_size(description.length) : 0;
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

struct found {
    uint32_t at; /* offset + 1, 0: no such attribute */
    int index;   /* -1: not in the index */
};

static struct found find_attribute(const struct span_body *body, struct text key, uint32_t hash)
{
    int indexed =
        body->attribute_count < SPAN_INDEXED_KEYS ? (int)body->attribute_count : SPAN_INDEXED_KEYS;
    for (int i = 0; i < indexed; i++)
        if (body->key_hash[i] == hash && attribute_has_key(body, body->key_at[i], key))
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
        body->key_hash[found.index] = hash;
    }
}

static void set_clean(struct span_body *body, const struct attribute *attribute, uint32_t hash)
{
    struct found found = find_attribute(body, attribute->key, hash);
    struct span_wire wire;
    uint32_t value_max = body->limits->value_length;
    if ((found.at == 0 && body->attribute_count >= body->limits->attribute_count) ||
        !span_entries_begin(body, TAG(OTLP_SPAN_ATTRIBUTES),
                            span_wire_attribute_size(attribute, value_max), found.at, &wire)) {
        body->dropped_attributes++;
        return;
    }
    index_attribute(body, found, wire.start, hash);
    span_wire_attribute(&wire, attribute, value_max);
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

/* ---- the usual case: a new entry of ASCII text, under 128 bytes, in the first block */

enum { SHORT_MAX = 127 };

/* Where an entry with `length` bytes after tag and length can be written in one go, or NULL. */
static uint8_t *short_entry(const struct span_body *body, size_t length)
{
    if (length > SHORT_MAX || body->tail != body->head ||
        body->capacity_bytes - body->length_bytes < length + 2)
        return NULL;
    return body->first + body->length_bytes;
}

typedef uint64_t pair __attribute__((vector_size(16)));

/* Copies by words, the last of which may overlap the one before; a mask of what is not ASCII. */
static inline uint64_t copy_long(uint8_t *to, const char *from, size_t length)
{
    pair word, seen = {0, 0};
    for (size_t i = 0; i + sizeof word < length; i += sizeof word) {
        memcpy(&word, from + i, sizeof word);
        memcpy(to + i, &word, sizeof word);
        seen |= word;
    }
    memcpy(&word, from + length - sizeof word, sizeof word);
    memcpy(to + length - sizeof word, &word, sizeof word);
    seen |= word;
    return (seen[0] | seen[1]) & 0x8080808080808080ull;
}

static inline uint64_t copy_text(uint8_t *to, struct text text)
{
    const char *from = text.data;
    size_t length = text.length;
    if (length >= 16)
        return copy_long(to, from, length);
    if (length >= 8) {
        uint64_t first, last;
        memcpy(&first, from, 8);
        memcpy(&last, from + length - 8, 8);
        memcpy(to, &first, 8);
        memcpy(to + length - 8, &last, 8);
        return (first | last) & 0x8080808080808080ull;
    }
    if (length >= 4) {
        uint32_t first, last;
        memcpy(&first, from, 4);
        memcpy(&last, from + length - 4, 4);
        memcpy(to, &first, 4);
        memcpy(to + length - 4, &last, 4);
        return (first | last) & 0x80808080u;
    }
    uint8_t seen = 0;
    for (size_t i = 0; i < length; i++)
        seen |= to[i] = (uint8_t)from[i];
    return seen & 0x80;
}

/* Begins an attribute with `value_length` bytes of AnyValue; NULL: not the usual case. */
static uint8_t *short_attribute(const struct span_body *body, struct text key, uint32_t hash,
                                size_t value_length)
{
    if (key.length == 0 || key.length > SHORT_MAX || body->attribute_count >= SPAN_INDEXED_KEYS ||
        body->attribute_count >= body->limits->attribute_count)
        return NULL;
    uint8_t *at = short_entry(body, key.length + value_length + 4);
    if (at == NULL)
        return NULL;
    for (uint32_t i = 0; i < body->attribute_count; i++)
        if (body->key_hash[i] == hash)
            return NULL;
    *at++ = TAG(OTLP_SPAN_ATTRIBUTES);
    *at++ = (uint8_t)(key.length + value_length + 4);
    *at++ = TAG(OTLP_KEY_VALUE_KEY);
    *at++ = (uint8_t)key.length;
    if (copy_text(at, key) != 0)
        return NULL;
    at += key.length;
    *at++ = TAG(OTLP_KEY_VALUE_VALUE);
    *at++ = (uint8_t)value_length;
    return at;
}

static void short_attribute_done(struct span_body *body, uint32_t hash, const uint8_t *end)
{
    body->key_hash[body->attribute_count] = hash;
    body->key_at[body->attribute_count++] = (uint16_t)body->length_bytes;
    body->length_bytes = (uint32_t)(end - body->first);
}

void span_body_set_text(struct span_body *body, struct text key, uint32_t hash, struct text value)
{
    uint8_t *at = value.length <= SHORT_MAX && value.length <= body->limits->value_length
                      ? short_attribute(body, key, hash, value.length + 2)
                      : NULL;
    if (at != NULL) {
        *at++ = TAG(OTLP_VALUE_STRING);
        *at++ = (uint8_t)value.length;
        if (copy_text(at, value) == 0) {
            short_attribute_done(body, hash, at + value.length);
            return;
        }
    }
    struct attribute attribute = {.key = key, .type = ATTRIBUTE_TEXT, .text = value};
    set_any(body, &attribute, hash);
}

void span_body_set_i64(struct span_body *body, struct text key, uint32_t hash, int64_t value)
{
    uint8_t *at = short_attribute(body, key, hash, 1 + wire_varint_size((uint64_t)value));
    if (at != NULL) {
        *at++ = OTLP_VALUE_INT << 3 | WIRE_VARINT;
        short_attribute_done(body, hash, wire_put_varint_raw(at, (uint64_t)value));
        return;
    }
    struct attribute attribute = {.key = key, .type = ATTRIBUTE_I64, .i64 = value};
    set_any(body, &attribute, hash);
}

void span_body_set_attribute(struct span_body *body, const struct attribute *attribute,
                             uint32_t hash)
{
    if (attribute->type == ATTRIBUTE_TEXT)
        span_body_set_text(body, attribute->key, hash, attribute->text);
    else if (attribute->type == ATTRIBUTE_I64)
        span_body_set_i64(body, attribute->key, hash, attribute->i64);
    else
        set_any(body, attribute, hash);
}

static bool add_short_event(struct span_body *body, uint64_t wall_ns, struct text name)
{
    uint8_t *at = body->event_count < body->limits->event_count && name.length <= SHORT_MAX
                      ? short_entry(body, name.length + 11)
                      : NULL;
    if (at == NULL)
        return false;
    *at++ = TAG(OTLP_SPAN_EVENTS);
    *at++ = (uint8_t)(name.length + 11);
    *at++ = OTLP_EVENT_TIME << 3 | WIRE_FIXED64;
    memcpy(at, &wall_ns, sizeof wall_ns);
    at += sizeof wall_ns;
    *at++ = TAG(OTLP_EVENT_NAME);
    *at++ = (uint8_t)name.length;
    if (copy_text(at, name) != 0)
        return false;
    body->event_count++;
    body->length_bytes = (uint32_t)(at + name.length - body->first);
    return true;
}

static bool set_short_name(struct span_body *body, struct text name)
{
    uint8_t *at =
        body->name_at == 0 && name.length <= SHORT_MAX ? short_entry(body, name.length) : NULL;
    if (at == NULL)
        return false;
    *at++ = TAG(OTLP_SPAN_NAME);
    *at++ = (uint8_t)name.length;
    if (copy_text(at, name) != 0)
        return false;
    body->name_at = body->length_bytes + 1;
    body->length_bytes = (uint32_t)(at + name.length - body->first);
    return true;
}

void span_body_set_name(struct span_body *body, struct text name)
{
    if (set_short_name(body, name))
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
    if (count == 0 && add_short_event(body, wall_ns, name))
        return;
    struct span_wire wire;
    struct span_wire_list list = {OTLP_EVENT_ATTRIBUTES,
                                  OTLP_EVENT_DROPPED_ATTRIBUTES,
                                  attributes,
                                  count,
                                  body->limits->event_attribute_count,
                                  body->limits->value_length};
    size_t length = 9 + span_entries_size(name.length) + span_wire_list_size(&list);
    if (body->event_count >= body->limits->event_count ||
        !span_entries_begin(body, TAG(OTLP_SPAN_EVENTS), length, 0, &wire)) {
        body->dropped_events++;
        return;
    }
    body->event_count++;
    span_wire_byte(&wire, OTLP_EVENT_TIME << 3 | WIRE_FIXED64);
    span_wire_bytes(&wire, &wall_ns, sizeof wall_ns);
    span_wire_field_text(&wire, OTLP_EVENT_NAME, name);
    span_wire_list(&wire, &list);
}

static size_t link_size(const struct span_link *link, const struct span_wire_list *list)
{
    size_t state = link->context.trace_state.length;
    return 18 + 10 + (state ? span_entries_size(state) : 0) + span_wire_list_size(list) + 5;
}

void span_body_add_link(struct span_body *body, const struct span_link *link)
{
    struct span_wire wire;
    const struct span_context *context = &link->context;
    struct span_wire_list list = {
        OTLP_LINK_ATTRIBUTES,  OTLP_LINK_DROPPED_ATTRIBUTES,       link->attributes,
        link->attribute_count, body->limits->link_attribute_count, body->limits->value_length};
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
    span_wire_list(&wire, &list);
    span_wire_byte(&wire, OTLP_LINK_FLAGS << 3 | WIRE_FIXED32);
    span_wire_bytes(&wire, &flags, sizeof flags);
}
