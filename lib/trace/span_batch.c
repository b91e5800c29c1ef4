#include "trace/span_batch.h"

#include <string.h>
#include <sys/mman.h>

#include "base/otlp_fields.h"
#include "base/wire.h"
#include "trace/resource.h"
#include "trace/scope_wire.h"
#include "trace/span_entries.h"

/* Around a span, and around a scope and its spans: a tag and a padded length. */
enum { SPAN_FRAME_BYTES = 6, SCOPE_FRAME_BYTES = 6 };

static void *map(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static size_t records_bytes(const struct span_batch *batch)
{
    return batch->max_count * sizeof batch->records[0];
}

enum status span_batch_init(struct span_batch *batch, uint32_t max_count)
{
    *batch = (struct span_batch){.max_count = max_count, .capacity_bytes = SPAN_BATCH_BYTES_MAX};
    batch->bytes = map(batch->capacity_bytes);
    batch->records = map(records_bytes(batch));
    if (batch->bytes != NULL && batch->records != NULL)
        return STATUS_OK;
    span_batch_release(batch);
    return STATUS_NO_MEMORY;
}

void span_batch_release(struct span_batch *batch)
{
    if (batch->bytes != NULL)
        munmap(batch->bytes, batch->capacity_bytes);
    if (batch->records != NULL)
        munmap(batch->records, records_bytes(batch));
    batch->bytes = NULL;
    batch->records = NULL;
}

void span_batch_add(struct span_batch *batch, struct span_block *oldest)
{
    if (oldest == NULL)
        return;
    if (batch->last != NULL)
        batch->last->next = oldest;
    else
        batch->first = oldest;
    for (; oldest != NULL; oldest = oldest->next) {
        batch->waiting_count += oldest->record_count;
        batch->last = oldest;
    }
}

/* Puts blocks that are read to the end aside; the first one with something to read, or NULL. */
static struct span_block *next_unread(struct span_batch *batch)
{
    struct span_block *block = batch->first;
    while (block != NULL && block->read_bytes >= block->used_bytes) {
        batch->first = block->next;
        block->next = batch->done;
        batch->done = block;
        block = batch->first;
    }
    if (block == NULL)
        batch->last = NULL;
    return block;
}

/* What stands around a record at the most: every one in a scope of its own. */
static size_t frame_bytes(const struct tracer *tracer)
{
    return SPAN_FRAME_BYTES + SCOPE_FRAME_BYTES + scope_wire_size(tracer);
}

/* Chooses the records of the next request; they stay in their blocks. */
static void choose(struct span_batch *batch, size_t room)
{
    struct span_block *block;
    const struct tracer *tracer = NULL;
    size_t frame = 0; /* for that tracer: spans of one often come in a row */
    batch->count = 0;
    while (batch->count < batch->max_count && (block = next_unread(batch)) != NULL) {
        struct span_batch_record *record = &batch->records[batch->count];
        memcpy(&record->head, block->data + block->read_bytes, sizeof record->head);
        if (record->head.tracer != tracer) {
            tracer = record->head.tracer;
            frame = frame_bytes(tracer);
        }
        if (record->head.length_bytes + frame > room)
            return;
        room -= record->head.length_bytes + frame;
        record->at = block->data + block->read_bytes + sizeof record->head;
        record->block = block;
        record->is_written = false;
        block->read_bytes = (uint16_t)(block->more ? block->used_bytes
                                                   : block->read_bytes + sizeof record->head +
                                                         record->head.length_bytes);
        batch->count++;
    }
}

/* A record of a chain goes over several blocks. */
static void copy_record(const struct span_batch_record *record, uint8_t *out)
{
    const struct span_block *block = record->block;
    size_t left = record->head.length_bytes;
    size_t part = (size_t)(block->data + block->used_bytes - record->at);
    part = part < left ? part : left;
    memcpy(out, record->at, part);
    while ((left -= part) > 0) {
        out += part;
        block = block->more;
        part = block->used_bytes < left ? block->used_bytes : left;
        memcpy(out, block->data, part);
    }
}

static void write_record(const struct span_batch_record *record, struct wire_writer *writer)
{
    uint8_t *mark;
    wire_begin(writer, OTLP_SCOPE_SPANS_SPANS, &mark);
    uint8_t *message = writer->at;
    size_t length = record->head.length_bytes, prefix = record->head.prefix_bytes;
    copy_record(record, message);
    if (record->head.has_holes)
        length = prefix + span_entries_close_holes(message + prefix, length - prefix);
    writer->at += length;
    wire_end(writer, mark);
}

static void write_scope(struct span_batch *batch, uint32_t first, struct wire_writer *writer)
{
    const struct tracer *tracer = batch->records[first].head.tracer;
    uint8_t *scope_spans;
    wire_begin(writer, OTLP_RESOURCE_SPANS_SCOPE_SPANS, &scope_spans);
    scope_wire_put(writer, tracer); /* the room was counted before */
    for (uint32_t i = first; i < batch->count; i++) {
        struct span_batch_record *record = &batch->records[i];
        if (record->is_written || record->head.tracer != tracer)
            continue;
        write_record(record, writer);
        record->is_written = true;
    }
    wire_end(writer, scope_spans);
}

static void give_back(struct span_batch *batch)
{
    (void)next_unread(batch);
    while (batch->done != NULL) {
        struct span_block *block = batch->done;
        batch->done = block->next;
        span_pool_put_chain(block);
    }
}

uint32_t span_batch_build(struct span_batch *batch, const uint8_t *resource, size_t resource_bytes)
{
    struct wire_writer writer = {batch->bytes, batch->bytes + batch->capacity_bytes, false};
    uint8_t *resource_spans;
    choose(batch, batch->capacity_bytes - resource_bytes - SCOPE_FRAME_BYTES);
    if (batch->count > 0) {
        wire_begin(&writer, OTLP_REQUEST_RESOURCE_SPANS, &resource_spans);
        wire_put_bytes(&writer, OTLP_RESOURCE_SPANS_RESOURCE, resource, resource_bytes);
        for (uint32_t i = 0; i < batch->count; i++)
            if (!batch->records[i].is_written)
                write_scope(batch, i, &writer);
        wire_end(&writer, resource_spans);
    }
    batch->length_bytes = (size_t)(writer.at - batch->bytes);
    batch->waiting_count -= batch->count;
    give_back(batch);
    return batch->count;
}
