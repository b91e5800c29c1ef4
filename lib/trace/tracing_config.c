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

static bool find_sampler(struct sampling *sampling, const char *name)
{
    for (size_t i = 0; i < sizeof samplers / sizeof samplers[0]; i++) {
        if (strcasecmp(samplers[i].name, name) == 0) {
            sampling->root.kind = samplers[i].kind;
            sampling->ignores_parent = !samplers[i].parent_based;
            return true;
        }
    }
    return false;
}

static void read_sampler(struct sampling *sampling)
{
    const char *name = variable("OTEL_TRACES_SAMPLER");
    const char *argument = variable("OTEL_TRACES_SAMPLER_ARG");
    double ratio;
    if (name == NULL)
        return;
    if (!find_sampler(sampling, name)) {
        warn("OTEL_TRACES_SAMPLER", name);
        return;
    }
    if (argument == NULL || sampling->root.kind != SAMPLER_TRACE_ID_RATIO)
        return;
    if (text_to_double(text_of(argument), &ratio) != STATUS_OK || ratio < 0 || ratio > 1)
        warn("OTEL_TRACES_SAMPLER_ARG", argument);
    else
        sampling->root.ratio = ratio;
}

/* The signal's own address is taken as it is; the general one is a base. */
static void read_endpoint(const char *own_name, const char *path, struct otlp_settings *otlp)
{
    const char *base = variable("OTEL_EXPORTER_OTLP_ENDPOINT");
    if (variable(own_name) != NULL) {
        read_text(own_name, otlp->endpoint, sizeof otlp->endpoint);
    } else if (base != NULL) {
        size_t length = strlen(base);
        while (length > 0 && base[length - 1] == '/')
            length--;
        if (length + strlen(path) >= sizeof otlp->endpoint)
            warn("OTEL_EXPORTER_OTLP_ENDPOINT", base);
        else
            snprintf(otlp->endpoint, sizeof otlp->endpoint, "%.*s%s", (int)length, base, path);
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

/* 0 is "no limit"; here every wait has one, so that it is the longest there is. */
static void read_timeout(const char *name, uint32_t *out)
{
    read_u32(name, 0, INT32_MAX, out);
    if (*out == 0)
        *out = INT32_MAX;
}

static void read_otlp(struct otlp_settings *otlp)
{
    text_copy(TEXT_LITERAL("http://localhost:4318/v1/traces"), otlp->endpoint,
              sizeof otlp->endpoint);
    otlp->timeout_ms = 10000;
    read_endpoint("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "/v1/traces", otlp);
    read_text("OTEL_EXPORTER_OTLP_HEADERS", otlp->headers, sizeof otlp->headers);
    read_text("OTEL_EXPORTER_OTLP_TRACES_HEADERS", otlp->headers, sizeof otlp->headers);
    read_timeout("OTEL_EXPORTER_OTLP_TIMEOUT", &otlp->timeout_ms);
    read_timeout("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", &otlp->timeout_ms);
}

static void read_batch(struct batch_settings *batch)
{
    *batch = (struct batch_settings){5000, 30000, 2048, 512};
    read_u32("OTEL_BSP_SCHEDULE_DELAY", 1, INT32_MAX, &batch->delay_ms);
    read_timeout("OTEL_BSP_EXPORT_TIMEOUT", &batch->timeout_ms);
    read_u32("OTEL_BSP_MAX_QUEUE_SIZE", 1, 1u << 20, &batch->queue_count);
    read_u32("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 1, SPAN_BATCH_COUNT_MAX, &batch->batch_count);
    if (batch->batch_count > batch->queue_count)
        batch->batch_count = batch->queue_count;
}

static void read_exporters(struct tracing_config *config)
{
    const char *exporter = variable("OTEL_TRACES_EXPORTER");
    config->exporters = TRACING_EXPORT_OTLP;
    if (exporter != NULL && strcasecmp(exporter, "none") == 0)
        config->disabled = true;
    else if (exporter != NULL && strcasecmp(exporter, "otlp") != 0)
        warn("OTEL_TRACES_EXPORTER", exporter);
}

static void read_limit(const char *name, uint32_t *out)
{
    read_u32(name, 0, INT32_MAX, out);
}

/* The general limit first: the one of spans or log records wins over it. */
static void read_limits(struct tracing_config *config)
{
    struct span_limits *spans = &config->limits;
    uint32_t count = 128, length = UINT32_MAX;
    read_limit("OTEL_ATTRIBUTE_COUNT_LIMIT", &count);
    read_limit("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", &length);
    *spans = (struct span_limits){count, 128, 128, 128, 128, length};
    read_limit("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", &spans->attribute_count);
    read_limit("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", &spans->value_length);
    read_limit("OTEL_SPAN_EVENT_COUNT_LIMIT", &spans->event_count);
    read_limit("OTEL_SPAN_LINK_COUNT_LIMIT", &spans->link_count);
    read_limit("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", &spans->event_attribute_count);
    read_limit("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", &spans->link_attribute_count);
    config->log_limits = (struct log_limits){count, length};
    read_limit("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", &config->log_limits.attribute_count);
    read_limit("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", &config->log_limits.value_length);
}

void tracing_config_from_environment(struct tracing_config *config, const char *service_name)
{
    *config = (struct tracing_config){
        .resource_detectors = RESOURCE_ALL,
        .sampling.root = {SAMPLER_ALWAYS_ON, 1.0, NULL},
    };
    read_text("OTEL_RESOURCE_ATTRIBUTES", config->resource_attributes,
              sizeof config->resource_attributes);
    read_text("OTEL_SERVICE_NAME", config->service_name, sizeof config->service_name);
    if (config->service_name[0] == '\0' && !names_service(text_of(config->resource_attributes)))
        text_copy(text_of(service_name), config->service_name, sizeof config->service_name);
    const char *disabled = variable("OTEL_SDK_DISABLED");
    config->disabled = disabled != NULL && strcasecmp(disabled, "true") == 0;
    read_exporters(config);
    read_otlp(&config->otlp);
    read_batch(&config->batch);
    read_sampler(&config->sampling);
    read_limits(config);
}
