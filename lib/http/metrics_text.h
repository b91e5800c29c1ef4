/* Writes metrics in Prometheus' text format 0.0.4 or in OpenMetrics 1.0.0, into a buffer whose
 * sticky failure is the only one. Names are written with "_total" where they are counters; each
 * family is begun once and its rows follow. Label texts are what stands between the braces:
 * `method="GET",route="/carts"`; values in it are the caller's to escape. */
#ifndef CULPRIT_HTTP_METRICS_TEXT_H
#define CULPRIT_HTTP_METRICS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/durations.h"
#include "trace/context.h"

struct metrics_text {
    struct buffer *out; /* borrowed */
    bool is_open;       /* OpenMetrics */
};

enum metrics_type { METRICS_COUNTER, METRICS_GAUGE, METRICS_HISTOGRAM };

void metrics_text_family(const struct metrics_text *text, const char *name, enum metrics_type type,
                         const char *help);
void metrics_text_u64(const struct metrics_text *text, const char *name, const char *labels,
                      uint64_t value);
void metrics_text_seconds(const struct metrics_text *text, const char *name, double seconds);

/* The last sampled request of a bucket. */
struct metrics_exemplar {
    struct trace_id trace_id;
    struct span_id span_id;
    uint64_t duration_ns;
    uint64_t wall_ns; /* 0: there is none */
};

/* A histogram's rows, in seconds. `exemplars`: one a bucket, or NULL; only OpenMetrics has them. */
void metrics_text_durations(const struct metrics_text *text, const char *name, const char *labels,
                            const struct durations *durations,
                            const struct metrics_exemplar *exemplars);

/* What has to stand last. */
void metrics_text_end(const struct metrics_text *text);

/* The asker takes OpenMetrics at least as gladly as the plain format. NULL: it does not. */
bool metrics_text_wants_open(const char *accept);

/* Static; for the answer. */
const char *metrics_text_content_type(bool is_open);

/* Rows of several families in one table; rows of one name stand together. */
struct metrics_row {
    const char *name;
    enum metrics_type type;
    const char *labels; /* "" without any */
    uint64_t value;
    const char *help; /* of the first row of a name */
};
void metrics_text_rows(const struct metrics_text *text, const struct metrics_row *rows,
                       size_t count);

#endif
