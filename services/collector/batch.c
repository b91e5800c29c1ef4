#include "services/collector/batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/otlp_fields.h"
#include "base/wire.h"
#include "services/collector/light.h"

enum { CAPACITY_MIN = 64 };

struct batch_in {
    struct batch *batch;
    const char *begin;
    struct text resource, service;
    struct error *error;
};

typedef enum status batch_reader(struct batch_in *in, struct text message);

static enum status broken(const struct batch_in *in, struct text message, const char *what)
{
    return error_set(in->error, STATUS_INVALID,
                     "not OTLP protobuf: the %s that begins at byte %zu is broken", what,
                     (size_t)(message.data - in->begin));
}

/* Room for one more of `item_bytes`. */
static bool grow(void **items, size_t count, size_t *capacity, size_t item_bytes)
{
    if (count < *capacity)
        return true;
    const size_t wanted = *capacity ? *capacity * 2 : CAPACITY_MIN;
    void *grown = realloc(*items, wanted * item_bytes);
    if (!grown)
        return false;
    *items = grown;
    *capacity = wanted;
    return true;
}

static enum status add_span(struct batch_in *in, struct text message)
{
    struct batch *batch = in->batch;
    struct light_span span;
    if (!light_read(message, &span))
        return broken(in, message, "span");
    if (span.refused) {
        batch->refused++;
        return STATUS_OK;
    }
    if (batch->count == BATCH_SPANS_MAX) {
        batch->overfull++;
        return STATUS_OK;
    }
    if (!grow((void **)&batch->spans, batch->count, &batch->capacity, sizeof(*batch->spans)))
        return error_set(in->error, STATUS_NO_MEMORY, "out of memory");
    struct batch_span *own = &batch->spans[batch->count++];
    *own = (struct batch_span){.start_ns = span.start_ns,
                               .end_ns = span.end_ns,
                               .bytes = message,
                               .origin = (uint32_t)batch->origin_count - 1,
                               .is_error = span.status == OTLP_STATUS_ERROR};
    memcpy(own->trace_id, span.trace_id, sizeof(own->trace_id));
    return STATUS_OK;
}

static enum status each_message(struct batch_in *in, struct text message, uint32_t number,
                                batch_reader *read)
{
    struct wire_reader reader = wire_reader_of(message.data, message.length);
    struct wire_field field;
    enum status status;
    while ((status = wire_next(&reader, &field)) == STATUS_OK) {
        if (field.number == number && field.type == WIRE_BYTES)
            status = read(in, field.bytes);
        if (status != STATUS_OK)
            return status;
    }
    return status == STATUS_END ? STATUS_OK : broken(in, message, "message");
}

/* The last embedded message of that number, which may stand behind what it holds for. */
static enum status find_message(struct batch_in *in, struct text message, uint32_t number,
                                struct text *out)
{
    return wire_find(message, number, out) == STATUS_OK ? STATUS_OK
                                                        : broken(in, message, "message");
}

static enum status add_scope_spans(struct batch_in *in, struct text message)
{
    struct batch *batch = in->batch;
    struct text scope;
    const enum status status = find_message(in, message, OTLP_SCOPE_SPANS_SCOPE, &scope);
    if (status != STATUS_OK)
        return status;
    if (!light_read_scope(scope))
        return broken(in, scope, "scope");
    if (!grow((void **)&batch->origins, batch->origin_count, &batch->origin_capacity,
              sizeof(*batch->origins)))
        return error_set(in->error, STATUS_NO_MEMORY, "out of memory");
    batch->origins[batch->origin_count++] =
        (struct batch_origin){in->resource, scope, in->service,
                              hash_bytes(in->resource.data, in->resource.length) * 31 +
                                  hash_bytes(scope.data, scope.length)};
    return each_message(in, message, OTLP_SCOPE_SPANS_SPANS, add_span);
}

static enum status add_resource_spans(struct batch_in *in, struct text message)
{
    const enum status status =
        find_message(in, message, OTLP_RESOURCE_SPANS_RESOURCE, &in->resource);
    if (status != STATUS_OK)
        return status;
    if (!light_read_resource(in->resource, &in->service))
        return broken(in, in->resource, "resource");
    return each_message(in, message, OTLP_RESOURCE_SPANS_SCOPE_SPANS, add_scope_spans);
}

enum status batch_read(struct batch *batch, struct text bytes, struct error *error)
{
    struct batch_in in = {.batch = batch, .begin = bytes.data, .error = error};
    *batch = (struct batch){0};
    const enum status status =
        each_message(&in, bytes, OTLP_REQUEST_RESOURCE_SPANS, add_resource_spans);
    if (status != STATUS_OK)
        batch_release(batch);
    return status;
}

void batch_release(struct batch *batch)
{
    free(batch->spans);
    free(batch->origins);
    *batch = (struct batch){0};
}
