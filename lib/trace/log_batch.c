#include "trace/log_batch.h"

#include <sys/mman.h>

#include "base/otlp_fields.h"
#include "base/wire.h"
#include "trace/log_queue.h"
#include "trace/scope_wire.h"

/* Around a record at the most: its tag and length, and a scope of its own. */
enum { FRAME_BYTES = 16 + SCOPE_WIRE_MAX };

enum status log_batch_init(struct log_batch *batch, uint32_t max_count)
{
    void *memory = mmap(NULL, LOG_BATCH_BYTES_MAX, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    *batch = (struct log_batch){.max_count = max_count};
    if (memory == MAP_FAILED)
        return STATUS_NO_MEMORY;
    batch->bytes = memory;
    return STATUS_OK;
}

void log_batch_release(struct log_batch *batch)
{
    if (batch->bytes != NULL)
        munmap(batch->bytes, LOG_BATCH_BYTES_MAX);
    *batch = (struct log_batch){0};
}

/* Records in their order; those of one scope that follow one another share its envelope. */
static uint32_t put_records(const struct log_batch *batch, struct wire_writer *writer)
{
    struct log_queue_record record;
    const void *scope = NULL;
    uint8_t *mark = NULL;
    uint32_t count = 0;
    while (count < batch->max_count && log_queue_peek(&record) &&
           record.length_bytes + FRAME_BYTES < (size_t)(writer->end - writer->at)) {
        if (count == 0 || record.scope != scope) {
            if (count > 0)
                wire_end(writer, mark);
            scope = record.scope;
            wire_begin(writer, OTLP_RESOURCE_LOGS_SCOPE_LOGS, &mark);
            scope_wire_put(writer, scope);
        }
        wire_put_bytes(writer, OTLP_SCOPE_LOGS_RECORDS, record.bytes, record.length_bytes);
        log_queue_drop();
        count++;
    }
    if (count > 0)
        wire_end(writer, mark);
    return count;
}

uint32_t log_batch_build(struct log_batch *batch, struct text resource)
{
    struct wire_writer writer = {batch->bytes, batch->bytes + LOG_BATCH_BYTES_MAX, false};
    uint8_t *mark;
    wire_begin(&writer, OTLP_REQUEST_RESOURCE_LOGS, &mark);
    wire_put_bytes(&writer, OTLP_RESOURCE_LOGS_RESOURCE, resource.data, resource.length);
    const uint32_t count = put_records(batch, &writer);
    wire_end(&writer, mark);
    batch->length_bytes = (size_t)(writer.at - batch->bytes);
    return count;
}
