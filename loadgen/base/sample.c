#include "loadgen/base/sample.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/hash.h"
#include "otlp/otlp_proto.h"

enum { ITEMS_MAX = 4 * SAMPLE_FLOWS_MAX, TRACE_BYTES_MAX = 16 * 1024 * 1024 };

static const size_t all_bytes_max = (size_t)256 * 1024 * 1024;

void sample_init(struct sample *sample, uint64_t flow_count)
{
    *sample = (struct sample){.threshold = UINT64_MAX};
    if (flow_count > SAMPLE_FLOWS_MAX)
        sample->threshold = UINT64_MAX / flow_count * SAMPLE_FLOWS_MAX;
}

void sample_release(struct sample *sample)
{
    for (size_t i = 0; i < sample->count; i++)
        free(sample->items[i].bytes);
    free(sample->items);
    *sample = (struct sample){0};
}

bool sample_wants(const struct sample *sample, uint64_t flow)
{
    return hash_bytes_keyed(&flow, sizeof flow, 1, 2) <= sample->threshold;
}

bool sample_is_whole(const struct sample *sample)
{
    return sample->threshold == UINT64_MAX && sample->dropped == 0;
}

static bool make_room(struct sample *sample)
{
    if (sample->count < sample->capacity)
        return true;
    size_t capacity = sample->capacity ? sample->capacity * 2 : 64;
    struct sample_item *items = reallocarray(sample->items, capacity, sizeof *items);
    if (!items)
        return false;
    sample->items = items;
    sample->capacity = capacity;
    return true;
}

bool sample_covers(const struct sample *sample, uint64_t start_ns, uint64_t end_ns)
{
    for (size_t i = 0; i < sample->count; i++) {
        const struct sample_item *item = &sample->items[i];
        if (item->flow != UINT64_MAX && item->start_ns <= start_ns && end_ns <= item->end_ns)
            return true;
    }
    return false;
}

static void stretch(struct sample_item *item, const struct spans *spans, size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++) {
        if (spans->items[i].start_ns < item->start_ns)
            item->start_ns = spans->items[i].start_ns;
        if (spans->items[i].end_ns > item->end_ns)
            item->end_ns = spans->items[i].end_ns;
    }
}

void sample_add(struct sample *sample, uint64_t flow, const struct spans *spans, size_t first,
                size_t count)
{
    struct buffer out;
    buffer_init(&out, TRACE_BYTES_MAX);
    enum status status = STATUS_TOO_LARGE;
    if (sample->count < ITEMS_MAX && sample->bytes < all_bytes_max && make_room(sample))
        status = otlp_proto_write(spans, first, count, &out);
    if (status == STATUS_OK) {
        struct sample_item *item = &sample->items[sample->count++];
        item->flow = flow;
        item->start_ns = UINT64_MAX;
        item->end_ns = 0;
        stretch(item, spans, first, count);
        item->bytes = buffer_take(&out, &item->length_bytes);
        sample->bytes += item->length_bytes;
    } else {
        sample->dropped++;
    }
    buffer_release(&out);
}

enum status sample_decode(const struct sample *sample, struct spans *spans)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < sample->count && status == STATUS_OK; i++)
        status = otlp_proto_read(spans, sample->items[i].bytes, sample->items[i].length_bytes, NULL,
                                 NULL);
    return status;
}
