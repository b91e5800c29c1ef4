#include "http/metrics_text.h"

#include <stdio.h>
#include <string.h>

#include "http/server_metrics.h"
#include "tests/unit/rows.h"

/* ---- which format */

struct accept_row {
    const char *it;
    const char *accept;
    bool wants_open;
};

static const struct accept_row accept_rows[] = {
    {"it gives the plain format to who says nothing", NULL, false},
    {"it gives the plain format to who takes anything", "*/*", false},
    {"it gives OpenMetrics to who asks for it", "application/openmetrics-text", true},
    {"it finds it among others",
     "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
     "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
     true},
    {"it heeds the weights", "application/openmetrics-text;q=0.2, text/plain;q=0.3", false},
    {"it gives it at equal weights", "text/plain, application/openmetrics-text", true},
    {"it heeds a refusal", "application/openmetrics-text; q=0", false},
    {"it reads any case", "Application/OpenMetrics-Text;Q=1.0", true},
    {"it takes a wrong weight for none", "application/openmetrics-text;q=much", true},
    {"it does not take a longer name for it", "application/openmetrics-text2", false},
};

static void check_accept(void **state)
{
    const struct accept_row *row = *state;
    assert_int_equal(metrics_text_wants_open(row->accept), row->wants_open);
}

/* ---- what is written */

static const struct durations two_requests = {
    .count = 2, .sum_ns = 1003000000, .buckets = {[0] = 1, [9] = 1}};

static void write_all(const struct metrics_text *text)
{
    struct metrics_exemplar exemplars[DURATIONS_BOUNDS + 1] = {
        [9] = {.trace_id = {{0xab, 1}},
               .span_id = {{0xcd, 2}},
               .duration_ns = 1000000000,
               .wall_ns = 1700000000500000000}};
    const struct metrics_row rows[] = {
        {"a_total", METRICS_COUNTER, "x=\"1\"", 1, "Some."},
        {"a_total", METRICS_COUNTER, "x=\"2\"", 2, NULL},
        {"b", METRICS_GAUGE, "", 3, "Others."},
    };
    metrics_text_rows(text, rows, 3);
    metrics_text_family(text, "c_seconds", METRICS_HISTOGRAM, "Times.");
    metrics_text_durations(text, "c_seconds", "y=\"z\"", &two_requests, exemplars);
    metrics_text_end(text);
}

struct line_row {
    const char *it;
    bool is_open;
    const char *line; /* a whole one */
    bool is_there;
};

static const struct line_row line_rows[] = {
    {"it names a counter's family in full", false, "# TYPE a_total counter", true},
    {"it says what it is", false, "# HELP a_total Some.", true},
    {"it names a counter's family without its ending in OpenMetrics", true, "# TYPE a counter",
     true},
    {"it keeps the ending of the rows there", true, "a_total{x=\"2\"} 2", true},
    {"it leaves gauges alone", true, "# TYPE b gauge", true},
    {"it writes no braces without labels", false, "b 3", true},
    {"it counts buckets up", false, "c_seconds_bucket{y=\"z\",le=\"0.75\"} 1", true},
    {"it writes a whole bound plainly", false, "c_seconds_bucket{y=\"z\",le=\"1\"} 2", true},
    {"it has no exemplar there, and OpenMetrics writes the bound with a fraction", true,
     "c_seconds_bucket{y=\"z\",le=\"2.5\"} 2", true},
    {"it hangs the exemplar on its bucket", true,
     "c_seconds_bucket{y=\"z\",le=\"1.0\"} 2 # "
     "{trace_id=\"ab010000000000000000000000000000\",span_id=\"cd02000000000000\"} 1.000000000 "
     "1700000000.500",
     true},
    {"it ends with everything", false, "c_seconds_bucket{y=\"z\",le=\"+Inf\"} 2", true},
    {"it sums up in seconds", false, "c_seconds_sum{y=\"z\"} 1.003000000", true},
    {"it counts", true, "c_seconds_count{y=\"z\"} 2", true},
    {"it says where OpenMetrics ends", true, "# EOF", true},
    {"it does not end the plain format so", false, "# EOF", false},
};

static void check_line(void **state)
{
    const struct line_row *row = *state;
    struct buffer out;
    char line[512];
    buffer_init(&out, 65536);
    buffer_append_text(&out, "\n");
    write_all(&(struct metrics_text){&out, row->is_open});
    snprintf(line, sizeof line, "\n%s\n", row->line);
    if ((strstr(buffer_text(&out), line) != NULL) != row->is_there)
        fail_msg("\"%s\" in %s", row->line, buffer_text(&out));
    assert_int_equal(out.failed, STATUS_OK);
    buffer_release(&out);
}

/* ---- a server's series are bounded */

static struct server_metrics metrics;

static void add(unsigned status, const struct span_context *span)
{
    server_metrics_add(
        &metrics,
        &(struct server_answered){
            .method = "GET", .route = "/a", .status = status, .duration_ns = 1000, .span = span});
}

static const char *written(struct buffer *out, bool is_open)
{
    struct server_metrics *servers[] = {&metrics};
    buffer_init(out, 4 << 20);
    server_metrics_write(servers, 1, &(struct metrics_text){out, is_open});
    assert_int_equal(out->failed, STATUS_OK);
    return buffer_text(out);
}

static void check_overflow(void **state)
{
    struct buffer out;
    (void)state;
    memset(&metrics, 0, sizeof metrics);
    server_metrics_init(&metrics);
    for (unsigned status = 0; status < SERVER_METRICS_SERIES_MAX + 10; status++)
        add(status, NULL);
    const char *text = written(&out, false);
    assert_non_null(strstr(text, "_count{otel_metric_overflow=\"true\"} 11\n"));
    assert_non_null(strstr(text, "http_response_status_code=\"254\"} 1\n"));
    assert_null(strstr(text, "http_response_status_code=\"255\"} 1\n"));
    buffer_release(&out);
    server_metrics_release(&metrics);
}

static void check_exemplar(void **state)
{
    const struct span_context sampled = {
        .trace_id = {{1}}, .span_id = {{2}}, .flags = TRACE_FLAG_SAMPLED};
    const struct span_context unsampled = {.trace_id = {{3}}, .span_id = {{4}}};
    struct buffer out;
    (void)state;
    memset(&metrics, 0, sizeof metrics);
    server_metrics_init(&metrics);
    add(200, &sampled);
    add(200, &unsampled);
    add(200, NULL);
    const char *text = written(&out, true);
    assert_non_null(strstr(text, "} 3 # {trace_id=\"01000000000000000000000000000000\","));
    assert_null(strstr(text, "trace_id=\"03"));
    buffer_release(&out);
    assert_null(strstr(written(&out, false), "trace_id"));
    buffer_release(&out);
    server_metrics_release(&metrics);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, accept_rows, check_accept);
    ROWS(&all, line_rows, check_line);
    rows_one(&all, "it counts what finds no room as one series", check_overflow);
    rows_one(&all, "it takes exemplars from sampled requests alone", check_exemplar);
    return rows_run("metrics_text", &all);
}
