/* Each OTEL_* variable by the specification's rules: empty is as if unset, what is wrong is ignored
 * with a warning, and what is out of its range is wrong. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "rows.h"
#include "trace/trace.h"

/* ---- reading with one or two variables set, and what was logged meanwhile */

static char logged[4096];

static void read_config(struct tracing_config *config)
{
    int log = memfd_create("log", 0), stderr_kept = dup(STDERR_FILENO);
    assert_true(log >= 0 && stderr_kept >= 0);
    dup2(log, STDERR_FILENO);
    memset(config, 0x5a, sizeof *config);
    tracing_config_from_environment(config, "code");
    dup2(stderr_kept, STDERR_FILENO);
    ssize_t length = pread(log, logged, sizeof logged - 1, 0);
    logged[length > 0 ? length : 0] = '\0';
    close(log);
    close(stderr_kept);
}

static void read_with(struct tracing_config *config, const char *name, const char *value)
{
    if (value != NULL)
        setenv(name, value, 1);
    read_config(config);
    unsetenv(name);
}

/* One warning that names the variable, or none. */
static void check_warning(const char *name, const char *value, bool expected)
{
    bool warned = strstr(logged, "ignoring a wrong environment variable") != NULL &&
                  strstr(logged, name) != NULL;
    if (warned != expected)
        fail_msg("%s=%s: %s", name, value, logged);
}

/* ---- numbers */

static const struct number {
    const char *it; /* the variable */
    size_t offset;
    uint32_t usual, least, most;
    uint32_t zero; /* what 0 gives, where it is in range */
} numbers[] = {
#define NUMBER(name, field, usual, least, most, zero)                                              \
    {                                                                                              \
        name, offsetof(struct tracing_config, field), usual, least, most, zero                     \
    }
    NUMBER("OTEL_BSP_SCHEDULE_DELAY", batch.delay_ms, 5000, 0, INT32_MAX, 0),
    NUMBER("OTEL_BSP_EXPORT_TIMEOUT", batch.timeout_ms, 30000, 0, INT32_MAX, INT32_MAX),
    NUMBER("OTEL_BSP_MAX_QUEUE_SIZE", batch.queue_count, 2048, 1, 1 << 20, 0),
    NUMBER("OTEL_BLRP_SCHEDULE_DELAY", log_batch.delay_ms, 1000, 0, INT32_MAX, 0),
    NUMBER("OTEL_BLRP_EXPORT_TIMEOUT", log_batch.timeout_ms, 30000, 0, INT32_MAX, INT32_MAX),
    NUMBER("OTEL_BLRP_MAX_QUEUE_SIZE", log_batch.queue_count, 2048, 1, 1 << 20, 0),
    NUMBER("OTEL_EXPORTER_OTLP_TIMEOUT", otlp.timeout_ms, 10000, 0, INT32_MAX, INT32_MAX),
    NUMBER("OTEL_EXPORTER_OTLP_TIMEOUT", log_otlp.timeout_ms, 10000, 0, INT32_MAX, INT32_MAX),
    NUMBER("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", otlp.timeout_ms, 10000, 0, INT32_MAX, INT32_MAX),
    NUMBER("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", log_otlp.timeout_ms, 10000, 0, INT32_MAX, INT32_MAX),
    NUMBER("OTEL_ATTRIBUTE_COUNT_LIMIT", limits.attribute_count, 128, 0, INT32_MAX, 0),
    NUMBER("OTEL_ATTRIBUTE_COUNT_LIMIT", log_limits.attribute_count, 128, 0, INT32_MAX, 0),
    NUMBER("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", limits.value_length, UINT32_MAX, 0, INT32_MAX, 0),
    NUMBER("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", log_limits.value_length, UINT32_MAX, 0, INT32_MAX,
           0),
    NUMBER("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", limits.attribute_count, 128, 0, INT32_MAX, 0),
    NUMBER("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", limits.value_length, UINT32_MAX, 0, INT32_MAX,
           0),
    NUMBER("OTEL_SPAN_EVENT_COUNT_LIMIT", limits.event_count, 128, 0, INT32_MAX, 0),
    NUMBER("OTEL_SPAN_LINK_COUNT_LIMIT", limits.link_count, 128, 0, INT32_MAX, 0),
    NUMBER("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", limits.event_attribute_count, 128, 0, INT32_MAX, 0),
    NUMBER("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", limits.link_attribute_count, 128, 0, INT32_MAX, 0),
    NUMBER("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", log_limits.attribute_count, 128, 0, INT32_MAX,
           0),
    NUMBER("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", log_limits.value_length, UINT32_MAX, 0,
           INT32_MAX, 0),
};

