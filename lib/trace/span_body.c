#include "trace/span_body.h"

#include <string.h>

#include "base/otlp_fields.h"
#include "base/wire.h"
#include "trace/span_wire.h"

#define TAG(field) ((uint8_t)((field) << 3 | WIRE_BYTES))

enum { NAME_CUT = 64, NAME_MAX = 1024 };

void span_body_init(struct span_body *body, struct span_block *head, uint8_t *first)
{
    *body = (struct span_body){.head = head, .tail = head};
    body->first = first;
    body->capacity_bytes = (uint32_t)(head->data + SPAN_BLOCK_DATA_BYTES - first);
}

/* Where the byte at `at` lies, and how many follow it in the same block. */
static uint8_t *locate(const struct span_body *body, uint32_t at, uint32_t *room)
{
    struct span_block *block = body->head;
    uint32_t here = (uint32_t)(block->data + SPAN_BLOCK_DATA_BYTES - body->first);
    if (at < here) {
        *room = here - at;
        return body->first + at;
    }
    for (at -= here, block = block->more; at >= SPAN_BLOCK_DATA_BYTES; block = block->more)
        at -= SPAN_BLOCK_DATA_BYTES;
    *room = SPAN_BLOCK_DATA_BYTES - at;
    return block->data + at;
}

static uint8_t byte_at(const struct span_body *body, uint32_t at)
{
    uint32_t room;
    return *locate(body, at, &room);
}

