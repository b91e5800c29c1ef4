#include "base/hash.h"

#include <endian.h>
#include <stdatomic.h>
#include <string.h>

#include "base/rng.h"

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate_left(uint64_t value, int by)
{
    return value << by | value >> (64 - by);
}

static inline void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v1 = rotate_left(s->v1, 13) ^ s->v0;
    s->v0 = rotate_left(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotate_left(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotate_left(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotate_left(s->v1, 17) ^ s->v2;
    s->v2 = rotate_left(s->v2, 32);
}

static inline void sip_word(struct sip *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    s->v0 ^= word;
}

uint64_t hash_bytes_keyed(const void *bytes, size_t length_bytes, uint64_t key0, uint64_t key1)
{
    struct sip s = {key0 ^ 0x736f6d6570736575u, key1 ^ 0x646f72616e646f6du,
                    key0 ^ 0x6c7967656e657261u, key1 ^ 0x7465646279746573u};
    const uint8_t *at = bytes;
    size_t left = length_bytes;
    for (; left >= 8; left -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof(word));
        sip_word(&s, le64toh(word));
    }
    uint64_t last = 0;
    if (left > 0)
        memcpy(&last, at, left);
    sip_word(&s, le64toh(last) | (uint64_t)length_bytes << 56);
    s.v2 ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

/* Half of the process's key, drawn at first use. Threads that race draw twice and agree on the one
 * that came first. Relaxed: the number is all there is, nothing else hangs on it. */
static uint64_t key_half(_Atomic uint64_t *half)
{
    uint64_t key = atomic_load_explicit(half, memory_order_relaxed);
    if (key != 0)
        return key;
    struct rng rng;
    rng_seed_entropy(&rng);
    const uint64_t drawn = rng_next(&rng) | 1; /* 0 means not drawn */
    if (atomic_compare_exchange_strong_explicit(half, &key, drawn, memory_order_relaxed,
                                                memory_order_relaxed))
        return drawn;
    return key;
}

uint64_t hash_bytes(const void *bytes, size_t length_bytes)
{
    static _Atomic uint64_t halves[2];
    return hash_bytes_keyed(bytes, length_bytes, key_half(&halves[0]), key_half(&halves[1]));
}
