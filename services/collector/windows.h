/* Which windows of time a question about many traces is about, out of the words of its query.
 * Pure; never allocates. */
#ifndef CULPRIT_COLLECTOR_WINDOWS_H
#define CULPRIT_COLLECTOR_WINDOWS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

enum { WINDOWS_TRACES = 1000, WINDOWS_TRACES_MAX = 2000 };

/* As they came; NULL or "" where the query has none. */
struct windows_words {
    const char *last;       /* a duration like 15m, up to `end`; 15m without `start` */
    const char *start;      /* a time, RFC 3339 */
    const char *end;        /* now without it */
    const char *base_start; /* both or neither */
    const char *base_end;
    const char *limit; /* traces of each window: the newest; at most WINDOWS_TRACES_MAX */
};

/* [start, end) by the wall clock. */
struct windows_range {
    uint64_t start_ns, end_ns;
};

struct windows {
    struct windows_range current, baseline;
    bool has_baseline;
    uint32_t limit;
};

/* STATUS_INVALID with words for the client, who named the parameters. */
MUST_CHECK enum status windows_read(const struct windows_words *words, uint64_t now_ns,
                                    struct windows *windows, struct error *error);

#endif
