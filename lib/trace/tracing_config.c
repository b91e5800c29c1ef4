#include <strings.h>

#include "trace/attribute_wire.h"
#include "trace/log_batch.h"
#include "trace/otel_env.h"
#include "trace/otlp_settings.h"
#include "trace/span_batch.h"
#include "trace/trace.h"

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
    const char *name = otel_env_value("OTEL_TRACES_SAMPLER");
    const char *argument = otel_env_value("OTEL_TRACES_SAMPLER_ARG");
    double ratio;
    if (name == NULL)
        return;
    if (!find_sampler(sampling, name)) {
        otel_env_warn("OTEL_TRACES_SAMPLER", name);
        return;
    }
    if (argument == NULL || sampling->root.kind != SAMPLER_TRACE_ID_RATIO)
        return;
    if (text_to_double(text_of(argument), &ratio) != STATUS_OK || ratio < 0 || ratio > 1)
        otel_env_warn("OTEL_TRACES_SAMPLER_ARG", argument);
    else
        sampling->root.ratio = ratio;
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

/* `delay_ms` by default; variables of "OTEL_BSP_" or "OTEL_BLRP_". */
static void read_batch(struct batch_settings *batch, bool of_logs, uint32_t delay_ms)
{
    const struct {
        const char *delay, *timeout, *queue, *batch;
    } spans = {"OTEL_BSP_SCHEDULE_DELAY", "OTEL_BSP_EXPORT_TIMEOUT", "OTEL_BSP_MAX_QUEUE_SIZE",
               "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"},
      logs = {"OTEL_BLRP_SCHEDULE_DELAY", "OTEL_BLRP_EXPORT_TIMEOUT", "OTEL_BLRP_MAX_QUEUE_SIZE",
              "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE"},
      names = of_logs ? logs : spans;
    _Static_assert((int)SPAN_BATCH_COUNT_MAX == LOG_BATCH_COUNT_MAX, "one bound for both");
    *batch = (struct batch_settings){delay_ms, 30000, 2048, 512};
    otel_env_u32(names.delay, 0, INT32_MAX, &batch->delay_ms);
    otel_env_timeout_ms(names.timeout, &batch->timeout_ms);
    otel_env_u32(names.queue, 1, 1u << 20, &batch->queue_count);
    otel_env_u32(names.batch, 1, SPAN_BATCH_COUNT_MAX, &batch->batch_count);
    if (batch->batch_count > batch->queue_count)
        batch->batch_count = batch->queue_count;
}

static const struct {
    const char *name;
    unsigned bit;
} exporters[] = {
    {"none", 0},
    {"otlp", TRACING_EXPORT_OTLP},
    {"console", TRACING_EXPORT_CONSOLE},
    {"otlp/stdout", TRACING_EXPORT_OTLP_STDOUT},
};

/* A comma list; names that are not known are ignored, one by one. */
static void read_exporters(const char *variable, unsigned *out)
{
    struct text rest = text_of(otel_env_value(variable));
    unsigned chosen = 0;
    bool any = false;
    while (rest.data != NULL && rest.length > 0) {
        struct text name = text_trim(text_split(&rest, ','));
        size_t row = 0, count = sizeof exporters / sizeof exporters[0];
        char word[64];
        while (row < count && !text_equal_ignore_case(name, text_of(exporters[row].name)))
            row++;
        if (row < count) {
            chosen |= exporters[row].bit;
            any = true;
        } else if (name.length > 0) {
            text_copy(name, word, sizeof word);
            otel_env_warn(variable, word);
        }
    }
    if (any)
        *out = chosen;
}

static void read_limit(const char *name, uint32_t *out)
{
    otel_env_u32(name, 0, INT32_MAX, out);
}

/* The general limit first: the one of spans or log records wins over it. */
static void read_limits(struct tracing_config *config)
{
    struct span_limits *spans = &config->limits;
    uint32_t count = 128, length = UINT32_MAX;
    read_limit("OTEL_ATTRIBUTE_COUNT_LIMIT", &count);
    read_limit("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", &length);
    *spans = (struct span_limits){count, 128, 128, 128, 128, length, ATTRIBUTE_DEPTH_USUAL};
    read_limit("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", &spans->attribute_count);
    read_limit("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", &spans->value_length);
    read_limit("OTEL_SPAN_EVENT_COUNT_LIMIT", &spans->event_count);
    read_limit("OTEL_SPAN_LINK_COUNT_LIMIT", &spans->link_count);
    read_limit("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", &spans->event_attribute_count);
    read_limit("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", &spans->link_attribute_count);
    config->log_limits = (struct log_limits){count, length, ATTRIBUTE_DEPTH_USUAL};
    read_limit("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", &config->log_limits.attribute_count);
    read_limit("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", &config->log_limits.value_length);
}

/* Names that are not known are passed over, one by one. */
static void read_propagator_list(struct text rest, const struct propagator *out[PROPAGATORS_MAX])
{
    while (rest.data != NULL) {
        char name[64];
        struct text part = text_trim(text_split(&rest, ','));
        const struct propagator *row = propagator_find(part);
        if (row != NULL) {
            propagator_list_add(out, row);
        } else if (part.length > 0) {
            text_copy(part, name, sizeof name);
            otel_env_warn("OTEL_PROPAGATORS", name);
        }
    }
}

static void read_propagators(const struct propagator *out[PROPAGATORS_MAX])
{
    read_propagator_list(text_of(otel_env_value("OTEL_PROPAGATORS")), out);
    if (out[0] == NULL)
        read_propagator_list(TEXT_LITERAL("tracecontext,baggage"), out);
}

void tracing_config_from_environment(struct tracing_config *config, const char *service_name)
{
    *config = (struct tracing_config){
        .resource_detectors = RESOURCE_ALL,
        .exporters = TRACING_EXPORT_OTLP,
        .sampling.root = {SAMPLER_ALWAYS_ON, 1.0, NULL},
    };
    otel_env_text("OTEL_RESOURCE_ATTRIBUTES", config->resource_attributes,
                  sizeof config->resource_attributes);
    otel_env_text("OTEL_SERVICE_NAME", config->service_name, sizeof config->service_name);
    if (config->service_name[0] == '\0' && !names_service(text_of(config->resource_attributes)))
        text_copy(text_of(service_name), config->service_name, sizeof config->service_name);
    config->disabled = otel_env_is_true("OTEL_SDK_DISABLED");
    read_propagators(config->propagators);
    read_exporters("OTEL_TRACES_EXPORTER", &config->exporters);
    otlp_settings_read(&config->otlp, OTLP_TRACES);
    read_batch(&config->batch, false, 5000);
    read_exporters("OTEL_LOGS_EXPORTER", &config->log_exporters);
    otlp_settings_read(&config->log_otlp, OTLP_LOGS);
    read_batch(&config->log_batch, true, 1000);
    read_sampler(&config->sampling);
    read_limits(config);
}
