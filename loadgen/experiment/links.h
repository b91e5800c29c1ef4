/* Addresses of the page at which what a run found can be looked at. Pure but for links_base's look
 * at a file; never allocates. */
#ifndef CULPRIT_LOADGEN_EXPERIMENT_LINKS_H
#define CULPRIT_LOADGEN_EXPERIMENT_LINKS_H

#include <stdint.h>

#include "loadgen/experiment/lab.h"
#include "loadgen/window/window.h"

enum { LINKS_MAX = 384 };

/* Where the page answers: the system under test where it is somebody's and runs on; the usual port,
 * where `culprit open` listens, when the traces were kept; NULL where there is nothing to look at.
 * After lab_close. */
const char *links_base(const struct lab_config *config, const struct target *target);

/* One trace. */
void links_trace(char out[LINKS_MAX], const char *base, const uint8_t trace_id[16]);

/* What the diagnosis says of `now` against `before` (NULL: against nothing). In tenths of a second,
 * outwards, so that an address is short and has every request in it. */
void links_findings(char out[LINKS_MAX], const char *base, const struct window_result *now,
                    const struct window_result *before);

#endif
