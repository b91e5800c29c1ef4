/* The OTEL_* variables of the logs signal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/rows.h"
#include "trace/trace.h"

struct row {
    const char *it;
    const char *set[6]; /* name, value, ... */
    const char *expected;
};

#define USUAL "http://localhost:4318/v1/logs||10000|00"

static const struct row rows[] = {
    {"it sends no logs unasked", {NULL}, "0|" USUAL "|1000/30000/2048/512|128/-"},
    {"it takes exporters in any case",
     {"OTEL_LOGS_EXPORTER", "OTLP,console"},
     "3|" USUAL "|1000/30000/2048/512|128/-"},
    {"it takes none", {"OTEL_LOGS_EXPORTER", "none"}, "0|" USUAL "|1000/30000/2048/512|128/-"},
    {"it leaves logs alone where spans are not exported",
     {"OTEL_TRACES_EXPORTER", "none", "OTEL_LOGS_EXPORTER", "otlp"},
     "1|" USUAL "|1000/30000/2048/512|128/-"},
    {"it takes the bounds of the queue",
     {"OTEL_BLRP_SCHEDULE_DELAY", "5", "OTEL_BLRP_MAX_QUEUE_SIZE", "100",
      "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "10"},
     "0|" USUAL "|5/30000/100/10|128/-"},
    {"it takes the time of an export, 0 for the longest",
     {"OTEL_BLRP_EXPORT_TIMEOUT", "0"},
     "0|" USUAL "|1000/2147483647/2048/512|128/-"},
    {"it keeps a batch within the queue",
     {"OTEL_BLRP_MAX_QUEUE_SIZE", "100"},
     "0|" USUAL "|1000/30000/100/100|128/-"},
    {"it ignores wrong numbers",
     {"OTEL_BLRP_SCHEDULE_DELAY", "soon", "OTEL_BLRP_MAX_QUEUE_SIZE", "-1"},
     "0|" USUAL "|1000/30000/2048/512|128/-"},
    {"it leaves the bounds of spans alone",
     {"OTEL_BSP_SCHEDULE_DELAY", "7", "OTEL_BSP_MAX_QUEUE_SIZE", "9"},
     "0|" USUAL "|1000/30000/2048/512|128/-"},
    {"it adds the signal's path to the general endpoint",
     {"OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:1/", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
      "http://b:2/t"},
     "0|http://a:1/v1/logs||10000|00|1000/30000/2048/512|128/-"},
    {"it takes the signal's own settings first",
     {"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://c:3", "OTEL_EXPORTER_OTLP_LOGS_HEADERS", "k=v",
      "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "50"},
     "0|http://c:3|k=v|50|00|1000/30000/2048/512|128/-"},
    {"it takes compression and protocol",
     {"OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "gzip", "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL",
      "http/json"},
     "0|http://localhost:4318/v1/logs||10000|11|1000/30000/2048/512|128/-"},
    {"it takes the general limits",
     {"OTEL_ATTRIBUTE_COUNT_LIMIT", "3", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "20"},
     "0|" USUAL "|1000/30000/2048/512|3/20"},
    {"it takes the limits of log records first",
     {"OTEL_ATTRIBUTE_COUNT_LIMIT", "3", "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "4",
      "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "0"},
     "0|" USUAL "|1000/30000/2048/512|4/0"},
};

static void check(void **state)
{
    const struct row *row = *state;
    struct tracing_config c;
    char printed[4096], length[16] = "-";
    for (size_t i = 0; i < 6 && row->set[i]; i += 2)
        setenv(row->set[i], row->set[i + 1], 1);
    memset(&c, 0x5a, sizeof c);
    tracing_config_from_environment(&c, "code");
    if (c.log_limits.value_length != UINT32_MAX)
        snprintf(length, sizeof length, "%u", c.log_limits.value_length);
    snprintf(printed, sizeof printed, "%u|%s|%s|%u|%d%d|%u/%u/%u/%u|%u/%s", c.log_exporters,
             c.log_otlp.endpoint, c.log_otlp.headers, c.log_otlp.timeout_ms, c.log_otlp.gzip,
             c.log_otlp.json, c.log_batch.delay_ms, c.log_batch.timeout_ms, c.log_batch.queue_count,
             c.log_batch.batch_count, c.log_limits.attribute_count, length);
    for (size_t i = 0; i < 6 && row->set[i]; i += 2)
        unsetenv(row->set[i]);
    assert_string_equal(printed, row->expected);
    assert_false(c.disabled);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, rows, check);
    return rows_run("log_config", &all);
}
