#include "loadgen/load/load_examples.h"

#include <string.h>

/* Into its place among the slowest, where it has one. */
static void rank(struct load_examples *examples, const struct load_example *example)
{
    size_t at = examples->slow_count;
    while (at > 0 && examples->slowest[at - 1].latency_ns < example->latency_ns)
        at--;
    if (at == LOAD_EXAMPLES_MAX)
        return;
    if (examples->slow_count < LOAD_EXAMPLES_MAX)
        examples->slow_count++;
    memmove(&examples->slowest[at + 1], &examples->slowest[at],
            (examples->slow_count - 1 - at) * sizeof(*example));
    examples->slowest[at] = *example;
}

static void keep_failed(struct load_examples *examples, const struct load_example *example)
{
    if (examples->failed_count < LOAD_EXAMPLES_MAX)
        examples->failed[examples->failed_count++] = *example;
}

void load_examples_add(struct load_examples *examples, const struct load_sample *sample)
{
    static const uint8_t none[16];
    struct load_example example = {.latency_ns = load_sample_latency_ns(sample)};
    if (memcmp(sample->trace_id, none, sizeof(none)) == 0)
        return;
    memcpy(example.trace_id, sample->trace_id, sizeof(example.trace_id));
    rank(examples, &example);
    if (sample->outcome != LOAD_OK)
        keep_failed(examples, &example);
}

void load_examples_merge(struct load_examples *into, const struct load_examples *from)
{
    for (size_t i = 0; i < from->slow_count; i++)
        rank(into, &from->slowest[i]);
    for (size_t i = 0; i < from->failed_count; i++)
        keep_failed(into, &from->failed[i]);
}
