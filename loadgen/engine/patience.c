#include "loadgen/engine/patience.h"

void patience_learn(struct patience *patience, bool is_exact)
{
    if (!is_exact)
        patience->rests_left = 0;
    else if (patience->rests_left == 0 && !patience->has_rested)
        patience->rests_left = PATIENCE_RESTS_MAX;
}

bool patience_allows(const struct patience *patience, uint64_t now_ns, uint64_t until_ns)
{
    return patience->hurried == 0 && patience->rests_left > 0 && until_ns > now_ns &&
           until_ns - now_ns <= PATIENCE_REST_NS;
}
