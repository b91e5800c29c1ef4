#include "otlp/spans.h"

#include <stdlib.h>
#include <string.h>

enum {
    CAPACITY_MIN = 64,
    INTERN_MAX_BYTES = 64, /* of values; keys and names are always interned */
};

static const struct text empty_text = {"", 0};

void spans_init(struct spans *spans, size_t max_count, size_t max_bytes)
{
    *spans = (struct spans){.max_count = max_count, .max_bytes = max_bytes};
    arena_init(&spans->arena, max_bytes);
    map_init(&spans->interned, max_bytes / sizeof(struct map_entry));
}

/* The array's and the table's memory comes off the arena's maximum: one budget for all. */
static size_t side_bytes(const struct spans *spans)
{
    return spans->capacity * sizeof(*spans->items) +
           spans->interned.capacity * sizeof(*spans->interned.entries);
}

static void charge(struct spans *spans, size_t before_bytes)
{
    const size_t more = side_bytes(spans) - before_bytes;
    const size_t left = spans->arena.max_bytes - spans->arena.used_bytes;
    spans->arena.max_bytes -= more < left ? more : left;
}

void spans_release(struct spans *spans)
{
    arena_release(&spans->arena);
    map_release(&spans->interned);
    free(spans->items);
    spans_init(spans, spans->max_count, spans->max_bytes);
}

static enum status reserve(struct spans *spans)
{
    if (spans->count >= spans->max_count)
        return STATUS_TOO_LARGE;
    if (spans->count < spans->capacity)
        return STATUS_OK;
    size_t capacity = spans->capacity ? spans->capacity * 2 : CAPACITY_MIN;
    if (capacity > spans->max_count)
        capacity = spans->max_count;
    const size_t more = (capacity - spans->capacity) * sizeof(*spans->items);
    if (more > spans->arena.max_bytes - spans->arena.used_bytes)
        return STATUS_TOO_LARGE;
    struct otlp_span *items = realloc(spans->items, capacity * sizeof(*items));
    if (!items)
        return STATUS_NO_MEMORY;
    const size_t before = side_bytes(spans);
    spans->items = items;
    spans->capacity = capacity;
    charge(spans, before);
    return STATUS_OK;
}

enum status spans_add(struct spans *spans, const struct otlp_span *span)
{
    const enum status status = reserve(spans);
    if (status != STATUS_OK) {
        spans->rejected++;
        return status;
    }
    spans->items[spans->count++] = *span;
    return STATUS_OK;
}

/* The entry of a string that the set owns; its value is free for whoever put the string there. */
static const struct map_entry *intern(struct spans *spans, struct text value)
{
    const uint64_t *found = map_find(&spans->interned, value.data, value.length);
    const size_t before = side_bytes(spans);
    if (!found) {
        const char *copy = arena_copy(&spans->arena, value.data, value.length);
        found = copy ? map_put(&spans->interned, copy, value.length, NULL) : NULL;
        charge(spans, before);
    }
    if (!found)
        return NULL;
    return (const struct map_entry *)((const char *)found - offsetof(struct map_entry, value));
}

struct text spans_intern(struct spans *spans, struct text value)
{
    if (value.length == 0)
        return empty_text;
    const struct map_entry *entry = intern(spans, value);
    return entry ? (struct text){entry->key, entry->key_bytes} : (struct text){NULL, 0};
}

struct text spans_text(struct spans *spans, struct text value)
{
    if (value.length <= INTERN_MAX_BYTES)
        return spans_intern(spans, value);
    const char *copy = arena_copy(&spans->arena, value.data, value.length);
    return (struct text){copy, copy ? value.length : 0};
}

const struct otlp_value *otlp_find(const struct otlp_attributes *attributes, const char *key)
{
    for (uint32_t i = 0; i < attributes->count; i++) {
        if (text_is(attributes->items[i].key, key))
            return &attributes->items[i].value;
    }
    return NULL;
}

struct text otlp_find_text(const struct otlp_attributes *attributes, const char *key)
{
    const struct otlp_value *value = otlp_find(attributes, key);
    return value && value->type == OTLP_TEXT ? value->text : empty_text;
}

int64_t otlp_find_i64(const struct otlp_attributes *attributes, const char *key, int64_t otherwise)
{
    const struct otlp_value *value = otlp_find(attributes, key);
    return value && value->type == OTLP_I64 ? value->i64 : otherwise;
}

bool otlp_span_is_root(const struct otlp_span *span)
{
    static const uint8_t none[8];
    return memcmp(span->parent_id, none, sizeof(none)) == 0;
}
