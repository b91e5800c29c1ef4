#include "loadgen/base/id_set.h"

#include <stdlib.h>
#include <string.h>

struct id_block {
    struct id_block *next;
    size_t count;
    uint8_t ids[1024][16];
};

void id_set_init(struct id_set *set, size_t max_count)
{
    set->blocks = NULL;
    map_init(&set->map, max_count);
}

void id_set_release(struct id_set *set)
{
    map_release(&set->map);
    while (set->blocks) {
        struct id_block *next = set->blocks->next;
        free(set->blocks);
        set->blocks = next;
    }
}

void id_set_add(struct id_set *set, const uint8_t id[16])
{
    struct id_block *block = set->blocks;
    if (set->map.count >= set->map.max_count || map_find(&set->map, id, 16))
        return;
    if (!block || block->count == sizeof block->ids / sizeof block->ids[0]) {
        block = malloc(sizeof *block);
        if (!block)
            return;
        block->next = set->blocks;
        block->count = 0;
        set->blocks = block;
    }
    memcpy(block->ids[block->count], id, 16);
    if (map_put(&set->map, block->ids[block->count], 16, NULL))
        block->count++;
}

bool id_set_has(const struct id_set *set, const uint8_t id[16])
{
    return map_find(&set->map, id, 16) != NULL;
}
