#include "base/durations.h"

const struct durations_bound durations_bounds[DURATIONS_BOUNDS] = {
    {5000000, "0.005"},  {10000000, "0.01"},  {25000000, "0.025"}, {50000000, "0.05"},
    {75000000, "0.075"}, {100000000, "0.1"},  {250000000, "0.25"}, {500000000, "0.5"},
    {750000000, "0.75"}, {1000000000, "1"},   {2500000000, "2.5"}, {5000000000, "5"},
    {7500000000, "7.5"}, {10000000000, "10"},
};

size_t durations_bucket(uint64_t duration_ns)
{
    size_t bucket = 0;
    while (bucket < DURATIONS_BOUNDS && duration_ns > durations_bounds[bucket].most_ns)
        bucket++;
    return bucket;
}

void durations_add(struct durations *durations, uint64_t duration_ns)
{
    durations->count++;
    durations->sum_ns += duration_ns;
    durations->buckets[durations_bucket(duration_ns)]++;
}
