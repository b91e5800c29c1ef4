/* Finds what a lost context tore off: traces that no request of ours has the id of, at the services
 * whose spans are missing, within a window. Joining them to their callers is the diagnosis' work.
 */
#ifndef CULPRIT_LOADGEN_WINDOW_FRAGMENTS_H
#define CULPRIT_LOADGEN_WINDOW_FRAGMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "loadgen/window/complete.h"
#include "loadgen/window/readback.h"

struct fragments_window {
    const char *query_url;
    const struct plan *plans; /* READBACK_STEPS of them */
    uint64_t start_wall_ns, end_wall_ns;
    uint64_t deadline_ns; /* of the whole search */
};

struct fragments {
    uint64_t traces, spans;
    uint64_t restored;          /* missing spans that were found in them */
    uint64_t requests_restored; /* at least so many requests have all their spans now */
    bool is_cut;                /* the deadline passed, or an answer was cut */
};

/* Searches the callees of `readback`'s missing spans; fragments go into its sample. Does nothing
 * where nothing is missing. STATUS_OK also when nothing was found; others as fetch_do's. */
MUST_CHECK enum status fragments_search(struct readback *readback,
                                        const struct fragments_window *window,
                                        struct fragments *out, struct error *error);

#endif
