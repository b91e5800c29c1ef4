/* OTEL_* variables: each line of the input sets one, its first byte says which. Whatever they hold,
 * the configuration is within its bounds, and what is built from it at the start - the resource,
 * the request's head with its headers - is so too. */
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "trace/otlp_request.h"
#include "trace/resource.h"
#include "trace/trace.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OF_SIGNALS(rest)                                                                           \
    "OTEL_EXPORTER_OTLP_" rest, "OTEL_EXPORTER_OTLP_TRACES_" rest, "OTEL_EXPORTER_OTLP_LOGS_" rest
#define OF_BATCHES(rest) "OTEL_BSP_" rest, "OTEL_BLRP_" rest

static const char *const names[] = {
    "OTEL_SDK_DISABLED",
    "OTEL_SERVICE_NAME",
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_PROPAGATORS",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
    "OTEL_TRACES_EXPORTER",
    "OTEL_LOGS_EXPORTER",
    OF_BATCHES("SCHEDULE_DELAY"),
    OF_BATCHES("EXPORT_TIMEOUT"),
    OF_BATCHES("MAX_QUEUE_SIZE"),
    OF_BATCHES("MAX_EXPORT_BATCH_SIZE"),
    "OTEL_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_SPAN_EVENT_COUNT_LIMIT",
    "OTEL_SPAN_LINK_COUNT_LIMIT",
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    OF_SIGNALS("ENDPOINT"),
    OF_SIGNALS("HEADERS"),
    OF_SIGNALS("TIMEOUT"),
    OF_SIGNALS("COMPRESSION"),
    OF_SIGNALS("PROTOCOL"),
    OF_SIGNALS("CERTIFICATE"),
    OF_SIGNALS("CLIENT_KEY"),
    OF_SIGNALS("CLIENT_CERTIFICATE"),
};

enum { NAMES = sizeof names / sizeof names[0] };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    log_start("fuzz", LOG_ERROR); /* what is ignored is a warning */
    return 0;
}

static void set_variables(const uint8_t *data, size_t size)
{
    struct text rest = {(const char *)data, size};
    char *value = malloc(size + 1);
    for (size_t i = 0; i < NAMES; i++)
        unsetenv(names[i]);
    while (rest.data != NULL && rest.length > 0) {
        struct text line = text_split(&rest, '\n');
        if (line.length == 0)
            continue;
        text_copy((struct text){line.data + 1, line.length - 1}, value, size + 1);
        setenv(names[(uint8_t)line.data[0] % NAMES], value, 1);
    }
    free(value);
}

static void check_batch(const struct batch_settings *batch)
{
    assert(batch->delay_ms <= INT32_MAX);
    assert(batch->timeout_ms >= 1 && batch->timeout_ms <= INT32_MAX);
    assert(batch->batch_count >= 1 && batch->batch_count <= batch->queue_count);
}

static void check_otlp(const struct otlp_settings *otlp)
{
    static struct otlp_request request;
    struct error error = {""};
    assert(otlp->endpoint[0] != '\0');
    assert(otlp->timeout_ms >= 1 && otlp->timeout_ms <= INT32_MAX);
    if (otlp_request_init(&request, otlp, &error) != STATUS_OK) {
        assert(error.text[0] != '\0');
        return;
    }
    assert(request.path[0] == '/' && request.host[0] != '\0' && request.port[0] != '\0');
    /* Lines are whole: no value ends one early. */
    struct text rest = text_of(request.headers);
    while (rest.data != NULL && rest.length > 0) {
        struct text line = text_split(&rest, '\n');
        assert(rest.data != NULL && line.length > 2 && line.data[line.length - 1] == '\r');
        for (size_t i = 0; i + 1 < line.length; i++)
            assert((uint8_t)line.data[i] >= 0x20 && line.data[i] != 0x7f);
    }
    assert(strpbrk(request.path, " \r\n") == NULL && strpbrk(request.authority, " \r\n/") == NULL);
}

static void check_resource(struct tracing_config *config)
{
    static uint8_t bytes[RESOURCE_MAX];
    struct wire_writer writer = {bytes, bytes + sizeof bytes, false};
    config->resource_detectors = RESOURCE_PROCESS;
    (void)!resource_encode(config, &writer);
    assert(writer.at >= bytes && writer.at <= bytes + sizeof bytes);
    struct wire_reader reader = wire_reader_of(bytes, (size_t)(writer.at - bytes));
    struct wire_field field;
    enum status status = STATUS_OK;
    while (!writer.overflow && status == STATUS_OK)
        status = wire_next(&reader, &field);
    assert(writer.overflow || status == STATUS_END);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tracing_config config;
    set_variables(data, size);
    memset(&config, 0x5a, sizeof config);
    tracing_config_from_environment(&config, "code");
    assert(strnlen(config.service_name, sizeof config.service_name) < sizeof config.service_name);
    assert(config.sampling.root.ratio >= 0 && config.sampling.root.ratio <= 1);
    assert(config.propagators[0] != NULL && config.propagators[PROPAGATORS_MAX - 1] == NULL);
    check_batch(&config.batch);
    check_batch(&config.log_batch);
    check_otlp(&config.otlp);
    check_otlp(&config.log_otlp);
    check_resource(&config);
    return 0;
}
