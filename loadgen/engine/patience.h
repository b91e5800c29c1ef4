/* Whether a loop may leave answers unread until its next request is due: one wake-up a request
 * where there were two. It may where nothing follows from any answer, and where it is known when
 * each one came (loadgen/engine/arrival.h).
 *
 * What came in pieces and is read at once has the time of its last piece only. So from time to time
 * an answer is waited for, and only after one that came whole may some be left unread: the time to
 * the first byte is late by PATIENCE_REST_NS at most, and only where answers are of both kinds.
 * Pure. */
#ifndef CULPRIT_LOADGEN_ENGINE_PATIENCE_H
#define CULPRIT_LOADGEN_ENGINE_PATIENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

enum { PATIENCE_RESTS_MAX = 64 };  /* after one that was waited for */
#define PATIENCE_REST_NS NS_PER_MS /* the longest */

/* Empty at first. */
struct patience {
    size_t hurried;      /* requests in flight that somebody waits for */
    unsigned rests_left; /* until the next one is waited for */
    bool has_rested;     /* since the sockets were looked at */
};

/* An answer came. `is_exact`: whole, at once, and stamped. */
void patience_learn(struct patience *patience, bool is_exact);

/* Nothing needs to be read from now until then. */
bool patience_allows(const struct patience *patience, uint64_t now_ns, uint64_t until_ns);

#endif
