/* Trace ids that we know of: grows up to a required maximum, what comes later is not remembered.
 * One owner, no locks. {0} with id_set_init. */
#ifndef CULPRIT_LOADGEN_BASE_ID_SET_H
#define CULPRIT_LOADGEN_BASE_ID_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"

struct id_block;

struct id_set {
    struct map map;
    struct id_block *blocks; /* the ids themselves, which the map borrows */
};

void id_set_init(struct id_set *set, size_t max_count);
void id_set_release(struct id_set *set);
void id_set_add(struct id_set *set, const uint8_t id[16]);
bool id_set_has(const struct id_set *set, const uint8_t id[16]);

#endif
