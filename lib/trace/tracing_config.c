#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "trace/span_batch.h"
#include "trace/trace.h"

/* Empty is as if unset. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static void warn(const char *name, const char *value)
{
    log_event(LOG_WARN, LOG_NO_IDS, "ignoring a wrong environment variable",
              LOG_TEXT("variable", name), LOG_TEXT("value", value));
}

static void read_text(const char *name, char *out, size_t size)
{
    const char *value = variable(name);
    if (value == NULL)
        return;
    if (strlen(value) >= size)
        warn(name, value);
    else
        text_copy(text_of(value), out, size);
}

/* At most the smaller of INT32_MAX and what the option bears. */
static void read_u32(const char *name, uint32_t least, uint32_t most, uint32_t *out)
{
    const char *value = variable(name);
    uint64_t number;
    if (value == NULL)
        return;
    if (text_to_u64(text_of(value), &number) != STATUS_OK || number < least || number > most)
        warn(name, value);
    else
        *out = (uint32_t)number;
}

static const struct {
    const char *name;
    enum sampler_kind kind;
    bool parent_based;
} samplers[] = {
    {"always_on", SAMPLER_ALWAYS_ON, false},
    {"always_off", SAMPLER_ALWAYS_OFF, false},
    {"traceidratio", SAMPLER_TRACE_ID_RATIO, false},
    {"parentbased_always_on", SAMPLER_ALWAYS_ON, true},
    {"parentbased_always_off", SAMPLER_ALWAYS_OFF, true},
    {"parentbased_traceidratio", SAMPLER_TRACE_ID_RATIO, true},
};

static bool find_sampler(struct tracing_config *config, const char *name)
{
    for (size_t i = 0; i < sizeof samplers / sizeof samplers[0]; i++) {
        if (strcasecmp(samplers[i].name, name) == 0) {
            config->sampler = samplers[i].kind;
            config->parent_based = samplers[i].parent_based;
            return true;
        }
    }
    return false;
}

static void read_sampler(struct tracing_config *config)
{
    const char *name = variable("OTEL_TRACES_SAMPLER");
    const char *argument = variable("OTEL_TRACES_SAMPLER_ARG");
    double ratio;
    if (name == NULL)
        return;
    if (!find_sampler(config, name)) {
        warn("OTEL_TRACES_SAMPLER", name);
        return;
    }
    if (argument == NULL || config->sampler != SAMPLER_TRACE_ID_RATIO)
        return;
    if (text_to_double(text_of(argument), &ratio) != STATUS_OK || ratio < 0 || ratio > 1)
        warn("OTEL_TRACES_SAMPLER_ARG", argument);
    else
        config->sampler_ratio = ratio;
}

/* The signal's own address is taken as it is; the general one is a base. */
static void read_endpoint(struct tracing_config *config)
{
    const char *own = variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
    const char *base = variable("OTEL_EXPORTER_OTLP_ENDPOINT");
    if (own != NULL) {
        read_text("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", config->endpoint, sizeof config->endpoint);
    } else if (base != NULL) {
        size_t length = strlen(base);
        while (length > 0 && base[length - 1] == '/')
            length--;
        if (length + sizeof "/v1/traces" > sizeof config->endpoint)
            warn("OTEL_EXPORTER_OTLP_ENDPOINT", base);
        else
            snprintf(config->endpoint, sizeof config->endpoint, "%.*s/v1/traces", (int)length,
                     base);
    }
}

static bool names_service(struct text attributes)
{
    struct text rest = attributes;
    while (rest.data != NULL) {
        struct text pair = text_split(&rest, ',');
        if (text_is(text_trim(text_split(&pair, '=')), "service.name"))
            return true;
    }
    return false;
}

static void read_timeouts(struct tracing_config *config)
{
    uint32_t batch_ms = 30000, post_ms = 10000;
    read_u32("OTEL_BSP_EXPORT_TIMEOUT", 0, INT32_MAX, &batch_ms);
    read_u32("OTEL_EXPORTER_OTLP_TIMEOUT", 0, INT32_MAX, &post_ms);
    read_u32("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", 0, INT32_MAX, &post_ms);
    /* 0 is "no limit"; here every wait has one, so that it is the longest there is. */
    batch_ms = batch_ms ? batch_ms : INT32_MAX;
    post_ms = post_ms ? post_ms : INT32_MAX;
    config->export_timeout_ms = batch_ms < post_ms ? batch_ms : post_ms;
}

void tracing_config_from_environment(struct tracing_config *config, const char *service_name)
{
    *config = (struct tracing_config){.sampler = SAMPLER_ALWAYS_ON,
                                      .parent_based = true,
                                      .sampler_ratio = 1.0,
                                      .schedule_delay_ms = 5000,
                                      .max_queue_count = 2048,
                                      .max_batch_count = 512};
    text_copy(TEXT_LITERAL("http://localhost:4318/v1/traces"), config->endpoint,
              sizeof config->endpoint);
    read_text("OTEL_RESOURCE_ATTRIBUTES", config->resource_attributes,
              sizeof config->resource_attributes);
    read_text("OTEL_SERVICE_NAME", config->service_name, sizeof config->service_name);
    if (config->service_name[0] == '\0' && !names_service(text_of(config->resource_attributes)))
        text_copy(text_of(service_name), config->service_name, sizeof config->service_name);
    read_endpoint(config);
    read_text("OTEL_EXPORTER_OTLP_HEADERS", config->headers, sizeof config->headers);
    read_text("OTEL_EXPORTER_OTLP_TRACES_HEADERS", config->headers, sizeof config->headers);
    const char *disabled = variable("OTEL_SDK_DISABLED");
    config->disabled = disabled != NULL && strcasecmp(disabled, "true") == 0;
    const char *exporter = variable("OTEL_TRACES_EXPORTER");
    if (exporter != NULL && strcasecmp(exporter, "none") == 0)
        config->disabled = true;
    else if (exporter != NULL && strcasecmp(exporter, "otlp") != 0)
        warn("OTEL_TRACES_EXPORTER", exporter);
    read_sampler(config);
    read_timeouts(config);
    read_u32("OTEL_BSP_SCHEDULE_DELAY", 1, INT32_MAX, &config->schedule_delay_ms);
    read_u32("OTEL_BSP_MAX_QUEUE_SIZE", 1, 1u << 20, &config->max_queue_count);
    read_u32("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 1, SPAN_BATCH_COUNT_MAX, &config->max_batch_count);
    if (config->max_batch_count > config->max_queue_count)
        config->max_batch_count = config->max_queue_count;
}
