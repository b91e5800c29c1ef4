#include "loadgen/compare/compare_blocks.h"

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

/* Within its bucket as many parts of the way as of its requests are below: buckets are 3 % wide,
 * and what is looked for is not much more. NAN where it is unknown. */
static double log_quantile(const struct load_slot *slot, double q)
{
    const double rank = slot->due * q;
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

/* All blocks of both sides, and behind them what they add up to. */
struct pieces {
    struct load_slot slots[COMPARE_BLOCKS + 1][2];
    size_t count;
};

static void add_slot(struct load_slot *into, const struct load_slot *from, int sign)
{
    into->due += (uint32_t)sign * from->due;
    into->failed += (uint32_t)sign * from->failed;
    into->censored += (uint32_t)sign * from->censored;
    for (size_t i = 0; i < LOAD_TIMELINE_BUCKETS; i++)
        into->buckets[i] += (uint32_t)sign * from->buckets[i];
}

static void gather(const struct compare_side sides[2], size_t step, size_t slot,
                   struct load_slot into[2])
{
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < sides[side].count; i++)
            add_slot(&into[side], load_timeline_slot(&sides[side].parts[i]->timeline, step, slot),
                     1);
}

/* Pieces that have too few requests are forgotten. */
static void end_piece(struct pieces *pieces)
{
    struct load_slot *piece = pieces->slots[pieces->count];
    if (piece[0].due >= BLOCK_REQUESTS_LEAST && piece[1].due >= BLOCK_REQUESTS_LEAST)
        pieces->count++;
    else
        memset(piece, 0, 2 * sizeof(*piece));
}

static void cut(const struct compare_side sides[2], size_t step, struct pieces *pieces)
{
    const size_t slot_count = sides[0].parts[0]->timeline.slot_count;
    uint64_t total = 0, so_far = 0;
    for (size_t slot = 0; slot < slot_count; slot++)
        total += due_of(&sides[0], step, slot);
    for (size_t slot = 0, number = 1; slot < slot_count; slot++) {
        gather(sides, step, slot, pieces->slots[pieces->count]);
        so_far += due_of(&sides[0], step, slot);
        /* the last piece has what is due behind the last request of the first side as well */
        if (number == COMPARE_BLOCKS ? slot + 1 < slot_count
                                     : so_far * COMPARE_BLOCKS < total * number)
            continue;
        end_piece(pieces);
        while (so_far * COMPARE_BLOCKS >= total * number && number < COMPARE_BLOCKS)
            number++;
    }
}

static double shift_of(const struct load_slot sides[2], double q)
{
    return log_quantile(&sides[1], q) - log_quantile(&sides[0], q);
}

/* The jackknife's pseudo-values (Tukey 1958): their mean's variance is that of the whole shift, and
 * a block that stalled counts for no more than it moves the quantile of all. */
static size_t take_quantile(struct pieces *pieces, double q, double values[COMPARE_BLOCKS])
{
    struct load_slot *all = pieces->slots[COMPARE_BLOCKS];
    const double others = (double)pieces->count - 1, whole = shift_of(all, q);
    size_t count = 0;
    for (size_t i = 0; i < pieces->count; i++) {
        for (int side = 0; side < 2; side++)
            add_slot(&all[side], &pieces->slots[i][side], -1);
        const double without = shift_of(all, q);
        for (int side = 0; side < 2; side++)
            add_slot(&all[side], &pieces->slots[i][side], 1);
        if (isfinite(whole) && isfinite(without))
            values[count++] = whole + others * (whole - without);
    }
    return count;
}

static void take_shares(const struct load_slot piece[2], size_t tail_from,
                        struct compare_blocks *out)
{
    double tail[2], errors[2];
    for (int side = 0; side < 2; side++) {
        const double due = piece[side].due;
        tail[side] = (double)compare_blocks_count_above(&piece[side], tail_from) / due;
        errors[side] = piece[side].failed / due;
    }
    out->tail[out->count] = tail[1] - tail[0];
    out->errors[out->count++] = errors[1] - errors[0];
}

bool compare_blocks_of(const struct compare_side sides[2], size_t step, size_t tail_from,
                       struct compare_blocks *out)
{
    *out = (struct compare_blocks){0};
    struct pieces *pieces = calloc(1, sizeof(*pieces));
    if (pieces == NULL)
        return false;
    cut(sides, step, pieces);
    for (size_t i = 0; i < pieces->count; i++) {
        for (int side = 0; side < 2; side++)
            add_slot(&pieces->slots[COMPARE_BLOCKS][side], &pieces->slots[i][side], 1);
        take_shares(pieces->slots[i], tail_from, out);
    }
    out->body_count = take_quantile(pieces, 0.5, out->body);
    out->quick_count = take_quantile(pieces, COMPARE_QUICK, out->quick);
    free(pieces);
    return true;
}
