/* How a load was driven: at which rates, or by how many users. Two runs can be compared where it
 * is the same of both. Pure; a value. */
#ifndef CULPRIT_LOADGEN_LOAD_LOAD_DRIVE_H
#define CULPRIT_LOADGEN_LOAD_LOAD_DRIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loadgen/load/schedule.h"

enum { LOAD_DRIVE_WORDS_MAX = 128 };

/* Of users who wait for their answers. */
struct load_drive_users {
    uint64_t count;
    double duration_s, ramp_s;
    double think_min_ms, think_max_ms; /* between two flows */
};

struct load_drive {
    bool is_known;                 /* else the rest is empty */
    struct load_drive_users users; /* count 0: none, but arrivals */
    struct schedule_plan arrivals;
};

/* true: they differ, and `out` (of LOAD_DRIVE_WORDS_MAX) says in what: "10 s at 100/s before, 10 s
 * at 200/s after". Both are known. */
bool load_drive_differs(const struct load_drive *before, const struct load_drive *after,
                        char out[LOAD_DRIVE_WORDS_MAX]);

#endif
