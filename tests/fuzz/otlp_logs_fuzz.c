/* Reads bytes as a request of log records, protobuf or JSON; what was read must write, read again,
 * and then write the same bytes. */
#include <string.h>

#include "otlp/logs.h"

enum { COUNT_MAX = 10000, MEMORY_MAX = 16 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(const struct otlp_log *log)
{
    struct logs again;
    struct buffer first, second;
    logs_init(&again, 1, 4 * (size_t)MEMORY_MAX);
    buffer_init(&first, 16 * (size_t)MEMORY_MAX);
    buffer_init(&second, 16 * (size_t)MEMORY_MAX);
    logs_proto_write_one(log, &first);
    const struct text bytes = {buffer_text(&first), first.length_bytes};
    if (first.failed != STATUS_OK ||
        logs_proto_read_one(&again, bytes, log->resource, log->scope) != STATUS_OK)
        __builtin_trap();
    logs_proto_write_one(&again.items[0], &second);
    if (second.length_bytes != first.length_bytes ||
        memcmp(buffer_text(&second), bytes.data, bytes.length) != 0)
        __builtin_trap();
    buffer_release(&second);
    buffer_release(&first);
    logs_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct logs logs;
    struct error error = {{0}};
    logs_init(&logs, COUNT_MAX, MEMORY_MAX);
    const bool is_json = size > 0 && (data[0] == '{' || data[0] == '[' || data[0] == ' ');
    const enum status status = is_json ? logs_json_read(&logs, (const char *)data, size, &error)
                                       : logs_proto_read(&logs, data, size, &error);
    for (size_t i = 0; status == STATUS_OK && i < logs.count; i++)
        check_again(&logs.items[i]);
    logs_release(&logs);
    return 0;
}
