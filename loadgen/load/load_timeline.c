#include "loadgen/load/load_timeline.h"

#include <stdlib.h>

#include "base/clock.h"

static const uint64_t sub_count = (uint64_t)1 << LOAD_TIMELINE_SUB_BITS;
static const uint64_t value_limit = (uint64_t)1 << HISTOGRAM_MAX_BITS;
static const uint64_t width_least_ns = 100 * NS_PER_MS;

/* ---- buckets: those of base/histogram.h, of fewer bits */

static size_t index_of(uint64_t value_ns)
{
    if (value_ns >= value_limit)
        return LOAD_TIMELINE_BUCKETS - 1;
    const unsigned top_bit = 63 - (unsigned)__builtin_clzll(value_ns | sub_count);
    const unsigned shift = top_bit - LOAD_TIMELINE_SUB_BITS;
    return (size_t)(shift * sub_count + (value_ns >> shift));
}

uint64_t load_timeline_bucket_ns(size_t index)
{
    const unsigned shift = index < 2 * sub_count ? 0 : (unsigned)(index / sub_count) - 1;
    const uint64_t lowest = (index - shift * sub_count) << shift;
    return lowest + (((uint64_t)1 << shift) - 1) / 2;
}

/* ---- slots */

static size_t slots_max(size_t step_count)
{
    size_t fit = LOAD_TIMELINE_BYTES_MAX / sizeof(struct load_slot) / step_count;
    return fit < LOAD_TIMELINE_SLOTS_MAX ? fit : LOAD_TIMELINE_SLOTS_MAX;
}

static uint64_t slots_over(uint64_t duration_ns, uint64_t width_ns)
{
    return duration_ns / width_ns + (duration_ns % width_ns != 0);
}

/* The narrowest of 1, 2, 5, 10, ... times the least of which few enough cover the duration. */
static uint64_t fitting_width_ns(uint64_t duration_ns, size_t slot_count)
{
    static const unsigned factors[] = {1, 2, 5};
    uint64_t decade_ns = width_least_ns;
    for (unsigned i = 0;; i++) {
        uint64_t width_ns = decade_ns * factors[i % 3];
        if (slots_over(duration_ns, width_ns) <= slot_count)
            return width_ns;
        if (i % 3 == 2)
            decade_ns *= 10;
    }
}

bool load_timeline_init(struct load_timeline *timeline, size_t step_count, uint64_t start_ns,
                        uint64_t duration_ns)
{
    size_t within = slots_max(step_count) - 1; /* one is for what comes behind */
    struct load_timeline shape = {.start_ns = start_ns, .step_count = step_count};
    shape.width_ns = fitting_width_ns(duration_ns, within);
    shape.slot_count = (size_t)slots_over(duration_ns, shape.width_ns) + 1;
    return load_timeline_init_as(timeline, &shape);
}

bool load_timeline_init_as(struct load_timeline *timeline, const struct load_timeline *shape)
{
    *timeline = *shape;
    timeline->slots = NULL;
    if (shape->step_count == 0 || shape->slot_count > slots_max(shape->step_count))
        return false;
    timeline->slots = calloc(shape->step_count * shape->slot_count, sizeof(*timeline->slots));
    return timeline->slots != NULL;
}

void load_timeline_release(struct load_timeline *timeline)
{
    free(timeline->slots);
    *timeline = (struct load_timeline){0};
}

struct load_slot *load_timeline_slot(const struct load_timeline *timeline, size_t step, size_t slot)
{
    return &timeline->slots[step * timeline->slot_count + slot];
}

uint64_t load_timeline_due(const struct load_timeline *timeline, size_t step)
{
    uint64_t due = 0;
    for (size_t i = 0; i < timeline->slot_count; i++)
        due += load_timeline_slot(timeline, step, i)->due;
    return due;
}

void load_timeline_add(struct load_timeline *timeline, const struct load_sample *sample)
{
    uint64_t into_ns =
        sample->due_ns > timeline->start_ns ? sample->due_ns - timeline->start_ns : 0;
    uint64_t at = into_ns / timeline->width_ns, last = timeline->slot_count - 1;
    struct load_slot *slot =
        load_timeline_slot(timeline, sample->step, (size_t)(at < last ? at : last));
    slot->due++;
    slot->failed += sample->outcome != LOAD_OK;
    if (sample->censored)
        slot->censored++;
    else
        slot->buckets[index_of(load_sample_latency_ns(sample))]++;
}

static void add_slot(struct load_slot *into, const struct load_slot *from)
{
    into->due += from->due;
    into->failed += from->failed;
    into->censored += from->censored;
    for (size_t i = 0; i < LOAD_TIMELINE_BUCKETS; i++)
        if (from->buckets[i] != 0) /* a page that nothing is added to stays unused */
            into->buckets[i] += from->buckets[i];
}

void load_timeline_merge(struct load_timeline *into, const struct load_timeline *from)
{
    if (into->slot_count != from->slot_count || into->width_ns != from->width_ns ||
        into->step_count != from->step_count)
        return;
    for (size_t i = 0; i < into->step_count * into->slot_count; i++)
        if (from->slots[i].due != 0)
            add_slot(&into->slots[i], &from->slots[i]);
}

uint64_t load_slot_quantile_ns(const struct load_slot *slot, double q)
{
    if (slot->due == 0)
        return 0;
    double exact = q * slot->due;
    uint64_t rank = (uint64_t)exact, seen = 0;
    rank += (double)rank < exact - exact * 1e-14; /* 0.07 * 100 is a hair over 7 */
    rank = rank == 0 ? 1 : rank > slot->due ? slot->due : rank;
    for (size_t i = 0; i < LOAD_TIMELINE_BUCKETS; i++) {
        seen += slot->buckets[i];
        if (seen >= rank)
            return load_timeline_bucket_ns(i);
    }
    return UINT64_MAX;
}
