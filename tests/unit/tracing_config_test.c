/* The OTEL_* variables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "trace/otlp_request.h"
#include "trace/trace.h"

static char printed[8192];

/* The config as one line of words, to be compared whole. */
static const char *read_config(void)
{
    static const char *const samplers[] = {"on", "on", "off", "ratio"};
    struct tracing_config c;
    memset(&c, 0x5a, sizeof c);
    tracing_config_from_environment(&c, "code");
    snprintf(printed, sizeof printed, "%s|%s|%s|%s|%d|%s%s|%g|%u|%u|%u|%u|%u", c.service_name,
             c.resource_attributes, c.otlp.endpoint, c.otlp.headers, c.disabled,
             c.sampling.ignores_parent ? "" : "parent:", samplers[c.sampling.root.kind],
             c.sampling.root.ratio, c.batch.delay_ms, c.batch.timeout_ms, c.otlp.timeout_ms,
             c.batch.queue_count, c.batch.batch_count);
    return printed;
}

/* The exporting half, the same way. */
static const char *read_exporting(void)
{
    struct tracing_config c;
    memset(&c, 0x5a, sizeof c);
    tracing_config_from_environment(&c, "code");
    snprintf(printed, sizeof printed, "%u|%d%d|%d|%s|%s|%s", c.exporters, c.otlp.gzip, c.otlp.json,
             c.disabled, c.otlp.certificate, c.otlp.client_key, c.otlp.client_certificate);
    return printed;
}

/* All limits as one line. */
static const char *read_all_limits(void)
{
    struct tracing_config c;
    memset(&c, 0x5a, sizeof c);
    tracing_config_from_environment(&c, "code");
    snprintf(printed, sizeof printed, "%u|%u|%u|%u|%u|%u||%u|%u", c.limits.attribute_count,
             c.limits.event_count, c.limits.link_count, c.limits.event_attribute_count,
             c.limits.link_attribute_count, c.limits.value_length, c.log_limits.attribute_count,
             c.log_limits.value_length);
    assert_int_equal(c.limits.value_depth, 64);
    assert_int_equal(c.log_limits.value_depth, 64);
    return printed;
}

