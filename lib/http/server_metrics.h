/* Counts of a server, by method, route and status. The number of series is bounded: what finds no
 * room any more is counted as one. Safe from any thread. */
#ifndef CULPRIT_HTTP_SERVER_METRICS_H
#define CULPRIT_HTTP_SERVER_METRICS_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "base/durations.h"
#include "http/metrics_text.h"
#include "trace/context.h"

enum { SERVER_METRICS_SERIES_MAX = 256 };

enum server_refused {
    SERVER_REFUSED_BAD_REQUEST,
    SERVER_REFUSED_UNKNOWN_HOST,
    SERVER_REFUSED_TOO_LARGE,
    SERVER_REFUSED_LATE,
    SERVER_REFUSED_COUNT,
};

struct server_series {
    const char *method, *route; /* static, or the route table's */
    unsigned status;
    struct durations durations;
    struct metrics_exemplar exemplars[DURATIONS_BOUNDS + 1];
};

struct server_metrics {
    pthread_mutex_t mutex; /* guards what follows */
    struct server_series series[SERVER_METRICS_SERIES_MAX];
    size_t count;
    uint64_t refused[SERVER_REFUSED_COUNT];
};

/* The memory must be zero: it is not touched, as most of it stays unused. */
void server_metrics_init(struct server_metrics *metrics);
void server_metrics_release(struct server_metrics *metrics);

/* One answered request. `route` NULL: none matched. Methods that are not usual ones become
 * "_OTHER". A sampled span becomes its bucket's exemplar; `span` may be NULL. */
struct server_answered {
    const char *method, *route;
    unsigned status;
    uint64_t duration_ns;
    const struct span_context *span;
};
void server_metrics_add(struct server_metrics *metrics, const struct server_answered *answered);
void server_metrics_refuse(struct server_metrics *metrics, enum server_refused why);
uint64_t server_metrics_refused(struct server_metrics *metrics, enum server_refused why);

/* Appends what several servers of one process counted, each name once. Their routes differ. */
void server_metrics_write(struct server_metrics *const *servers, size_t count,
                          const struct metrics_text *text);

#endif
