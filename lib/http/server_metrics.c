#include "http/server_metrics.h"

#include <inttypes.h>
#include <string.h>

static const char *const refused_words[SERVER_REFUSED_COUNT] = {
    [SERVER_REFUSED_BAD_REQUEST] = "bad_request",
    [SERVER_REFUSED_UNKNOWN_HOST] = "unknown_host",
    [SERVER_REFUSED_TOO_LARGE] = "too_large",
    [SERVER_REFUSED_LATE] = "late",
};

static const char *usual_method(const char *method)
{
    static const char *const methods[] = {"GET",     "HEAD",  "POST",  "PUT",    "DELETE",
                                          "CONNECT", "TRACE", "PATCH", "OPTIONS"};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (strcmp(method, methods[i]) == 0)
            return methods[i];
    return "_OTHER";
}

void server_metrics_init(struct server_metrics *metrics)
{
    memset(metrics, 0, sizeof *metrics);
    pthread_mutex_init(&metrics->mutex, NULL);
}

void server_metrics_release(struct server_metrics *metrics)
{
    pthread_mutex_destroy(&metrics->mutex);
}

/* The last series is everybody's who finds no room. */
static struct server_series *find_series(struct server_metrics *metrics, const char *method,
                                         const char *route, unsigned status)
{
    for (size_t i = 0; i < metrics->count; i++) {
        struct server_series *series = &metrics->series[i];
        if (series->status == status && strcmp(series->route, route) == 0 &&
            strcmp(series->method, method) == 0)
            return series;
    }
    if (metrics->count == SERVER_METRICS_SERIES_MAX)
        return &metrics->series[metrics->count - 1];
    struct server_series *added = &metrics->series[metrics->count++];
    *added = (struct server_series){.method = method, .route = route, .status = status};
    if (metrics->count == SERVER_METRICS_SERIES_MAX)
        *added = (struct server_series){.method = "_OTHER", .route = "_OTHER"};
    return added;
}

void server_metrics_add(struct server_metrics *metrics, const char *method, const char *route,
                        unsigned status, uint64_t duration_ns)
{
    pthread_mutex_lock(&metrics->mutex);
    struct server_series *series =
        find_series(metrics, usual_method(method), route ? route : "", status);
    durations_add(&series->durations, duration_ns);
    pthread_mutex_unlock(&metrics->mutex);
}

void server_metrics_refuse(struct server_metrics *metrics, enum server_refused why)
{
    pthread_mutex_lock(&metrics->mutex);
    metrics->refused[why]++;
    pthread_mutex_unlock(&metrics->mutex);
}

uint64_t server_metrics_refused(struct server_metrics *metrics, enum server_refused why)
{
    pthread_mutex_lock(&metrics->mutex);
    uint64_t count = metrics->refused[why];
    pthread_mutex_unlock(&metrics->mutex);
    return count;
}

static void write_series(const struct server_series *series, struct buffer *out)
{
    static const char name[] = "http_server_request_duration_seconds";
    const struct durations *durations = &series->durations;
    uint64_t sum = 0;
    for (size_t i = 0; i <= DURATIONS_BOUNDS; i++) {
        sum += durations->buckets[i];
        buffer_printf(out,
                      "%s_bucket{http_request_method=\"%s\",http_route=\"%s\","
                      "http_response_status_code=\"%u\",le=\"%s\"} %" PRIu64 "\n",
                      name, series->method, series->route, series->status,
                      i == DURATIONS_BOUNDS ? "+Inf" : durations_bounds[i].words, sum);
    }
    buffer_printf(out,
                  "%s_sum{http_request_method=\"%s\",http_route=\"%s\","
                  "http_response_status_code=\"%u\"} %.9f\n",
                  name, series->method, series->route, series->status,
                  (double)durations->sum_ns / 1e9);
    buffer_printf(out,
                  "%s_count{http_request_method=\"%s\",http_route=\"%s\","
                  "http_response_status_code=\"%u\"} %" PRIu64 "\n",
                  name, series->method, series->route, series->status, durations->count);
}

void server_metrics_write(struct server_metrics *metrics, struct buffer *out)
{
    buffer_append_text(out, "# HELP http_server_request_duration_seconds Time from a request's "
                            "head to its answer.\n"
                            "# TYPE http_server_request_duration_seconds histogram\n");
    pthread_mutex_lock(&metrics->mutex);
    for (size_t i = 0; i < metrics->count; i++)
        write_series(&metrics->series[i], out);
    buffer_append_text(out, "# HELP http_server_refused_total Requests that reached no handler.\n"
                            "# TYPE http_server_refused_total counter\n");
    for (size_t i = 0; i < SERVER_REFUSED_COUNT; i++)
        buffer_printf(out, "http_server_refused_total{reason=\"%s\"} %" PRIu64 "\n",
                      refused_words[i], metrics->refused[i]);
    pthread_mutex_unlock(&metrics->mutex);
}
