#include "http/server_metrics.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

enum { LABELS_MAX = 512 };

static const char duration_name[] = "http_server_request_duration_seconds";

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
        *added = (struct server_series){.method = "", .route = ""};
    return added;
}

static void set_exemplar(struct server_series *series, const struct server_answered *answered)
{
    if (answered->span && span_context_is_sampled(answered->span))
        series->exemplars[durations_bucket(answered->duration_ns)] =
            (struct metrics_exemplar){answered->span->trace_id, answered->span->span_id,
                                      answered->duration_ns, clock_wall_ns()};
}

void server_metrics_add(struct server_metrics *metrics, const struct server_answered *answered)
{
    const char *route = answered->route ? answered->route : "";
    pthread_mutex_lock(&metrics->mutex);
    struct server_series *series =
        find_series(metrics, usual_method(answered->method), route, answered->status);
    durations_add(&series->durations, answered->duration_ns);
    set_exemplar(series, answered);
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

static void write_series(const struct server_series *series, const struct metrics_text *text)
{
    char labels[LABELS_MAX] = "otel_metric_overflow=\"true\"";
    if (series->method[0] != '\0')
        (void)snprintf(
            labels, sizeof labels,
            "http_request_method=\"%s\",http_route=\"%s\",http_response_status_code=\"%u\"",
            series->method, series->route, series->status);
    metrics_text_durations(text, duration_name, labels, &series->durations, series->exemplars);
}

static void write_refused(struct server_metrics *const *servers, size_t count,
                          const struct metrics_text *text)
{
    static const char name[] = "http_server_refused_total";
    metrics_text_family(text, name, METRICS_COUNTER, "Requests that reached no handler.");
    for (size_t why = 0; why < SERVER_REFUSED_COUNT; why++) {
        char label[64];
        uint64_t sum = 0;
        for (size_t i = 0; i < count; i++)
            sum += server_metrics_refused(servers[i], (enum server_refused)why);
        (void)snprintf(label, sizeof label, "reason=\"%s\"", refused_words[why]);
        metrics_text_u64(text, name, label, sum);
    }
}

void server_metrics_write(struct server_metrics *const *servers, size_t count,
                          const struct metrics_text *text)
{
    metrics_text_family(text, duration_name, METRICS_HISTOGRAM,
                        "Time from a request's head to its answer.");
    for (size_t i = 0; i < count; i++) {
        pthread_mutex_lock(&servers[i]->mutex);
        for (size_t n = 0; n < servers[i]->count; n++)
            write_series(&servers[i]->series[n], text);
        pthread_mutex_unlock(&servers[i]->mutex);
    }
    write_refused(servers, count, text);
}
