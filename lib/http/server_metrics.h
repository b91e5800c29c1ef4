/* Counts of a server, by method, route and status, in Prometheus' text format 0.0.4. The number of
 * series is bounded: what finds no room any more is counted as one. Safe from any thread. */
#ifndef CULPRIT_HTTP_SERVER_METRICS_H
#define CULPRIT_HTTP_SERVER_METRICS_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/durations.h"

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
};

struct server_metrics {
    pthread_mutex_t mutex; /* guards what follows */
    struct server_series series[SERVER_METRICS_SERIES_MAX];
    size_t count;
    uint64_t refused[SERVER_REFUSED_COUNT];
};

void server_metrics_init(struct server_metrics *metrics);
void server_metrics_release(struct server_metrics *metrics);

/* `route` NULL: none matched. Methods that are not usual ones become "_OTHER". */
void server_metrics_add(struct server_metrics *metrics, const char *method, const char *route,
                        unsigned status, uint64_t duration_ns);
void server_metrics_refuse(struct server_metrics *metrics, enum server_refused why);
uint64_t server_metrics_refused(struct server_metrics *metrics, enum server_refused why);

/* Appends all; a failure is the buffer's sticky one. */
void server_metrics_write(struct server_metrics *metrics, struct buffer *out);

#endif
