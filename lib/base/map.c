#include "base/map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

enum { CAPACITY_MIN = 16 };

void map_init(struct map *map, size_t max_count)
{
    *map = (struct map){.max_count = max_count};
}

void map_release(struct map *map)
{
    free(map->entries);
    map_init(map, map->max_count);
}

void map_clear(struct map *map)
{
    if (map->entries)
        memset(map->entries, 0, map->capacity * sizeof(*map->entries));
    map->count = 0;
}

static bool holds(const struct map_entry *entry, uint32_t hash, const void *key, size_t key_bytes)
{
    return entry->hash == hash && entry->key_bytes == key_bytes &&
           (key_bytes == 0 || memcmp(entry->key, key, key_bytes) == 0);
}

/* The key's place, or the free one where it would go. The table is never full, so this ends. */
static struct map_entry *place_of(const struct map *map, uint32_t hash, const void *key,
                                  size_t key_bytes)
{
    const size_t mask = map->capacity - 1;
    size_t at = hash & mask;
    while (map->entries[at].key && !holds(&map->entries[at], hash, key, key_bytes))
        at = (at + 1) & mask;
    return &map->entries[at];
}

uint64_t *map_find(const struct map *map, const void *key, size_t key_bytes)
{
    if (map->count == 0)
        return NULL;
    struct map_entry *entry = place_of(map, (uint32_t)hash_bytes(key, key_bytes), key, key_bytes);
    return entry->key ? &entry->value : NULL;
}

static bool grow(struct map *map)
{
    const size_t capacity = map->capacity ? map->capacity * 2 : CAPACITY_MIN;
    if (capacity > (size_t)1 << 31) /* only 32 bits of the hash are kept */
        return false;
    struct map_entry *entries = calloc(capacity, sizeof(*entries));
    if (!entries)
        return false;
    struct map_entry *old = map->entries;
    const size_t old_capacity = map->capacity;
    map->entries = entries;
    map->capacity = capacity;
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i].key)
            *place_of(map, old[i].hash, old[i].key, old[i].key_bytes) = old[i];
    }
    free(old);
    return true;
}

uint64_t *map_put(struct map *map, const void *key, size_t key_bytes, bool *added)
{
    const uint32_t hash = (uint32_t)hash_bytes(key, key_bytes);
    struct map_entry *entry = map->capacity ? place_of(map, hash, key, key_bytes) : NULL;
    if (added)
        *added = false;
    if (entry && entry->key)
        return &entry->value;
    if (map->count >= map->max_count || key_bytes > UINT32_MAX)
        return NULL;
    if (map->count + 1 > map->capacity / 8 * 7) {
        if (!grow(map))
            return NULL;
        entry = place_of(map, hash, key, key_bytes);
    }
    assert(entry); /* there is room now, so there is a place */
    /* NULL marks a free place, but is a fair address of no bytes. */
    *entry = (struct map_entry){key ? key : "", (uint32_t)key_bytes, hash, 0};
    map->count++;
    if (added)
        *added = true;
    return &entry->value;
}

/* Moves the entries behind a hole up, where their probe would pass the hole (Knuth 6.4, R). */
static void close_hole(struct map *map, size_t hole)
{
    const size_t mask = map->capacity - 1;
    for (size_t at = (hole + 1) & mask; map->entries[at].key; at = (at + 1) & mask) {
        const size_t home = map->entries[at].hash & mask;
        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        map->entries[hole] = map->entries[at];
        hole = at;
    }
    map->entries[hole] = (struct map_entry){0};
}

bool map_remove(struct map *map, const void *key, size_t key_bytes)
{
    if (map->count == 0)
        return false;
    struct map_entry *entry = place_of(map, (uint32_t)hash_bytes(key, key_bytes), key, key_bytes);
    if (!entry->key)
        return false;
    map->count--;
    close_hole(map, (size_t)(entry - map->entries));
    return true;
}

struct map_entry *map_next(const struct map *map, size_t *cursor)
{
    while (*cursor < map->capacity) {
        struct map_entry *entry = &map->entries[(*cursor)++];
        if (entry->key)
            return entry;
    }
    return NULL;
}