static void reads_limits(void **state)
{
    (void)state;
#define NONE "4294967295"
    static const struct {
        const char *name, *set[6], *expected;
    } rows[] = {
        {"it has the specification's defaults", {NULL}, "128|128|128|128|128|" NONE "||128|" NONE},
        {"it takes the general ones for spans and log records",
         {"OTEL_ATTRIBUTE_COUNT_LIMIT", "5", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "7"},
         "5|128|128|128|128|7||5|7"},
        {"it takes those of spans first",
         {"OTEL_ATTRIBUTE_COUNT_LIMIT", "5", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "6",
          "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "8"},
         "6|128|128|128|128|8||5|" NONE},
        {"it takes those of log records first",
         {"OTEL_ATTRIBUTE_COUNT_LIMIT", "5", "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "4",
          "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "3"},
         "5|128|128|128|128|" NONE "||4|3"},
        {"it takes those of events and links",
         {"OTEL_SPAN_EVENT_COUNT_LIMIT", "1", "OTEL_SPAN_LINK_COUNT_LIMIT", "2",
          "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "3"},
         "128|1|2|3|128|" NONE "||128|" NONE},
        {"it takes those of a link's attributes, and 0",
         {"OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "0"},
         "128|128|128|128|0|" NONE "||128|" NONE},
        {"it ignores what is wrong",
         {"OTEL_SPAN_EVENT_COUNT_LIMIT", "-1", "OTEL_SPAN_LINK_COUNT_LIMIT", "2147483648",
          "OTEL_ATTRIBUTE_COUNT_LIMIT", "many"},
         "128|128|128|128|128|" NONE "||128|" NONE},
    };
#undef NONE
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t j = 0; j < 6 && rows[i].set[j] != NULL; j += 2)
            setenv(rows[i].set[j], rows[i].set[j + 1], 1);
        if (strcmp(read_all_limits(), rows[i].expected) != 0)
            fail_msg("%s:\n%s\n%s", rows[i].name, printed, rows[i].expected);
        for (size_t j = 0; j < 6 && rows[i].set[j] != NULL; j += 2)
            unsetenv(rows[i].set[j]);
    }
}

static void reads_exporters(void **state)
{
    (void)state;
    static const struct {
        const char *name, *set[6], *expected;
    } rows[] = {
        {"it posts OTLP protobuf without more", {NULL}, "1|00|0|||"},
        {"it takes none", {"OTEL_TRACES_EXPORTER", "none"}, "0|00|0|||"},
        {"it takes a list in any case",
         {"OTEL_TRACES_EXPORTER", "Console, OTLP,otlp/stdout"},
         "7|00|0|||"},
        {"it ignores a name that it does not know",
         {"OTEL_TRACES_EXPORTER", "zipkin,console"},
         "2|00|0|||"},
        {"it keeps the default where it knows no name",
         {"OTEL_TRACES_EXPORTER", "zipkin"},
         "1|00|0|||"},
        {"it takes gzip", {"OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"}, "1|10|0|||"},
        {"it takes the signal's compression first",
         {"OTEL_EXPORTER_OTLP_COMPRESSION", "gzip", "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
          "none"},
         "1|00|0|||"},
        {"it ignores a compression that it does not know",
         {"OTEL_EXPORTER_OTLP_COMPRESSION", "gzip", "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
          "zstd"},
         "1|10|0|||"},
        {"it takes http/json", {"OTEL_EXPORTER_OTLP_PROTOCOL", "HTTP/JSON"}, "1|01|0|||"},
        {"it takes the signal's protocol first",
         {"OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
          "http/protobuf"},
         "1|00|0|||"},
        {"it ignores grpc", {"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"}, "1|00|0|||"},
        {"it takes certificates",
         {"OTEL_EXPORTER_OTLP_CERTIFICATE", "/a", "OTEL_EXPORTER_OTLP_CLIENT_KEY", "/b",
          "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/c"},
         "1|00|0|/a|/b|/c"},
        {"it takes the signal's certificates first",
         {"OTEL_EXPORTER_OTLP_CERTIFICATE", "/a", "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "/d"},
         "1|00|0|/d||"},
        {"it takes what is not true as false", {"OTEL_SDK_DISABLED", "yes"}, "1|00|0|||"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t j = 0; j < 6 && rows[i].set[j] != NULL; j += 2)
            setenv(rows[i].set[j], rows[i].set[j + 1], 1);
        if (strcmp(read_exporting(), rows[i].expected) != 0)
            fail_msg("%s:\n%s\n%s", rows[i].name, printed, rows[i].expected);
        for (size_t j = 0; j < 6 && rows[i].set[j] != NULL; j += 2)
            unsetenv(rows[i].set[j]);
    }
}

#define ENDPOINT "http://localhost:4318/v1/traces"

static void reads_variables(void **state)
{
    (void)state;
    static const struct {
        const char *name, *set[6], *expected;
    } rows[] = {
        {"it has the specification's defaults",
         {NULL},
         "code||" ENDPOINT "||0|parent:on|1|5000|30000|10000|2048|512"},
        {"it takes empty as unset",
         {"OTEL_SERVICE_NAME", "", "OTEL_BSP_SCHEDULE_DELAY", ""},
         "code||" ENDPOINT "||0|parent:on|1|5000|30000|10000|2048|512"},
        {"it takes an empty endpoint as none",
         {"OTEL_EXPORTER_OTLP_ENDPOINT", ""},
         "code||" ENDPOINT "||0|parent:on|1|5000|30000|10000|2048|512"},
        {"it takes the service's name",
         {"OTEL_SERVICE_NAME", "env"},
         "env||" ENDPOINT "||0|parent:on|1|5000|30000|10000|2048|512"},
        {"it leaves the name to the resource",
         {"OTEL_RESOURCE_ATTRIBUTES", "a=1,service.name=r"},
         "|a=1,service.name=r|" ENDPOINT "||0|parent:on|1|5000|30000|10000|2048|512"},
        {"it is not misled by a longer key",
         {"OTEL_RESOURCE_ATTRIBUTES", "my.service.name=r"},
         "code|my.service.name=r|" ENDPOINT "||0|parent:on|1|5000|30000|10000|2048|512"},
        {"it takes the general endpoint as a base",
         {"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:1/"},
         "code||http://c:1/v1/traces||0|parent:on|1|5000|30000|10000|2048|512"},
        {"it keeps the base's path",
         {"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:1/x"},
         "code||http://c:1/x/v1/traces||0|parent:on|1|5000|30000|10000|2048|512"},
        {"it takes the signal's endpoint as it is",
         {"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:1", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
          "http://d:2"},
         "code||http://d:2||0|parent:on|1|5000|30000|10000|2048|512"},
        {"it takes headers, the signal's first",
         {"OTEL_EXPORTER_OTLP_HEADERS", "a=1", "OTEL_EXPORTER_OTLP_TRACES_HEADERS", "b=2"},
         "code||" ENDPOINT "|b=2|0|parent:on|1|5000|30000|10000|2048|512"},
        {"it is disabled by true in any case",
         {"OTEL_SDK_DISABLED", "TRUE"},
         "code||" ENDPOINT "||1|parent:on|1|5000|30000|10000|2048|512"},
        {"it is not disabled by 1",
         {"OTEL_SDK_DISABLED", "1"},
         "code||" ENDPOINT "||0|parent:on|1|5000|30000|10000|2048|512"},
        {"it takes a sampler",
         {"OTEL_TRACES_SAMPLER", "Always_Off"},
         "code||" ENDPOINT "||0|off|1|5000|30000|10000|2048|512"},
        {"it takes a ratio",
         {"OTEL_TRACES_SAMPLER", "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG", "0.25"},
         "code||" ENDPOINT "||0|parent:ratio|0.25|5000|30000|10000|2048|512"},
        {"it takes a ratio without parents",
         {"OTEL_TRACES_SAMPLER", "traceidratio", "OTEL_TRACES_SAMPLER_ARG", "0"},
         "code||" ENDPOINT "||0|ratio|0|5000|30000|10000|2048|512"},
        {"it ignores a ratio over 1",
         {"OTEL_TRACES_SAMPLER", "traceidratio", "OTEL_TRACES_SAMPLER_ARG", "1.5"},
         "code||" ENDPOINT "||0|ratio|1|5000|30000|10000|2048|512"},
        {"it ignores a ratio without a sampler",
         {"OTEL_TRACES_SAMPLER_ARG", "0.25"},
         "code||" ENDPOINT "||0|parent:on|1|5000|30000|10000|2048|512"},
        {"it ignores an unknown sampler",
         {"OTEL_TRACES_SAMPLER", "sometimes"},
         "code||" ENDPOINT "||0|parent:on|1|5000|30000|10000|2048|512"},
        {"it takes the batch processor's numbers",
         {"OTEL_BSP_SCHEDULE_DELAY", "200", "OTEL_BSP_MAX_QUEUE_SIZE", "4096",
          "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1024"},
         "code||" ENDPOINT "||0|parent:on|1|200|30000|10000|4096|1024"},
        {"it holds batches within the queue",
         {"OTEL_BSP_MAX_QUEUE_SIZE", "100"},
         "code||" ENDPOINT "||0|parent:on|1|5000|30000|10000|100|100"},
        {"it ignores wrong numbers",
         {"OTEL_BSP_SCHEDULE_DELAY", "-1", "OTEL_BSP_MAX_QUEUE_SIZE", "x",
          "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "0"},
         "code||" ENDPOINT "||0|parent:on|1|5000|30000|10000|2048|512"},
        {"it takes the signal's timeout first",
         {"OTEL_EXPORTER_OTLP_TIMEOUT", "7", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "8"},
         "code||" ENDPOINT "||0|parent:on|1|5000|30000|8|2048|512"},
        {"it takes both timeouts",
         {"OTEL_BSP_EXPORT_TIMEOUT", "300", "OTEL_EXPORTER_OTLP_TIMEOUT", "700"},
         "code||" ENDPOINT "||0|parent:on|1|5000|300|700|2048|512"},
        {"it takes the timeout 0 as the longest there is",
         {"OTEL_BSP_EXPORT_TIMEOUT", "0", "OTEL_EXPORTER_OTLP_TIMEOUT", "700"},
         "code||" ENDPOINT "||0|parent:on|1|5000|2147483647|700|2048|512"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t j = 0; j < 6 && rows[i].set[j] != NULL; j += 2)
            setenv(rows[i].set[j], rows[i].set[j + 1], 1);
        if (strcmp(read_config(), rows[i].expected) != 0)
            fail_msg("%s:\n%s\n%s", rows[i].name, printed, rows[i].expected);
        for (size_t j = 0; j < 6 && rows[i].set[j] != NULL; j += 2)
            unsetenv(rows[i].set[j]);
    }
}

static void reads_propagators(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value, *expected;
    } rows[] = {
        {"it has the W3C ones by default", NULL, "tracecontext baggage "},
        {"it takes empty as unset", "", "tracecontext baggage "},
        {"it takes one", "b3", "b3 "},
        {"it takes several in their order", "b3multi,tracecontext,baggage",
         "b3multi tracecontext baggage "},
        {"it strips white space", " b3 ,\tbaggage ", "b3 baggage "},
        {"it takes names in any case", "TraceContext,B3", "tracecontext b3 "},
        {"it takes each once", "b3,baggage,b3,B3,b3,b3,b3,b3,b3,tracecontext",
         "b3 baggage tracecontext "},
        {"it takes none", "none", "none "},
        {"it passes over an unknown name", "xray,b3,jaeger", "b3 "},
        {"it passes over empty names", ",b3,,", "b3 "},
        {"it takes the default where it knows no name", "xray", "tracecontext baggage "},
        {"it takes the default where there is no name", " , ", "tracecontext baggage "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tracing_config config;
        char got[128] = "";
        if (rows[i].value != NULL)
            setenv("OTEL_PROPAGATORS", rows[i].value, 1);
        tracing_config_from_environment(&config, "code");
        unsetenv("OTEL_PROPAGATORS");
        for (size_t j = 0; j < PROPAGATORS_MAX && config.propagators[j] != NULL; j++)
            strcat(strcat(got, config.propagators[j]->name), " ");
        if (strcmp(got, rows[i].expected) != 0)
            fail_msg("%s: %s", rows[i].name, got);
    }
}

/* A disabled provider records nothing, and passes on what came in. */
static void uses_propagators_when_disabled(void **state)
{
    (void)state;
    struct tracing_config config;
    struct error error = {""};
    const struct propagator *used[PROPAGATORS_MAX];
    propagation_used(used);
    assert_null(used[0]);
    setenv("OTEL_SDK_DISABLED", "true", 1);
    setenv("OTEL_PROPAGATORS", "b3", 1);
    tracing_config_from_environment(&config, "code");
    unsetenv("OTEL_SDK_DISABLED");
    unsetenv("OTEL_PROPAGATORS");
    assert_int_equal(tracing_start(&config, &error), STATUS_OK);
    propagation_used(used);
    assert_string_equal(used[0]->name, "b3");
    assert_int_equal(tracing_shutdown(0), STATUS_OK);
    propagation_used(used);
    assert_string_equal(used[0]->name, "b3");
}

static void reads_endpoints(void **state)
{
    (void)state;
    static const struct {
        const char *name, *endpoint, *headers, *host, *port, *path, *lines;
        enum status status;
    } rows[] = {
        {"it takes host, port and path", "http://c:4318/v1/traces", "", "c", "4318", "/v1/traces",
         "", STATUS_OK},
        {"it takes no path as /", "http://c:4318", "", "c", "4318", "/", "", STATUS_OK},
        {"it takes no port as 80", "http://c/x", "", "c", "80", "/x", "", STATUS_OK},
        {"it takes no port of https as 443", "https://c/x", "", "c", "443", "/x", "", STATUS_OK},
        {"it takes a port of https", "https://c:80/x", "", "c", "80", "/x", "", STATUS_OK},
        {"it takes schemes in any case", "HTTPS://c/", "", "c", "443", "/", "", STATUS_OK},
        {"it keeps a query", "http://c/x?a=b", "", "c", "80", "/x?a=b", "", STATUS_OK},
        {"it takes an IPv6 address", "http://[::1]:4318/", "", "::1", "4318", "/", "", STATUS_OK},
        {"it takes an IPv6 address without a port", "https://[::1]/", "", "::1", "443", "/", "",
         STATUS_OK},
        {"it adds headers", "http://c/", "x-key=a%20b, y=2", "c", "80", "/",
         "x-key: a b\r\ny: 2\r\nContent-Type: ", STATUS_OK},
        {"it says who it is", "http://c/", "", "c", "80", "/",
         "User-Agent: culprit-trace/0.1.0 OTel-OTLP-Exporter-C/0.1.0\r\n", STATUS_OK},
        {"it says what it is told to say", "http://c/", "user-agent=me", "c", "80", "/",
         "user-agent: me\r\nContent-Type: application/x-protobuf\r\n", STATUS_OK},
        {"it refuses another scheme", "ftp://c/", "", NULL, NULL, NULL, NULL, STATUS_INVALID},
        {"it refuses no scheme", "c:4318", "", NULL, NULL, NULL, NULL, STATUS_INVALID},
        {"it refuses no host", "http:///x", "", NULL, NULL, NULL, NULL, STATUS_INVALID},
        {"it refuses a user", "http://me@c/", "", NULL, NULL, NULL, NULL, STATUS_INVALID},
        {"it refuses port 0", "http://c:0/", "", NULL, NULL, NULL, NULL, STATUS_INVALID},
        {"it refuses port 65536", "http://c:65536/", "", NULL, NULL, NULL, NULL, STATUS_INVALID},
        {"it refuses a port of letters", "http://c:x/", "", NULL, NULL, NULL, NULL, STATUS_INVALID},
        {"it refuses a port of many zeros", "http://c:0000080/", "", NULL, NULL, NULL, NULL,
         STATUS_INVALID},
        {"it refuses an IPv6 address without brackets", "http://::1/", "", NULL, NULL, NULL, NULL,
         STATUS_INVALID},
        {"it refuses an open bracket", "http://[::1/", "", NULL, NULL, NULL, NULL, STATUS_INVALID},
        {"it refuses what follows a bracket", "http://[::1]x:1/", "", NULL, NULL, NULL, NULL,
         STATUS_INVALID},
        {"it refuses spaces", "http://c/a b", "", NULL, NULL, NULL, NULL, STATUS_INVALID},
        {"it refuses a line end", "http://c/a\r\nX: y", "", NULL, NULL, NULL, NULL, STATUS_INVALID},
        {"it refuses a fragment", "http://c/a#b", "", NULL, NULL, NULL, NULL, STATUS_INVALID},
        {"it refuses a header without =", "http://c/", "x", NULL, NULL, NULL, NULL, STATUS_INVALID},
        {"it refuses a header's line end", "http://c/", "x=%0d%0ay: z", NULL, NULL, NULL, NULL,
         STATUS_INVALID},
        {"it refuses a header's name", "http://c/", "x y=1", NULL, NULL, NULL, NULL,
         STATUS_INVALID},
        {"it refuses a header that frames", "http://c/", "Content-length=1", NULL, NULL, NULL, NULL,
         STATUS_INVALID},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct otlp_request request;
        struct otlp_settings settings = {.timeout_ms = 1};
        struct error error = {""};
        snprintf(settings.endpoint, sizeof settings.endpoint, "%s", rows[i].endpoint);
        snprintf(settings.headers, sizeof settings.headers, "%s", rows[i].headers);
        enum status status = otlp_request_init(&request, &settings, &error);
        if (status != rows[i].status || (status != STATUS_OK) != (error.text[0] != '\0'))
            fail_msg("%s: %s %s", rows[i].name, status_words(status), error.text);
        if (status != STATUS_OK)
            continue;
        bool brackets = strchr(rows[i].host, ':') != NULL;
        char authority[300];
        snprintf(authority, sizeof authority, brackets ? "[%s]:%s" : "%s:%s", rows[i].host,
                 rows[i].port);
        if (strcmp(request.host, rows[i].host) != 0 || strcmp(request.port, rows[i].port) != 0 ||
            strcmp(request.path, rows[i].path) != 0 || strcmp(request.authority, authority) != 0 ||
            strstr(request.headers, rows[i].lines) == NULL)
            fail_msg("%s: %s %s %s", rows[i].name, request.authority, request.path,
                     request.headers);
    }
}

static void says_what_the_body_is(void **state)
{
    (void)state;
    static const struct {
        bool gzip, json;
        const char *lines;
    } rows[] = {
        {false, false, "Content-Type: application/x-protobuf\r\nUser-Agent"},
        {true, false, "Content-Type: application/x-protobuf\r\nContent-Encoding: gzip\r\nUser-"},
        {false, true, "Content-Type: application/json\r\nUser-Agent"},
        {true, true, "Content-Type: application/json\r\nContent-Encoding: gzip\r\nUser-Agent"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct otlp_settings settings = {
            .endpoint = "http://c/", .gzip = rows[i].gzip, .json = rows[i].json};
        struct otlp_request request;
        assert_int_equal(otlp_request_init(&request, &settings, NULL), STATUS_OK);
        assert_non_null(strstr(request.headers, rows[i].lines));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_variables),
        cmocka_unit_test(reads_exporters),
        cmocka_unit_test(reads_limits),
        cmocka_unit_test(reads_propagators),
        cmocka_unit_test(uses_propagators_when_disabled),
        cmocka_unit_test(reads_endpoints),
        cmocka_unit_test(says_what_the_body_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
