#include "trace/span_entries.h"

#include <string.h>

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

uint8_t span_entries_byte_at(const struct span_body *body, uint32_t at)
{
    uint32_t room;
    return *locate(body, at, &room);
}

uint32_t span_entries_varint_at(const struct span_body *body, uint32_t *at)
{
    uint32_t value = 0;
    for (unsigned shift = 0; shift < 32; shift += 7) {
        uint8_t byte = span_entries_byte_at(body, (*at)++);
        value |= (uint32_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            break;
    }
    return value;
}

bool span_entries_bytes_equal(const struct span_body *body, uint32_t at, struct text text)
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

uint32_t span_entries_size_at(const struct span_body *body, uint32_t at)
{
    uint32_t inside = at + 1;
    uint32_t length = span_entries_varint_at(body, &inside);
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
    for (uint32_t i = 0; i < SPAN_INDEXED_KEYS && i < body->attribute_count; i++)
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
        size = span_entries_size_at(body, from);
        if (from == body->unindexed_at)
            unindexed_at = to;
        if (from + 1 == follow)
            followed = to + 1;
        if (span_entries_byte_at(body, from) == SPAN_BODY_HOLE)
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

/* Room for `need` more bytes, taking blocks as needed; where there are not enough, none. */
static bool extend(struct span_body *body, size_t need)
{
    struct span_block *tail = body->tail;
    uint32_t capacity_bytes = body->capacity_bytes;
    if (body->length_bytes + need > SPAN_BODY_MAX)
        return false;
    while (body->capacity_bytes - body->length_bytes < need) {
        struct span_block *block = span_pool_get();
        if (block == NULL) {
            span_pool_put_chain(tail->more);
            tail->more = NULL;
            body->tail = tail;
            body->capacity_bytes = capacity_bytes;
            return false;
        }
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

bool span_entries_begin(struct span_body *body, uint8_t tag, size_t length, uint32_t old,
                        struct span_wire *wire)
{
    size_t size = span_wire_field_size(length);
    uint32_t at;
    if (old != 0 && span_entries_size_at(body, old - 1) == size) {
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

void span_entries_copy(const struct span_body *body, uint8_t *out)
{
    for (uint32_t at = 0; at < body->length_bytes;) {
        uint32_t room;
        const uint8_t *from = locate(body, at, &room);
        uint32_t part = body->length_bytes - at < room ? body->length_bytes - at : room;
        memcpy(out + at, from, part);
        at += part;
    }
}

void span_entries_seal(struct span_body *body)
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

size_t span_entries_close_holes(uint8_t *bytes, size_t length_bytes)
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
