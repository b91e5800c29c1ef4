/* xoshiro256** (Blackman, Vigna 2018), seeded through splitmix64. The only source of chance: the
 * same seed gives the same run. Not for secrets, except rng_secret().
 * A `struct rng` belongs to one thread at a time; never allocates. */
#ifndef CULPRIT_BASE_RNG_H
#define CULPRIT_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct rng {
    uint64_t state[4];
};

/* Seeds from a number; every seed, 0 too, is good. */
void rng_seed(struct rng *rng, uint64_t seed);

/* Seeds from getrandom(2); falls back to clocks and the process id where that fails. */
void rng_seed_entropy(struct rng *rng);

static inline uint64_t rng_rotated(uint64_t value, int by)
{
    return value << by | value >> (64 - by);
}

/* Here, not in rng.c: ids are drawn on paths that count nanoseconds. */
static inline uint64_t rng_next(struct rng *rng)
{
    uint64_t *s = rng->state;
    const uint64_t result = rng_rotated(s[1] * 5, 7) * 9;
    const uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rng_rotated(s[3], 45);
    return result;
}

/* Uniform in [0, bound) without modulo bias (Lemire 2019); bound 0 gives 0. */
uint64_t rng_below(struct rng *rng, uint64_t bound);

/* Uniform in [0, 1). */
double rng_double(struct rng *rng);

/* Fills `bytes` from getrandom(2), for tokens. STATUS_IO: nothing that may be used. */
MUST_CHECK enum status rng_secret(void *bytes, size_t length_bytes);

#endif
