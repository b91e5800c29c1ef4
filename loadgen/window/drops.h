/* Spans that were lost on their way, as all who had them say: services and ourselves that dropped
 * them, the back end that refused them or lost them. */
#ifndef CULPRIT_LOADGEN_WINDOW_DROPS_H
#define CULPRIT_LOADGEN_WINDOW_DROPS_H

#include <stddef.h>
#include <stdint.h>

#include "loadgen/base/target.h"

enum { DROPS_SOURCES_MAX = TARGET_ENDPOINTS_MAX + 2, DROPS_WHERE_MAX = 200 };

struct drops_source {
    char name[32]; /* of the endpoint; "culprit" is ourselves, "back end" what was refused there */
    uint64_t spans;
};

/* What was lost since each one's start. A plain value. */
struct drops {
    struct drops_source sources[DROPS_SOURCES_MAX];
    size_t count;
    size_t silent; /* services that did not answer */
};

/* Reads /metrics of every endpoint of the target that has them, and our own counters. */
void drops_read(const struct target *target, struct drops *out);

/* What was lost between two readings. */
struct drops_lost {
    uint64_t spans;
    size_t silent;               /* who did not answer the second time */
    char where[DROPS_WHERE_MAX]; /* "cart 12, culprit 3", cut; empty when nothing was lost */
};

/* One that started again in between has counted from nothing. */
void drops_between(const struct drops *before, const struct drops *after, struct drops_lost *out);

/* Lost by somebody else who says so. */
void drops_add(struct drops_lost *lost, const char *name, uint64_t spans);

#endif
