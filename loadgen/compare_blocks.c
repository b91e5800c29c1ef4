#include "loadgen/compare_blocks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_REQUESTS_LEAST = 10 };

size_t compare_blocks_bucket_above(uint64_t ns)
{
    size_t index = 0;
    while (index + 1 < LOAD_TIMELINE_BUCKETS && load_timeline_bucket_ns(index) <= ns)
        index++;
    return index;
}

uint64_t compare_blocks_count_above(const struct load_slot *slot, size_t tail_from)
{
    uint64_t count = slot->censored;
    for (size_t i = tail_from; i < LOAD_TIMELINE_BUCKETS; i++)
        count += slot->buckets[i];
    return count;
}

static uint64_t due_of(const struct compare_side *side, size_t step, size_t slot)
{
    uint64_t due = 0;
    for (size_t i = 0; i < side->count; i++)
        due += load_timeline_slot(&side->parts[i]->timeline, step, slot)->due;
    return due;
}

static void gather(const struct compare_side *side, size_t step, size_t slot,
                   struct load_slot *into)
{
    for (size_t i = 0; i < side->count; i++) {
        const struct load_slot *from = load_timeline_slot(&side->parts[i]->timeline, step, slot);
        into->due += from->due;
        into->failed += from->failed;
        into->censored += from->censored;
        for (size_t k = 0; k < LOAD_TIMELINE_BUCKETS; k++)
            into->buckets[k] += from->buckets[k];
    }
}

/* Within its bucket as many parts of the way as of its requests are below: buckets are 3 % wide,
 * and what is looked for is not much more. NAN where it is unknown. */
static double log_median(const struct load_slot *slot)
{
    const double rank = slot->due / 2.0;
    double seen = 0;
    for (size_t i = 1; i < LOAD_TIMELINE_BUCKETS; i++) {
        const double here = slot->buckets[i];
        if (here > 0 && seen + here >= rank) {
            const double middle = (double)load_timeline_bucket_ns(i);
            const double width = middle - (double)load_timeline_bucket_ns(i - 1);
            return log(middle + width * ((rank - seen) / here - 0.5));
        }
        seen += here;
    }
    return NAN;
}

static void compare_block(const struct load_slot block[2], size_t tail_from,
                          struct compare_blocks *out)
{
    if (block[0].due < BLOCK_REQUESTS_LEAST || block[1].due < BLOCK_REQUESTS_LEAST ||
        out->count == COMPARE_BLOCKS)
        return;
    double tail[2], errors[2];
    for (int side = 0; side < 2; side++) {
        const double due = block[side].due;
        tail[side] = (double)compare_blocks_count_above(&block[side], tail_from) / due;
        errors[side] = block[side].failed / due;
    }
    out->tail[out->count] = tail[1] - tail[0];
    out->errors[out->count++] = errors[1] - errors[0];
    const double shift = log_median(&block[1]) - log_median(&block[0]);
    if (isfinite(shift))
        out->body[out->body_count++] = shift;
}

bool compare_blocks_of(const struct compare_side sides[2], size_t step, size_t tail_from,
                       struct compare_blocks *out)
{
    *out = (struct compare_blocks){0};
    const size_t slot_count = sides[0].parts[0]->timeline.slot_count;
    uint64_t total = 0, so_far = 0;
    for (size_t slot = 0; slot < slot_count; slot++)
        total += due_of(&sides[0], step, slot);
    struct load_slot *block = calloc(2, sizeof(*block));
    if (block == NULL)
        return false;
    for (size_t slot = 0, number = 1; slot < slot_count; slot++) {
        gather(&sides[0], step, slot, &block[0]);
        gather(&sides[1], step, slot, &block[1]);
        so_far += due_of(&sides[0], step, slot);
        if (so_far * COMPARE_BLOCKS < total * number && slot + 1 < slot_count)
            continue;
        if (so_far == total) /* the end, with what is due behind the last slot */
            for (; slot + 1 < slot_count; slot++)
                gather(&sides[1], step, slot + 1, &block[1]);
        compare_block(block, tail_from, out);
        memset(block, 0, 2 * sizeof(*block));
        while (so_far * COMPARE_BLOCKS >= total * number && number < COMPARE_BLOCKS)
            number++;
    }
    free(block);
    return true;
}
