/* The short way into a span's body: a new entry of ASCII text that fits the first block is written
 * in one go, without a look at what other entries there are but by hash. Everything here says "no"
 * (NULL or false), with nothing changed that counts, where that is not the case: the caller then
 * goes the long way (span_entries.h). For span_body.c alone, and inline for its sake. */
#ifndef CULPRIT_TRACE_SPAN_SHORT_H
#define CULPRIT_TRACE_SPAN_SHORT_H

#include <string.h>

#include "base/otlp_fields.h"
#include "base/wire.h"
#include "trace/span_body.h"

/* A length of one byte on the wire; of two. */
enum { SPAN_SHORT_MAX = 127, SPAN_SHORT_TEXT_MAX = 1000 };

_Static_assert(SPAN_SHORT_TEXT_MAX + 2 * SPAN_SHORT_MAX < 1 << 14, "two bytes are enough");

/* Where `length` bytes can be written at the end, or NULL. */
static inline uint8_t *span_short_room(const struct span_body *body, size_t length)
{
    if (body->tail != body->head || body->capacity_bytes - body->length_bytes < length)
        return NULL;
    return body->first + body->length_bytes;
}

typedef uint64_t span_short_pair __attribute__((vector_size(16)));

/* Copies by words, the last of which may overlap the one before; a mask of what is not ASCII. */
static inline uint64_t span_short_copy_long(uint8_t *to, const char *from, size_t length)
{
    span_short_pair word, seen = {0, 0};
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

static inline uint64_t span_short_copy(uint8_t *to, struct text text)
{
    const char *from = text.data;
    size_t length = text.length;
    if (length >= 16)
        return span_short_copy_long(to, from, length);
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

/* ---- attributes */

/* Whether one of the indexed keys may be the one of that hash. A word with a bit for each says no
 * mostly: a vector over the hashes would wait for the store of the last one. */
static inline bool span_short_may_have(const struct span_body *body, uint16_t hash)
{
    if ((body->key_filter >> (hash & 63) & 1) == 0)
        return false;
    for (uint32_t i = 0; i < body->attribute_count; i++)
        if (body->key_hash[i] == hash)
            return true;
    return false;
}

/* Room for an attribute that is new; `length` of its entry with tag and length. */
static inline uint8_t *span_short_new(const struct span_body *body, struct text key, uint16_t hash,
                                      size_t length)
{
    if (key.length == 0 || key.length > SPAN_SHORT_MAX ||
        body->attribute_count >= SPAN_INDEXED_KEYS ||
        body->attribute_count >= body->limits->attribute_count)
        return NULL;
    uint8_t *at = span_short_room(body, length);
    return at == NULL || span_short_may_have(body, hash) ? NULL : at;
}

/* Begins an attribute with `value_length` bytes of AnyValue. */
static inline uint8_t *span_short_attribute(const struct span_body *body, struct text key,
                                            uint16_t hash, size_t value_length)
{
    size_t length = key.length + value_length + 4;
    uint8_t *at = length <= SPAN_SHORT_MAX ? span_short_new(body, key, hash, length + 2) : NULL;
    if (at == NULL)
        return NULL;
    *at++ = OTLP_SPAN_ATTRIBUTES << 3 | WIRE_BYTES;
    *at++ = (uint8_t)length;
    *at++ = OTLP_KEY_VALUE_KEY << 3 | WIRE_BYTES;
    *at++ = (uint8_t)key.length;
    if (span_short_copy(at, key) != 0)
        return NULL;
    at += key.length;
    *at++ = OTLP_KEY_VALUE_VALUE << 3 | WIRE_BYTES;
    *at++ = (uint8_t)value_length;
    return at;
}

static inline void span_short_done(struct span_body *body, uint16_t hash, const uint8_t *end)
{
    body->key_filter |= 1ull << (hash & 63);
    body->key_hash[body->attribute_count] = hash;
    body->key_at[body->attribute_count++] = (uint16_t)body->length_bytes;
    body->length_bytes = (uint32_t)(end - body->first);
}

/* An attribute whose text is long: a statement, an address. Apart from the shorter ones for the
 * lengths' sizes, of which they know. */
static inline bool span_short_long_text(struct span_body *body, struct text key, uint16_t hash,
                                        struct text value)
{
    size_t inner = 1 + wire_varint_size(value.length) + value.length;
    size_t length = key.length + 3 + wire_varint_size(inner) + inner;
    uint8_t *at = value.length <= SPAN_SHORT_TEXT_MAX
                      ? span_short_new(body, key, hash, 1 + wire_varint_size(length) + length)
                      : NULL;
    if (at == NULL)
        return false;
    *at++ = OTLP_SPAN_ATTRIBUTES << 3 | WIRE_BYTES;
    at = wire_put_varint_raw(at, length);
    *at++ = OTLP_KEY_VALUE_KEY << 3 | WIRE_BYTES;
    *at++ = (uint8_t)key.length;
    uint64_t odd = span_short_copy(at, key);
    at += key.length;
    *at++ = OTLP_KEY_VALUE_VALUE << 3 | WIRE_BYTES;
    at = wire_put_varint_raw(at, inner);
    *at++ = OTLP_VALUE_STRING << 3 | WIRE_BYTES;
    at = wire_put_varint_raw(at, value.length);
    odd |= span_short_copy(at, value);
    if (odd != 0)
        return false;
    span_short_done(body, hash, at + value.length);
    return true;
}

/* ---- the rest */

static inline bool span_short_event(struct span_body *body, uint64_t wall_ns, struct text name)
{
    size_t length = name.length + 11;
    uint8_t *at = length <= SPAN_SHORT_MAX && body->event_count < body->limits->event_count
                      ? span_short_room(body, length + 2)
                      : NULL;
    if (at == NULL)
        return false;
    *at++ = OTLP_SPAN_EVENTS << 3 | WIRE_BYTES;
    *at++ = (uint8_t)length;
    *at++ = OTLP_EVENT_TIME << 3 | WIRE_FIXED64;
    memcpy(at, &wall_ns, sizeof wall_ns);
    at += sizeof wall_ns;
    *at++ = OTLP_EVENT_NAME << 3 | WIRE_BYTES;
    *at++ = (uint8_t)name.length;
    if (span_short_copy(at, name) != 0)
        return false;
    body->event_count++;
    body->length_bytes = (uint32_t)(at + name.length - body->first);
    return true;
}

static inline bool span_short_name(struct span_body *body, struct text name)
{
    uint8_t *at = body->name_at == 0 && name.length <= SPAN_SHORT_MAX
                      ? span_short_room(body, name.length + 2)
                      : NULL;
    if (at == NULL)
        return false;
    *at++ = OTLP_SPAN_NAME << 3 | WIRE_BYTES;
    *at++ = (uint8_t)name.length;
    if (span_short_copy(at, name) != 0)
        return false;
    body->name_at = body->length_bytes + 1;
    body->length_bytes = (uint32_t)(at + name.length - body->first);
    return true;
}

#endif
