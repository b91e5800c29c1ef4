/* Spans that exporters had to drop, over all services and ourselves, as their own counters say. */
#ifndef CULPRIT_LOADGEN_DROPS_H
#define CULPRIT_LOADGEN_DROPS_H

#include <stdint.h>

#include "loadgen/target.h"

struct drops {
    uint64_t spans;  /* dropped or refused */
    uint64_t silent; /* services that did not answer */
};

/* Reads /metrics of every service of the target that has them, and our own counters. */
struct drops drops_read(const struct target *target);

#endif
