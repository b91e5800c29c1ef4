#include "trace/retry.h"

#include "base/clock.h"

static const uint64_t first_ns = 200 * NS_PER_MS;
static const uint64_t most_ns = 5 * NS_PER_S;

bool retry_is_due(enum status post, unsigned status_code)
{
    static const unsigned codes[] = {429, 502, 503, 504};
    if (post != STATUS_OK)
        return post == STATUS_CLOSED || post == STATUS_REFUSED || post == STATUS_IO ||
               post == STATUS_TIMEOUT;
    for (unsigned i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i] == status_code)
            return true;
    return false;
}

uint64_t retry_delay_ns(unsigned attempt, uint64_t retry_after_ns, struct rng *rng)
{
    uint64_t delay_ns = first_ns;
    if (retry_after_ns > 0)
        return retry_after_ns;
    for (unsigned i = 0; i < attempt && delay_ns < most_ns; i++)
        delay_ns *= 2;
    if (delay_ns > most_ns)
        delay_ns = most_ns;
    return delay_ns / 2 + rng_below(rng, delay_ns / 2 + 1);
}
