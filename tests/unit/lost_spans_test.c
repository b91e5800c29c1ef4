#include "http/lost_spans.h"

#include "tests/unit/rows.h"

struct row {
    const char *it;
    const char *metrics;
    uint64_t dropped, rejected, refused, mislaid, logs;
};

static const struct row rows[] = {
    {"it finds nothing in nothing", "", .dropped = 0, .rejected = 0},
    {"it counts what has an error type",
     "otel_sdk_processor_span_processed_total{error_type=\"queue_full\"} 3\n"
     "otel_sdk_exporter_span_exported_total{error_type=\"timeout\"} 4\n",
     .dropped = 7, .rejected = 0},
    {"it does not count what went well",
     "otel_sdk_exporter_span_exported_total{error_type=\"\"} 90\n"
     "otel_sdk_exporter_span_exported_total 90\n",
     .dropped = 0, .rejected = 0},
    {"it finds the label among others",
     "otel_sdk_exporter_span_exported_total{a=\"b\",error_type=\"rejected\",c=\"d\"} 5\n",
     .dropped = 0, .rejected = 5},
    {"it takes the last line without its end",
     "# HELP x\notel_sdk_exporter_span_exported_total{error_type=\"rejected\"} 5", .dropped = 0,
     .rejected = 5},
    {"it passes over other metrics", "http_requests_total{error_type=\"500\"} 5\n", .dropped = 0,
     .rejected = 0},
    {"it passes over what is no number",
     "otel_sdk_exporter_span_exported_total{error_type=\"x\"} NaN\n", .dropped = 0, .rejected = 0},
    {"it bounds what is too large for a count",
     "otel_sdk_exporter_span_exported_total{error_type=\"x\"} 3e106\n",
     .dropped = 9007199254740992},
    {"it counts what a collector refused and what it mislaid",
     "collector_spans_received_total 50\ncollector_spans_refused_total 2\n"
     "collector_spans_dropped_store_error_total 3\ncollector_spans_dropped_no_memory_total 4\n",
     .refused = 2, .mislaid = 7},
    {"it counts log records apart",
     "otel_sdk_processor_log_processed_total{error_type=\"queue_full\"} 3\n"
     "otel_sdk_processor_log_processed_total{a=\"b\"} 90\n"
     "otel_sdk_exporter_log_exported_total{error_type=\"failed\"} 4\n"
     "otel_sdk_exporter_log_exported_total{error_type=\"rejected\"} 5\n",
     .logs = 7},
};

static void check(void **state)
{
    const struct row *row = *state;
    struct lost_spans lost = lost_spans_of_metrics(text_of(row->metrics));
    assert_int_equal(lost.dropped, row->dropped);
    assert_int_equal(lost.rejected, row->rejected);
    assert_int_equal(lost.refused, row->refused);
    assert_int_equal(lost.mislaid, row->mislaid);
    assert_int_equal(lost.logs, row->logs);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, rows, check);
    return rows_run("lost_spans", &all);
}
