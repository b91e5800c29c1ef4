#include "loadgen/stack/service_environment.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

enum { ENDPOINTS_TEXT_MAX = 4096 };

/* Parents' variables that would point our children elsewhere or rename them. */
static const char *const not_inherited[] = {
    "OTEL_SERVICE_NAME=",
    "OTEL_RESOURCE_ATTRIBUTES=",
    "OTEL_SDK_DISABLED=",
    "OTEL_EXPORTER_",
    "LISTEN_",
    "CULPRIT_DATA=",
    "CULPRIT_ENDPOINTS=",
    "CULPRIT_CONTROL_TOKEN=",
    "NOTIFY_SOCKET=",
    NULL,
};

/* "auth=127.0.0.1:8081,cart=..." */
static void list_endpoints(const struct target *target, struct buffer *out)
{
    for (size_t i = 0; i < target->count; i++) {
        const struct target_endpoint *endpoint = &target->endpoints[i];
        if (strcmp(endpoint->name, "otlp") != 0 && strcmp(endpoint->name, "query") != 0)
            buffer_printf(out, "%s%s=%s", out->length_bytes ? "," : "", endpoint->name,
                          endpoint->url + strlen("http://"));
    }
}

/* The value that is ours unless a person has set another. */
static const char *unless_set(const char *name, const char *value)
{
    return getenv(name) ? NULL : value;
}

static enum status add_rows(struct environment *environment, const struct target *target,
                            const char *endpoints, bool is_collector)
{
    const struct {
        const char *name, *value;
    } rows[] = {
        {"CULPRIT_ENDPOINTS", endpoints},
        {"CULPRIT_CONTROL_TOKEN", target->control_token},
        {"OTEL_EXPORTER_OTLP_ENDPOINT", target_find(target, "otlp")},
        {"LISTEN_FDNAMES", is_collector ? "otlp:query" : "http"},
        {"OTEL_BSP_SCHEDULE_DELAY", unless_set("OTEL_BSP_SCHEDULE_DELAY", "400")},
        {"OTEL_LOGS_EXPORTER", unless_set("OTEL_LOGS_EXPORTER", "otlp")},
        {"OTEL_BLRP_SCHEDULE_DELAY", unless_set("OTEL_BLRP_SCHEDULE_DELAY", "500")},
        {"CULPRIT_LOG_RECORD_LEVEL", unless_set("CULPRIT_LOG_RECORD_LEVEL", "info")},
        {"CULPRIT_LOG_LEVEL", unless_set("CULPRIT_LOG_LEVEL", "warn")},
    };
    enum status status = STATUS_OK;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && status == STATUS_OK; i++)
        if (rows[i].value)
            status = environment_set(environment, rows[i].name, "%s", rows[i].value);
    return status;
}

enum status service_environment_fill(struct environment *environment, const struct target *target,
                                     const char *data_directory, const char *service,
                                     bool is_collector)
{
    struct buffer endpoints;
    buffer_init(&endpoints, ENDPOINTS_TEXT_MAX);
    list_endpoints(target, &endpoints);
    enum status status = endpoints.failed;
    if (status == STATUS_OK)
        status = environment_inherit(environment, not_inherited);
    if (status == STATUS_OK)
        status = add_rows(environment, target, buffer_text(&endpoints), is_collector);
    if (status == STATUS_OK)
        status = environment_set(environment, "CULPRIT_DATA", "%s/%s", data_directory, service);
    if (status == STATUS_OK && !getenv("QUEUE_URL"))
        status = environment_set(environment, "QUEUE_URL", "sqlite:%s/queue.db", data_directory);
    buffer_release(&endpoints);
    return status;
}
