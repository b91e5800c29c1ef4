/* Open-addressing hash table from byte keys to one uint64_t: ids and interned names.
 *
 * Keys are borrowed: the caller keeps their bytes alive and unchanged while they are in the map
 * (an arena serves). Keyed hash (base/hash.h), linear probing, at most 7/8 full; grows up to a
 * required maximum of entries. Removal leaves no tombstones (back-shift). One owner, no locks. */
#ifndef CULPRIT_BASE_MAP_H
#define CULPRIT_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct map_entry {
    const void *key; /* NULL: free */
    uint32_t key_bytes;
    uint32_t hash;
    uint64_t value;
};

struct map {
    struct map_entry *entries;
    size_t capacity; /* power of two, or 0 */
    size_t count;
    size_t max_count;
};

void map_init(struct map *map, size_t max_count);
void map_release(struct map *map);
void map_clear(struct map *map);

/* Pointer to the value, good until the next put or remove; NULL when absent. */
uint64_t *map_find(const struct map *map, const void *key, size_t key_bytes);

/* Finds or adds (value 0 then; *added says which, may be NULL). NULL: full or out of memory. */
uint64_t *map_put(struct map *map, const void *key, size_t key_bytes, bool *added);

/* true when it was there. */
bool map_remove(struct map *map, const void *key, size_t key_bytes);

/* Walks all entries in no order: start with *cursor = 0; NULL at the end. The map must not change
 * meanwhile, except that values may. */
struct map_entry *map_next(const struct map *map, size_t *cursor);

#endif
