#include "loadgen/stack/service_environment.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/rows.h"

struct row {
    const char *it;
    const char *set_name, *set_value; /* in our own environment before, or NULL */
    bool is_collector;
    const char *name;
    const char *value; /* NULL: must not be there */
};

static const struct row rows[] = {
    {"it says where the others are", NULL, NULL, false, "CULPRIT_ENDPOINTS",
     "auth=127.0.0.1:1,cart=127.0.0.1:2"},
    {"it says where spans go", NULL, NULL, false, "OTEL_EXPORTER_OTLP_ENDPOINT",
     "http://127.0.0.1:3"},
    {"it gives each service a directory", NULL, NULL, false, "CULPRIT_DATA", "/data/cart"},
    {"it gives all services one queue", NULL, NULL, false, "QUEUE_URL", "sqlite:/data/queue.db"},
    {"it keeps a queue that a person set", "QUEUE_URL", "redis://x", false, "QUEUE_URL",
     "redis://x"},
    {"it hands over the token", NULL, NULL, false, "CULPRIT_CONTROL_TOKEN", "token"},
    {"it sends spans soon", NULL, NULL, false, "OTEL_BSP_SCHEDULE_DELAY", "400"},
    {"it keeps a delay that a person set", "OTEL_BSP_SCHEDULE_DELAY", "50", false,
     "OTEL_BSP_SCHEDULE_DELAY", "50"},
    {"it sends log records, too", NULL, NULL, false, "OTEL_LOGS_EXPORTER", "otlp"},
    {"it sends none where a person wants none", "OTEL_LOGS_EXPORTER", "none", false,
     "OTEL_LOGS_EXPORTER", "none"},
    {"it sends records of requests, which it does not write", NULL, NULL, false,
     "CULPRIT_LOG_RECORD_LEVEL", "info"},
    {"it names the collector's two sockets", NULL, NULL, true, "LISTEN_FDNAMES", "otlp:query"},
    {"it does not hand on a service's name", "OTEL_SERVICE_NAME", "other", false,
     "OTEL_SERVICE_NAME", NULL},
    {"it does not hand on another endpoint", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://x",
     false, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", NULL},
    {"it does not hand on somebody's sockets", "LISTEN_PID", "1", false, "LISTEN_PID", NULL},
    {"it hands faults on", "CULPRIT_FAULTS", "a.b", false, "CULPRIT_FAULTS", "a.b"},
};

static const char *find(const struct environment *environment, const char *name)
{
    const char *value = NULL;
    for (size_t i = 0; i < environment->count; i++) {
        const char *item = environment->items[i];
        if (strncmp(item, name, strlen(name)) != 0 || item[strlen(name)] != '=')
            continue;
        assert_null(value); /* never twice */
        value = item + strlen(name) + 1;
    }
    return value;
}

static void check(void **state)
{
    const struct row *row = *state;
    struct target target = {.control_token = "token"};
    struct environment environment = {.count = 0};
    assert_int_equal(target_add(&target, "auth", "http://127.0.0.1:1"), STATUS_OK);
    assert_int_equal(target_add(&target, "cart", "http://127.0.0.1:2"), STATUS_OK);
    assert_int_equal(target_add(&target, "otlp", "http://127.0.0.1:3"), STATUS_OK);
    assert_int_equal(target_add(&target, "query", "http://127.0.0.1:4"), STATUS_OK);
    if (row->set_name)
        setenv(row->set_name, row->set_value, 1);
    assert_int_equal(
        service_environment_fill(&environment, &target, "/data", "cart", row->is_collector),
        STATUS_OK);
    const char *value = find(&environment, row->name);
    if (row->value && value)
        assert_string_equal(value, row->value);
    else
        assert_true(row->value == NULL && value == NULL);
    environment_release(&environment);
    if (row->set_name)
        unsetenv(row->set_name);
}

int main(void)
{
    static struct rows all;
    unsetenv("QUEUE_URL");
    unsetenv("OTEL_BSP_SCHEDULE_DELAY");
    unsetenv("OTEL_LOGS_EXPORTER");
    unsetenv("CULPRIT_LOG_RECORD_LEVEL");
    ROWS(&all, rows, check);
    return rows_run("service_environment", &all);
}
