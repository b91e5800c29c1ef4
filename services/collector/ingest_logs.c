#include "services/collector/ingest_inner.h"

enum { RECORDS_MAX = 131072 };

typedef enum status logs_read(struct logs *logs, struct text bytes, struct error *error);

static enum status read_proto(struct logs *logs, struct text bytes, struct error *error)
{
    return logs_proto_read(logs, bytes.data, bytes.length, error);
}

static enum status read_json(struct logs *logs, struct text bytes, struct error *error)
{
    return logs_json_read(logs, bytes.data, bytes.length, error);
}

static void keep(struct exchange *exchange, struct logs *logs)
{
    struct collector *collector = exchange->collector;
    const uint64_t taken = logs->count, refused = logs->rejected;
    if (taken > 0 && log_inbox_put(collector->inbox, logs) != STATUS_OK) {
        exchange_busy(exchange);
        return;
    }
    open_traces_wake(collector->open); /* the writer sleeps there */
    counters_add(&collector->counters, COUNTER_LOGS_RECEIVED, taken + refused);
    counters_add(&collector->counters, COUNTER_LOGS_ACCEPTED, taken);
    counters_add(&collector->counters, COUNTER_LOGS_REFUSED, refused);
    exchange_success(exchange, refused, "a limit was passed: too many log records in one request");
}

static void take(struct exchange *exchange, struct text bytes, logs_read *read)
{
    struct logs logs;
    struct error error = {{0}};
    if (!exchange_reserve(exchange, bytes.length * INGEST_MODEL_RATIO)) {
        exchange_busy(exchange);
        return;
    }
    logs_init(&logs, RECORDS_MAX, INGEST_MODEL_MAX);
    const enum status status = read(&logs, bytes, &error);
    if (status == STATUS_OK || status == STATUS_TOO_LARGE)
        keep(exchange, &logs);
    else
        exchange_status(exchange, status, error.text);
    logs_release(&logs);
}

void ingest_logs_proto(struct exchange *exchange, struct text bytes)
{
    take(exchange, bytes, read_proto);
}

void ingest_logs_json(struct exchange *exchange, struct text bytes)
{
    take(exchange, bytes, read_json);
}
