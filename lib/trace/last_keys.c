#include "trace/last_keys.h"

#include <string.h>

#include "base/hash.h"

/* Up to so many are compared each with each; beyond, a table of some at a time knows which of them
 * a later one may be equal to. */
enum { FEW = 16, SOME = 64, PLACES = 128, HASHED_MAX = 128 };

struct place {
    uint32_t hash;
    uint32_t at; /* + 1, 0: free */
};

/* A key's next character as it is sent: '?' for each byte that is not UTF-8. */
static struct text next(struct text *key)
{
    size_t length = text_utf8_length(*key);
    struct text sent = length > 0 ? (struct text){key->data, length} : TEXT_LITERAL("?");
    length = length > 0 ? length : 1;
    *key = (struct text){key->data + length, key->length - length};
    return sent;
}

/* One key once they are sent. */
static bool is_same(struct text a, struct text b)
{
    size_t same = 0;
    if (a.length != b.length)
        return false;
    while (same < a.length && a.data[same] == b.data[same])
        same++;
    if (same == a.length)
        return true;
    if (((a.data[same] | b.data[same]) & 0x80) == 0)
        return false;
    while (a.length > 0)
        if (!text_equal(next(&a), next(&b)))
            return false;
    return true;
}

/* The same for keys that are one. */
static uint32_t hash_of(struct text key)
{
    char sent[HASHED_MAX];
    size_t filled = 0;
    key.length = key.length < sizeof sent ? key.length : sizeof sent;
    if (text_utf8_prefix(key) == key.length)
        return (uint32_t)hash_bytes(key.data, key.length);
    while (key.length > 0) {
        struct text character = next(&key);
        memcpy(sent + filled, character.data, character.length);
        filled += character.length;
    }
    return (uint32_t)hash_bytes(sent, filled);
}

static bool is_last(const struct attribute *items, size_t count, size_t at)
{
    for (size_t i = at + 1; i < count; i++)
        if (is_same(items[i].key, items[at].key))
            return false;
    return items[at].key.length > 0;
}

/* Where the key is, or the free place where it would be. */
static struct place *find(struct place places[PLACES], const struct attribute *items,
                          struct text key, uint32_t hash)
{
    size_t at = hash % PLACES;
    while (places[at].at != 0 &&
           !(places[at].hash == hash && is_same(items[places[at].at - 1].key, key)))
        at = (at + 1) % PLACES;
    return &places[at];
}

/* Of SOME items from `from` on, a bit each. */
static uint64_t last_ones(const struct attribute *items, size_t count, size_t from)
{
    struct place places[PLACES] = {{0, 0}};
    uint64_t bits = 0;
    for (size_t i = from; i < count; i++) {
        struct text key = items[i].key;
        if (key.length == 0)
            continue;
        uint32_t hash = hash_of(key);
        struct place *place = find(places, items, key, hash);
        if (place->at != 0)
            bits &= ~(1ull << (place->at - 1 - from));
        if (i - from < SOME) {
            bits |= 1ull << (i - from);
            *place = (struct place){hash, (uint32_t)i + 1};
        }
    }
    return bits;
}

bool last_keys_next(struct last_keys *keys, size_t at)
{
    if (keys->count <= FEW)
        return is_last(keys->items, keys->count, at);
    if (at % SOME == 0)
        keys->bits = last_ones(keys->items, keys->count, at);
    return (keys->bits >> at % SOME & 1) != 0;
}