static uint32_t varint_at(const struct span_body *body, uint32_t *at)
{
    uint32_t value = 0;
    for (unsigned shift = 0; shift < 32; shift += 7) {
        uint8_t byte = byte_at(body, (*at)++);
        value |= (uint32_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            break;
    }
    return value;
}

static bool bytes_equal(const struct span_body *body, uint32_t at, struct text text)
{
    while (text.length > 0) {
        uint32_t room;
        const uint8_t *bytes = locate(body, at, &room);
        uint32_t part = text.length < room ? (uint32_t)text.length : room;
        if (memcmp(bytes, text.data, part) != 0)
            return false;
        at += part;
        text = (struct text){text.data + part, text.length - part};
    }
    return true;
}

static size_t entry_size(size_t length)
{
    return 1 + wire_varint_size(length) + length;
}

static uint32_t entry_size_at(const struct span_body *body, uint32_t at)
{
    uint32_t inside = at + 1;
    uint32_t length = varint_at(body, &inside);
    return inside - at + length;
}

/* Moves an entry towards the front of the chain. */
static void move_bytes(const struct span_body *body, uint32_t to, uint32_t from, uint32_t length)
{
    while (length > 0) {
        uint32_t room_to, room_from;
        uint8_t *target = locate(body, to, &room_to);
        const uint8_t *source = locate(body, from, &room_from);
        uint32_t part = room_to < room_from ? room_to : room_from;
        part = part < length ? part : length;
        memmove(target, source, part);
        to += part;
        from += part;
        length -= part;
    }
}

/* Whatever knew the entry at `from` knows it at `to`. */
static void relocate(struct span_body *body, uint32_t from, uint32_t to)
{
    for (int i = 0; i < SPAN_INDEXED_KEYS && i < body->attribute_count; i++)
        if (body->key_at[i] == from)
            body->key_at[i] = (uint16_t)to;
    if (body->name_at == from + 1)
        body->name_at = to + 1;
    if (body->status_at == from + 1)
        body->status_at = to + 1;
}

/* Moves the entries together. Returns where the one at `follow` (offset + 1, or 0) is now. */
static uint32_t close_holes(struct span_body *body, uint32_t follow)
{
    uint32_t to = 0, size, followed = 0, unindexed_at = 0;
    for (uint32_t from = 0; from < body->length_bytes; from += size) {
        size = entry_size_at(body, from);
        if (from == body->unindexed_at)
            unindexed_at = to;
        if (from + 1 == follow)
            followed = to + 1;
        if (byte_at(body, from) == SPAN_BODY_HOLE)
            continue;
        if (from != to) {
            move_bytes(body, to, from, size);
            relocate(body, from, to);
        }
        to += size;
    }
    body->length_bytes = to;
    body->unindexed_at = unindexed_at;
    body->has_holes = false;
    return followed;
}

/* Room for `need` more bytes, taking blocks as needed. */
static bool extend(struct span_body *body, size_t need)
{
    if (body->length_bytes + need > SPAN_BODY_MAX)
        return false;
    while (body->capacity_bytes - body->length_bytes < need) {
        struct span_block *block = span_pool_get();
        if (block == NULL)
            return false;
        body->tail->more = block;
        body->tail = block;
        body->capacity_bytes += SPAN_BLOCK_DATA_BYTES;
    }
    return true;
}

/* The same, with the holes closed where there is no other room; *old follows its entry. */
static bool reserve(struct span_body *body, size_t need, uint32_t *old)
{
    if (extend(body, need))
        return true;
    if (!body->has_holes)
        return false;
    *old = close_holes(body, *old);
    return extend(body, need);
}

static void make_hole(struct span_body *body, uint32_t at)
{
    uint32_t room;
    *locate(body, at, &room) = SPAN_BODY_HOLE;
    body->has_holes = true;
}

/* A place to write an entry of `length` bytes to: over the entry at `old` (offset + 1, 0: none)
 * when it has the same size, else at the end, leaving a hole. false: no room, nothing changed. */
static bool begin_entry(struct span_body *body, uint8_t tag, size_t length, uint32_t old,
                        struct span_wire *wire)
{
    size_t size = entry_size(length);
    uint32_t at;
    if (old != 0 && entry_size_at(body, old - 1) == size) {
        at = old - 1;
    } else {
        if (!reserve(body, size, &old))
            return false;
        at = body->length_bytes;
        if (old != 0)
            make_hole(body, old - 1);
        body->length_bytes += (uint32_t)size;
    }
    uint32_t room;
    wire->at = locate(body, at, &room);
    wire->end = wire->at + room;
    wire->block = body->head;
    while (wire->at < wire->block->data || wire->at >= wire->block->data + SPAN_BLOCK_DATA_BYTES)
        wire->block = wire->block->more;
    wire->start = at;
    span_wire_byte(wire, tag);
    span_wire_varint(wire, length);
    return true;
}

static bool set_name(struct span_body *body, struct text name)
{
    struct span_wire wire;
    if (!begin_entry(body, TAG(OTLP_SPAN_NAME), name.length, body->name_at, &wire))
        return false;
    span_wire_text(&wire, name);
    body->name_at = wire.start + 1;
    return true;
}

void span_body_set_name(struct span_body *body, struct text name)
{
    if (name.length > NAME_MAX)
        name.length = NAME_MAX;
    if (!set_name(body, name) && body->name_at == 0) {
        name.length = name.length < NAME_CUT ? name.length : NAME_CUT;
        (void)set_name(body, name);
    }
}

void span_body_set_trace_state(struct span_body *body, struct text trace_state)
{
    struct span_wire wire;
    if (begin_entry(body, TAG(OTLP_SPAN_TRACE_STATE), trace_state.length, 0, &wire))
        span_wire_text(&wire, trace_state);
}

void span_body_set_status(struct span_body *body, enum span_status status, struct text description)
{
    struct span_wire wire;
    size_t message = description.length ? entry_size(description.length) : 0;
    if (!begin_entry(body, TAG(OTLP_SPAN_STATUS), message + 2, body->status_at, &wire)) {
        message = 0;
        if (!begin_entry(body, TAG(OTLP_SPAN_STATUS), 2, body->status_at, &wire))
            return;
    }
    body->status_at = wire.start + 1;
    if (message > 0)
        span_wire_field_text(&wire, OTLP_STATUS_MESSAGE, description);
    span_wire_byte(&wire, OTLP_STATUS_CODE << 3 | WIRE_VARINT);
    span_wire_byte(&wire, (uint8_t)status);
}

/* Cheap, and good enough to tell a span's few keys apart; equal hashes are compared in full. */
static uint32_t hash_key(struct text key)
{
    uint64_t first = 0, last = 0;
    size_t part = key.length < 8 ? key.length : 8;
    memcpy(&first, key.data, part);
    memcpy(&last, key.data + key.length - part, part);
    uint64_t mixed = (first ^ (last << 1 | last >> 63) ^ key.length) * 0x9e3779b97f4a7c15ull;
    return (uint32_t)(mixed >> 32);
}

static bool attribute_has_key(const struct span_body *body, uint32_t at, struct text key)
{
    uint32_t inside = at + 1;
    (void)varint_at(body, &inside);
    inside++; /* the key's tag comes first, always */
    return varint_at(body, &inside) == key.length && bytes_equal(body, inside, key);
}

static uint32_t walk_for(const struct span_body *body, struct text key)
{
    for (uint32_t at = body->unindexed_at; at < body->length_bytes; at += entry_size_at(body, at)) {
        if (byte_at(body, at) == TAG(OTLP_SPAN_ATTRIBUTES) && attribute_has_key(body, at, key))
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
        body->attribute_count < SPAN_INDEXED_KEYS ? body->attribute_count : SPAN_INDEXED_KEYS;
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
            found.index = body->attribute_count;
        else if (body->attribute_count == SPAN_INDEXED_KEYS)
            body->unindexed_at = at;
        body->attribute_count++;
    }
    if (found.index >= 0) {
        body->key_at[found.index] = (uint16_t)at;
        body->key_hash[found.index] = hash;
    }
}

void span_body_set_attribute(struct span_body *body, const struct attribute *attribute)
{
    if (attribute->key.length == 0)
        return;
    uint32_t hash = hash_key(attribute->key);
    struct found found = find_attribute(body, attribute->key, hash);
    struct span_wire wire;
    if ((found.at == 0 && body->attribute_count == SPAN_ATTRIBUTES_MAX) ||
        !begin_entry(body, TAG(OTLP_SPAN_ATTRIBUTES), span_wire_attribute_size(attribute), found.at,
                     &wire)) {
        body->dropped_attributes++;
        return;
    }
    index_attribute(body, found, wire.start, hash);
    span_wire_attribute(&wire, attribute);
}

void span_body_add_event(struct span_body *body, uint64_t wall_ns, struct text name,
                         const struct attribute *attributes, size_t count)
{
    struct span_wire wire;
    struct span_wire_list list = {OTLP_EVENT_ATTRIBUTES, OTLP_EVENT_DROPPED_ATTRIBUTES, attributes,
                                  count};
    size_t length = 9 + entry_size(name.length) + span_wire_list_size(&list);
    if (body->event_count == SPAN_EVENTS_MAX ||
        !begin_entry(body, TAG(OTLP_SPAN_EVENTS), length, 0, &wire)) {
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
    return 18 + 10 + (state ? entry_size(state) : 0) + span_wire_list_size(list) + 5;
}

void span_body_add_link(struct span_body *body, const struct span_link *link)
{
    struct span_wire wire;
    const struct span_context *context = &link->context;
    struct span_wire_list list = {OTLP_LINK_ATTRIBUTES, OTLP_LINK_DROPPED_ATTRIBUTES,
                                  link->attributes, link->attribute_count};
    if (!span_context_is_valid(context) && link->attribute_count == 0 &&
        context->trace_state.length == 0)
        return; /* says nothing */
    if (body->link_count == SPAN_LINKS_MAX ||
        !begin_entry(body, TAG(OTLP_SPAN_LINKS), link_size(link, &list), 0, &wire)) {
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

void span_body_seal(struct span_body *body)
{
    uint32_t left = body->length_bytes;
    uint32_t here = (uint32_t)(body->head->data + SPAN_BLOCK_DATA_BYTES - body->first);
    uint32_t part = left < here ? left : here;
    body->head->used_bytes = (uint16_t)(body->first - body->head->data + part);
    for (struct span_block *block = body->head->more; block != NULL; block = block->more) {
        left -= part;
        part = left < SPAN_BLOCK_DATA_BYTES ? left : SPAN_BLOCK_DATA_BYTES;
        block->used_bytes = (uint16_t)part;
    }
}

size_t span_body_close_holes(uint8_t *bytes, size_t length_bytes)
{
    size_t from = 0, to = 0;
    while (from + 2 <= length_bytes) {
        size_t inside = from + 1, length = 0;
        for (unsigned shift = 0; inside < length_bytes && shift < 32; shift += 7) {
            length |= (size_t)(bytes[inside] & 0x7f) << shift;
            if (bytes[inside++] < 0x80)
                break;
        }
        size_t size = inside - from + length;
        if (size > length_bytes - from)
            break;
        if (bytes[from] != SPAN_BODY_HOLE) {
            memmove(bytes + to, bytes + from, size);
            to += size;
        }
        from += size;
    }
    return to;
}