static void check_value(const struct number *row, const char *value, uint32_t expected, bool warns)
{
    struct tracing_config config;
    uint32_t got;
    read_with(&config, row->it, value);
    memcpy(&got, (const char *)&config + row->offset, sizeof got);
    if (got != expected)
        fail_msg("%s=%s: %u, not %u", row->it, value ? value : "(unset)", got, expected);
    check_warning(row->it, value ? value : "(unset)", warns);
}

static void check_number(void **state)
{
    static const char *const wrong[] = {"-1",
                                        "x",
                                        "1x",
                                        "1.5",
                                        "1e3",
                                        "0x10",
                                        " 7",
                                        "7 ",
                                        "+7",
                                        "\xff",
                                        "4294967296",
                                        "18446744073709551616",
                                        "99999999999999999999999"};
    const struct number *row = *state;
    char text[16];
    check_value(row, NULL, row->usual, false);
    check_value(row, "", row->usual, false);
    check_value(row, "513", 513, false);
    check_value(row, "0513", 513, false);
    snprintf(text, sizeof text, "%u", row->most);
    check_value(row, text, row->most, false);
    snprintf(text, sizeof text, "%u", row->most + 1);
    check_value(row, text, row->usual, true);
    check_value(row, "0", row->least > 0 ? row->usual : row->zero, row->least > 0);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        check_value(row, wrong[i], row->usual, true);
}

/* ---- batches stay within their queue */

static const struct batch {
    const char *it, *queue, *batch;
    uint32_t queue_count, batch_count;
    bool warns; /* of the batch */
} batches[] = {
    {"it takes a batch as large as the queue", "600", "600", 600, 600, false},
    {"it cuts a batch to the queue", "100", "600", 100, 100, false},
    {"it cuts the usual batch to the queue", "100", NULL, 100, 100, false},
    {"it takes the smallest of both", "1", "1", 1, 1, false},
    {"it takes no batch of 0", "600", "0", 600, 512, true},
    {"it takes no batch below 0", "600", "-1", 600, 512, true},
    {"it takes empty as unset", "", "", 2048, 512, false},
};

static void check_batch(void **state)
{
    static const char *const of[] = {"BSP", "BLRP"};
    const struct batch *row = *state;
    for (size_t i = 0; i < 2; i++) {
        struct tracing_config config;
        char queue[64], batch[64];
        snprintf(queue, sizeof queue, "OTEL_%s_MAX_QUEUE_SIZE", of[i]);
        snprintf(batch, sizeof batch, "OTEL_%s_MAX_EXPORT_BATCH_SIZE", of[i]);
        setenv(queue, row->queue, 1);
        read_with(&config, batch, row->batch);
        unsetenv(queue);
        const struct batch_settings *got = i == 0 ? &config.batch : &config.log_batch;
        const struct batch_settings *other = i == 0 ? &config.log_batch : &config.batch;
        assert_int_equal(got->queue_count, row->queue_count);
        assert_int_equal(got->batch_count, row->batch_count);
        assert_int_equal(other->queue_count, 2048);
        assert_int_equal(other->batch_count, 512);
        check_warning(batch, row->batch ? row->batch : "(unset)", row->warns);
    }
}

/* ---- whether it is on: the exact rule */

static const struct boolean {
    const char *it, *value;
    bool expected, warns;
} booleans[] = {
    {"it is true for true", "true", true, false},
    {"it is true for True", "True", true, false},
    {"it is true for TRUE", "TRUE", true, false},
    {"it is true for tRuE", "tRuE", true, false},
    {"it is false when unset", NULL, false, false},
    {"it is false when empty", "", false, false},
    {"it is false for false", "false", false, false},
    {"it is false for FALSE", "FALSE", false, false},
    {"it is false for 1, and says so", "1", false, true},
    {"it is false for 0, and says so", "0", false, true},
    {"it is false for yes, and says so", "yes", false, true},
    {"it is false for on, and says so", "on", false, true},
    {"it is false for t, and says so", "t", false, true},
    {"it is false for truer, and says so", "truer", false, true},
    {"it is false for true with a blank, and says so", "true ", false, true},
    {"it is false for a blank, and says so", " ", false, true},
};

static void check_boolean(void **state)
{
    const struct boolean *row = *state;
    struct tracing_config config;
    read_with(&config, "OTEL_SDK_DISABLED", row->value);
    assert_int_equal(config.disabled, row->expected);
    check_warning("OTEL_SDK_DISABLED", row->value ? row->value : "(unset)", row->warns);
}

/* ---- samplers */

