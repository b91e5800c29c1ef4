/* How one step of two sides of runs went along: the runs cut into at most COMPARE_BLOCKS pieces of
 * about as many requests each, the same slots of time on both sides, and what changed in each.
 * Where both sides send the same sequence of requests, what is due in a block takes the same on
 * both, so that differences block by block are rid of what requests differ by; how much they still
 * spread is how much the machine did. Pure; allocates only while it works. */
#ifndef CULPRIT_LOADGEN_COMPARE_COMPARE_BLOCKS_H
#define CULPRIT_LOADGEN_COMPARE_COMPARE_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loadgen/report/load_document.h"

enum { COMPARE_BLOCKS = 12, COMPARE_BLOCKS_LEAST = 6, COMPARE_REPORTS_MAX = 16 };

/* What the quickest tenth takes. */
#define COMPARE_QUICK 0.1

/* Runs under one condition. Borrowed. */
struct compare_side {
    const struct load_part *parts[COMPARE_REPORTS_MAX];
    size_t count;
};

/* After less before; tail and errors: of shares, block by block. Body and quick: of the logarithm
 * of the median of all, and of their COMPARE_QUICK quantile, as pseudo-values, one a block. Each as
 * often as could be said. */
struct compare_blocks {
    double body[COMPARE_BLOCKS], quick[COMPARE_BLOCKS], tail[COMPARE_BLOCKS],
        errors[COMPARE_BLOCKS];
    size_t body_count, quick_count, count;
};

/* The least bucket of slots that lies wholly above: where the tail begins. */
size_t compare_blocks_bucket_above(uint64_t ns);

/* Of slots alike on all parts. false: no memory. `tail_from`: of compare_blocks_bucket_above. */
bool compare_blocks_of(const struct compare_side sides[2], size_t step, size_t tail_from,
                       struct compare_blocks *out);

/* Answered in that bucket or above, or of unknown latency. */
uint64_t compare_blocks_count_above(const struct load_slot *slot, size_t tail_from);

#endif
