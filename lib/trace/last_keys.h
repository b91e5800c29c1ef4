/* Which attributes of a list count: of equal keys the last, none without a key. Keys are
 * equal when they are sent as one: with '?' for each byte that is not UTF-8. Looked at in order;
 * the work grows with the count, and with its square only a 64th as fast. Never allocates. */
#ifndef CULPRIT_TRACE_LAST_KEYS_H
#define CULPRIT_TRACE_LAST_KEYS_H

#include "trace/attribute.h"

struct last_keys {
    const struct attribute *items;
    size_t count;
    uint64_t bits; /* of the 64 items that are being looked at; {items, count, 0} to begin with */
};

/* For `at` 0, 1, 2 and so on, each of them. */
bool last_keys_next(struct last_keys *keys, size_t at);

#endif