static const struct sampler_row {
    const char *it, *sampler, *argument;
    enum sampler_kind kind;
    bool ignores_parent;
    double ratio;
    const char *warns; /* of this variable, or NULL */
} sampler_rows[] = {
#define ON    SAMPLER_ALWAYS_ON, false
#define RATIO SAMPLER_TRACE_ID_RATIO, false
    {"it is parent-based and always on when unset", NULL, NULL, ON, 1, NULL},
    {"it is so when empty", "", "", ON, 1, NULL},
    {"it knows always_on", "always_on", NULL, SAMPLER_ALWAYS_ON, true, 1, NULL},
    {"it knows always_off", "always_off", NULL, SAMPLER_ALWAYS_OFF, true, 1, NULL},
    {"it knows traceidratio", "traceidratio", "0.5", SAMPLER_TRACE_ID_RATIO, true, 0.5, NULL},
    {"it knows parentbased_always_on", "parentbased_always_on", NULL, ON, 1, NULL},
    {"it knows parentbased_always_off", "parentbased_always_off", NULL, SAMPLER_ALWAYS_OFF, false,
     1, NULL},
    {"it knows parentbased_traceidratio", "parentbased_traceidratio", "0.25", RATIO, 0.25, NULL},
    {"it takes samplers in any case", "ParentBased_TraceIdRatio", "0.25", RATIO, 0.25, NULL},
    {"it has the ratio 1 without an argument", "parentbased_traceidratio", NULL, RATIO, 1, NULL},
    {"it has the ratio 1 with an empty argument", "parentbased_traceidratio", "", RATIO, 1, NULL},
    {"it takes the ratio 0", "parentbased_traceidratio", "0", RATIO, 0, NULL},
    {"it takes the ratio 1", "parentbased_traceidratio", "1.0", RATIO, 1, NULL},
    {"it takes a ratio with an exponent", "parentbased_traceidratio", "1e-3", RATIO, 0.001, NULL},
    {"it ignores a ratio above 1", "parentbased_traceidratio", "1.01", RATIO, 1,
     "OTEL_TRACES_SAMPLER_ARG"},
    {"it ignores a ratio below 0", "parentbased_traceidratio", "-0.1", RATIO, 1,
     "OTEL_TRACES_SAMPLER_ARG"},
    {"it ignores a ratio that is no number", "parentbased_traceidratio", "half", RATIO, 1,
     "OTEL_TRACES_SAMPLER_ARG"},
    {"it ignores a ratio of nan", "parentbased_traceidratio", "nan", RATIO, 1,
     "OTEL_TRACES_SAMPLER_ARG"},
    {"it ignores a ratio with more behind it", "parentbased_traceidratio", "0.5%", RATIO, 1,
     "OTEL_TRACES_SAMPLER_ARG"},
    {"it does not use a ratio without a sampler", NULL, "0.5", ON, 1, NULL},
    {"it does not use a ratio for another sampler", "always_on", "0.5", SAMPLER_ALWAYS_ON, true, 1,
     NULL},
    {"it ignores an unknown sampler, and its argument", "sometimes", "0.5", ON, 1,
     "OTEL_TRACES_SAMPLER"},
    {"it ignores jaeger_remote, which is not there", "jaeger_remote", NULL, ON, 1,
     "OTEL_TRACES_SAMPLER"},
};

static void check_sampler(void **state)
{
    const struct sampler_row *row = *state;
    struct tracing_config config;
    if (row->sampler != NULL)
        setenv("OTEL_TRACES_SAMPLER", row->sampler, 1);
    read_with(&config, "OTEL_TRACES_SAMPLER_ARG", row->argument);
    unsetenv("OTEL_TRACES_SAMPLER");
    assert_int_equal(config.sampling.root.kind, row->kind);
    assert_int_equal(config.sampling.ignores_parent, row->ignores_parent);
    assert_true(config.sampling.root.ratio == row->ratio);
    check_warning(row->warns ? row->warns : "OTEL", row->it, row->warns != NULL);
}

/* ---- texts, and the signal's own variable over that of all signals */

static const struct words {
    const char *it; /* what the variable's name ends in */
    size_t offset, log_offset, size;
    const char *usual, *log_usual; /* NULL: empty */
} words[] = {
#define WORDS(name, field, usual, log_usual)                                                       \
    {                                                                                              \
        name, offsetof(struct tracing_config, otlp.field),                                         \
            offsetof(struct tracing_config, log_otlp.field),                                       \
            sizeof((struct tracing_config *)0)->otlp.field, usual, log_usual                       \
    }
    WORDS("HEADERS", headers, "", ""),
    WORDS("CERTIFICATE", certificate, "", ""),
    WORDS("CLIENT_KEY", client_key, "", ""),
    WORDS("CLIENT_CERTIFICATE", client_certificate, "", ""),
    WORDS("ENDPOINT", endpoint, "http://localhost:4318/v1/traces", "http://localhost:4318/v1/logs"),
};

static void check_both(const struct words *row, const char *traces, const char *logs)
{
    struct tracing_config config;
    read_config(&config);
    assert_string_equal((const char *)&config + row->offset, traces);
    assert_string_equal((const char *)&config + row->log_offset, logs);
}

