/* A window by several event loops, a thread each: loop i of n takes every n-th flow of the one
 * schedule, so that all of them together send what one would. The calling thread waits, and hands
 * what ended to observer and teller: neither keeps a loop from its work, and neither needs a lock.
 */
#ifndef CULPRIT_LOADGEN_WINDOW_WINDOW_LOOPS_H
#define CULPRIT_LOADGEN_WINDOW_WINDOW_LOOPS_H

#include "base/status.h"
#include "loadgen/window/window.h"

enum { WINDOW_LOOPS_MAX = 64 };

/* As window_run; `part` and `parts` are of this process, whose loops share its part. STATUS_INVALID
 * also where there are no loops or more than WINDOW_LOOPS_MAX, STATUS_TOO_LARGE where requests
 * ended faster than the calling thread looked at them. */
MUST_CHECK enum status window_loops_run(const struct window_config *config, unsigned loops,
                                        struct window_result *result, struct error *error);

#endif
