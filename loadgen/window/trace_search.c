#include "loadgen/window/trace_search.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "otlp/span_file.h"

enum { PATH_BYTES_MAX = 1024 };

/* RFC 3339 in UTC with nanoseconds. */
static void write_time(uint64_t wall_ns, char out[40])
{
    time_t seconds = (time_t)(wall_ns / NS_PER_S);
    struct tm parts;
    char day[24];
    gmtime_r(&seconds, &parts);
    strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(out, 40, "%s.%09uZ", day, (unsigned)(wall_ns % NS_PER_S));
}

/* Unreserved characters (RFC 3986) stay, the rest is percent-encoded; cut at the size. */
static void escape(const char *value, char *out, size_t size)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t used = 0;
    for (; *value && used + 4 < size; value++) {
        unsigned char c = (unsigned char)*value;
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            c == '-' || c == '.' || c == '_' || c == '~') {
            out[used++] = (char)c;
            continue;
        }
        out[used++] = '%';
        out[used++] = digits[c >> 4];
        out[used++] = digits[c & 15];
    }
    out[used] = '\0';
}

static enum status get(struct fetch *fetch, const char *path, uint64_t deadline_ns,
                       struct spans *spans, struct error *error)
{
    struct fetch_answer answer;
    enum status status = fetch_do(fetch, &(struct fetch_request){.method = "GET", .path = path},
                                  deadline_ns, &answer, error);
    if (status != STATUS_OK)
        return status;
    if (answer.status == 404) {
        /* v3 says so when nothing was found; JSON tells it from a server without that route */
        if (answer.body.length > 0 && answer.body.data[0] == '{')
            return STATUS_OK;
        return error_set(error, STATUS_UNSUPPORTED, "GET %s answered 404", path);
    }
    if (answer.status != 200)
        return error_set(error, answer.status < 500 ? STATUS_UNSUPPORTED : STATUS_IO,
                         "GET %s answered %u: %.*s", path, answer.status,
                         answer.body.length > 200 ? 200 : (int)answer.body.length,
                         answer.body.data);
    if (answer.body.length == 0)
        return STATUS_OK;
    return span_file_parse(spans, answer.body.data, answer.body.length, path, error);
}

enum status trace_search_v3(struct fetch *fetch, const struct trace_search *search,
                            uint64_t deadline_ns, struct spans *spans, struct error *error)
{
    char path[PATH_BYTES_MAX], service[400], start[40], end[40];
    escape(search->service, service, sizeof service);
    write_time(search->start_wall_ns, start);
    write_time(search->end_wall_ns, end);
    /* The limit by both of its names: Jaeger's server knows the first, and searches for 0 traces
     * without it; the second is the one in the protocol's definition. */
    snprintf(path, sizeof path,
             "/api/v3/traces?query.service_name=%s&query.start_time_min=%s"
             "&query.start_time_max=%s&query.num_traces=%u&query.search_depth=%u",
             service, start, end, search->trace_limit, search->trace_limit);
    return get(fetch, path, deadline_ns, spans, error);
}

enum status trace_search_legacy(struct fetch *fetch, const struct trace_search *search,
                                uint64_t deadline_ns, struct spans *spans, struct error *error)
{
    char path[PATH_BYTES_MAX], service[400];
    escape(search->service, service, sizeof service);
    snprintf(path, sizeof path, "/api/traces?service=%s&start=%" PRIu64 "&end=%" PRIu64 "&limit=%u",
             service, search->start_wall_ns / 1000, search->end_wall_ns / 1000,
             search->trace_limit);
    return get(fetch, path, deadline_ns, spans, error);
}
