#include "otlp/logs.h"

#include <stdlib.h>

enum { CAPACITY_MIN = 64 };

void logs_init(struct logs *logs, size_t max_count, size_t max_bytes)
{
    *logs = (struct logs){.max_count = max_count};
    spans_init(&logs->strings, 0, max_bytes);
}

void logs_release(struct logs *logs)
{
    spans_release(&logs->strings);
    free(logs->items);
    logs->items = NULL;
    logs->count = logs->capacity = 0;
    logs->rejected = 0;
}

static enum status reserve(struct logs *logs)
{
    if (logs->count >= logs->max_count)
        return STATUS_TOO_LARGE;
    if (logs->count < logs->capacity)
        return STATUS_OK;
    size_t capacity = logs->capacity ? logs->capacity * 2 : CAPACITY_MIN;
    if (capacity > logs->max_count)
        capacity = logs->max_count;
    struct otlp_log *items = realloc(logs->items, capacity * sizeof(*items));
    if (!items)
        return STATUS_NO_MEMORY;
    logs->items = items;
    logs->capacity = capacity;
    return STATUS_OK;
}

enum status logs_add(struct logs *logs, const struct otlp_log *log)
{
    const enum status status = reserve(logs);
    if (status == STATUS_OK)
        logs->items[logs->count++] = *log;
    else
        logs->rejected++;
    return status;
}

uint64_t logs_time_ns(const struct otlp_log *log)
{
    return log->time_ns ? log->time_ns : log->observed_ns;
}
