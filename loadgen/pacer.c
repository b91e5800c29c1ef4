#include "loadgen/pacer.h"

#include <math.h>

__extension__ typedef unsigned __int128 wide;

#define NS_MICRO          1000000000000000ull /* nanoseconds in a million seconds */
#define DURATION_MAX_NS   (10ull * 366 * 86400 * 1000000000)
#define RATE_MICRO_FACTOR 1e6

enum status pacer_init(struct pacer *pacer, double rate, uint64_t start_ns, uint64_t duration_ns)
{
    *pacer = (struct pacer){.start_ns = start_ns};
    if (!(rate >= 1 / RATE_MICRO_FACTOR && rate <= PACER_RATE_MAX) || duration_ns == 0)
        return STATUS_INVALID;
    if (duration_ns > DURATION_MAX_NS || start_ns > UINT64_MAX - duration_ns)
        return STATUS_TOO_LARGE;
    uint64_t rate_micro = (uint64_t)llround(rate * RATE_MICRO_FACTOR);
    /* The indexes whose offset lies below the duration: i * NS_MICRO / rate < duration. */
    wide count = ((wide)duration_ns * rate_micro + NS_MICRO - 1) / NS_MICRO;
    if (count > PACER_COUNT_MAX)
        return STATUS_TOO_LARGE;
    pacer->rate_micro = rate_micro;
    pacer->count = (uint64_t)count;
    return STATUS_OK;
}

uint64_t pacer_due_ns(const struct pacer *pacer, uint64_t index)
{
    if (pacer->rate_micro == 0)
        return PACER_NEVER;
    wide offset_ns = (wide)index * NS_MICRO / pacer->rate_micro;
    return offset_ns < PACER_NEVER - pacer->start_ns ? pacer->start_ns + (uint64_t)offset_ns
                                                     : PACER_NEVER;
}

uint64_t pacer_next_ns(const struct pacer *pacer)
{
    return pacer->taken < pacer->count ? pacer_due_ns(pacer, pacer->taken) : PACER_NEVER;
}

bool pacer_take(struct pacer *pacer, uint64_t now_ns, uint64_t *index, uint64_t *due_ns)
{
    if (pacer->taken >= pacer->count)
        return false;
    uint64_t next_ns = pacer_due_ns(pacer, pacer->taken);
    if (next_ns > now_ns)
        return false;
    *index = pacer->taken++;
    *due_ns = next_ns;
    return true;
}

void pacer_stop(struct pacer *pacer)
{
    pacer->count = pacer->taken;
}
