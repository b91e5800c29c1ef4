/* Places in traces as a person names them, and what each trace has there: how many spans, how much
 * time. A path goes downwards from service and operation to service and operation; other spans may
 * lie in between.
 *
 * Pure, as the rest of this room; everything is in the caller's arena. No locks. */
#ifndef CULPRIT_DIAGNOSE_SPAN_PATH_H
#define CULPRIT_DIAGNOSE_SPAN_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "diagnose/span_pattern.h"
#include "diagnose/tree.h"

enum { SPAN_PATH_MAX = 4 };

struct span_path {
    struct span_pattern steps[SPAN_PATH_MAX]; /* from the top down */
    size_t count;                             /* at least 1 */
};

/* What one trace has at the end of the path. */
struct span_path_reading {
    const uint8_t *trace_id; /* borrowed from the spans */
    bool is_whole;           /* one root, no orphan: nothing of it is known to be missing */
    uint64_t count;          /* of spans */
    double covered_ms;       /* time in which at least one of them was open */
};

struct span_path_readings {
    struct span_path_reading *items; /* of each trace that has the path's steps but the last */
    size_t count;
};

/* STATUS_NO_MEMORY: the arena's maximum. */
MUST_CHECK enum status span_path_read(const struct span_path *path, const struct forest *forest,
                                      struct arena *arena, struct span_path_readings *out);

#endif
