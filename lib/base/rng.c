#include "base/rng.h"

#include <errno.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"

/* splitmix64 (Steele, Lea, Flood 2014): never four zeros in a row, so no seed is bad. */
static uint64_t splitmix(uint64_t *state)
{
    uint64_t value = *state += 0x9e3779b97f4a7c15u;
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
    value = (value ^ value >> 27) * 0x94d049bb133111ebu;
    return value ^ value >> 31;
}

void rng_seed(struct rng *rng, uint64_t seed)
{
    for (size_t i = 0; i < 4; i++)
        rng->state[i] = splitmix(&seed);
}

void rng_seed_entropy(struct rng *rng)
{
    if (rng_secret(rng->state, sizeof(rng->state)) == STATUS_OK &&
        (rng->state[0] | rng->state[1] | rng->state[2] | rng->state[3]) != 0)
        return;
    uint64_t mix = clock_wall_ns();
    mix = splitmix(&mix) ^ clock_mono_ns();
    mix = splitmix(&mix) ^ (uint64_t)getpid();
    mix = splitmix(&mix) ^ (uint64_t)(uintptr_t)rng;
    rng_seed(rng, mix);
}

uint64_t rng_below(struct rng *rng, uint64_t bound)
{
    __extension__ typedef unsigned __int128 wide;
    if (bound == 0)
        return 0;
    wide product = (wide)rng_next(rng) * bound;
    if ((uint64_t)product < bound) {
        const uint64_t threshold = (0 - bound) % bound;
        while ((uint64_t)product < threshold)
            product = (wide)rng_next(rng) * bound;
    }
    return (uint64_t)(product >> 64);
}

double rng_double(struct rng *rng)
{
    return (double)(rng_next(rng) >> 11) * 0x1p-53;
}

enum status rng_secret(void *bytes, size_t length_bytes)
{
    uint8_t *at = bytes;
    while (length_bytes > 0) {
        const ssize_t count = getrandom(at, length_bytes, 0);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return STATUS_IO;
        at += count;
        length_bytes -= (size_t)count;
    }
    return STATUS_OK;
}