static void check_words(void **state)
{
    const struct words *row = *state;
    char all[64], own[64], text[4096];
    bool is_base = strcmp(row->it, "ENDPOINT") == 0;
    snprintf(all, sizeof all, "OTEL_EXPORTER_OTLP_%s", row->it);
    snprintf(own, sizeof own, "OTEL_EXPORTER_OTLP_TRACES_%s", row->it);
    check_both(row, row->usual, row->log_usual);
    setenv(all, "", 1);
    setenv(own, "", 1);
    check_both(row, row->usual, row->log_usual);
    setenv(all, "http://a", 1);
    check_both(row, is_base ? "http://a/v1/traces" : "http://a",
               is_base ? "http://a/v1/logs" : "http://a");
    setenv(own, "http://b", 1); /* taken as it is */
    check_both(row, "http://b", is_base ? "http://a/v1/logs" : "http://a");
    assert_string_equal(logged, "");
    memset(text, 'x', sizeof text);
    text[row->size] = '\0'; /* one too many */
    setenv(own, text, 1);
    check_both(row, is_base ? "http://a/v1/traces" : "http://a",
               is_base ? "http://a/v1/logs" : "http://a");
    check_warning(own, "(long)", true);
    unsetenv(own);
    setenv(all, text, 1);
    check_both(row, row->usual, row->log_usual);
    check_warning(all, "(long)", true);
    unsetenv(all);
}

static void takes_texts_that_fit(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t offset, size;
        const char *usual;
    } rows[] = {
        {"OTEL_SERVICE_NAME", offsetof(struct tracing_config, service_name), 256, "code"},
        {"OTEL_RESOURCE_ATTRIBUTES", offsetof(struct tracing_config, resource_attributes), 2048,
         ""},
    };
    for (size_t i = 0; i < 2; i++) {
        struct tracing_config config;
        char text[4096];
        memset(text, 'x', sizeof text);
        text[rows[i].size] = '\0';
        read_with(&config, rows[i].name, text);
        assert_string_equal((const char *)&config + rows[i].offset, rows[i].usual);
        check_warning(rows[i].name, "(long)", true);
        text[rows[i].size - 1] = '\0';
        read_with(&config, rows[i].name, text);
        assert_string_equal((const char *)&config + rows[i].offset, text);
        check_warning(rows[i].name, "(long)", false);
    }
}

/* ---- choices */

static const struct choice {
    const char *it, *name, *value;
    bool expected, warns; /* gzip, or json */
} choices[] = {
    {"it compresses nothing when unset", "COMPRESSION", NULL, false, false},
    {"it compresses nothing when empty", "COMPRESSION", "", false, false},
    {"it compresses nothing for none", "COMPRESSION", "none", false, false},
    {"it compresses for gzip", "COMPRESSION", "gzip", true, false},
    {"it compresses for GZIP", "COMPRESSION", "GZIP", true, false},
    {"it ignores deflate", "COMPRESSION", "deflate", false, true},
    {"it ignores a list of compressions", "COMPRESSION", "gzip,none", false, true},
    {"it speaks protobuf when unset", "PROTOCOL", NULL, false, false},
    {"it speaks protobuf when empty", "PROTOCOL", "", false, false},
    {"it speaks protobuf", "PROTOCOL", "http/protobuf", false, false},
    {"it speaks JSON", "PROTOCOL", "http/json", true, false},
    {"it speaks JSON in any case", "PROTOCOL", "Http/Json", true, false},
    {"it ignores grpc", "PROTOCOL", "grpc", false, true},
    {"it ignores json alone", "PROTOCOL", "json", false, true},
};

static void check_choice(void **state)
{
    static const char *const of[] = {"", "TRACES_", "LOGS_"};
    const struct choice *row = *state;
    for (size_t i = 0; i < 3; i++) {
        struct tracing_config config;
        char name[64];
        snprintf(name, sizeof name, "OTEL_EXPORTER_OTLP_%s%s", of[i], row->name);
        read_with(&config, name, row->value);
        bool is_json = strcmp(row->name, "PROTOCOL") == 0;
        assert_int_equal(is_json ? config.otlp.json : config.otlp.gzip, row->expected && i != 2);
        assert_int_equal(is_json ? config.log_otlp.json : config.log_otlp.gzip,
                         row->expected && i != 1);
        check_warning(name, row->value ? row->value : "(unset)", row->warns);
    }
}

int main(void)
{
    static struct rows all;
    ROWS(&all, numbers, check_number);
    ROWS(&all, batches, check_batch);
    ROWS(&all, booleans, check_boolean);
    ROWS(&all, sampler_rows, check_sampler);
    ROWS(&all, words, check_words);
    rows_one(&all, "it takes texts that fit", takes_texts_that_fit);
    ROWS(&all, choices, check_choice);
    return rows_run("otel_variables", &all);
}
