#include "otlp/proto_envelope.h"

#include "base/wire.h"
#include "otlp/proto_values.h"
#include "otlp/spans_origin.h"

/* The two signals have the same numbers. */
enum {
    REQUEST_ITEMS = OTLP_REQUEST_RESOURCE_SPANS,
    RESOURCE_ITEMS_RESOURCE = OTLP_RESOURCE_SPANS_RESOURCE,
    RESOURCE_ITEMS_SCOPE_ITEMS = OTLP_RESOURCE_SPANS_SCOPE_SPANS,
    SCOPE_ITEMS_SCOPE = OTLP_SCOPE_SPANS_SCOPE,
    SCOPE_ITEMS_ITEMS = OTLP_SCOPE_SPANS_SPANS,
};
_Static_assert((int)REQUEST_ITEMS == OTLP_REQUEST_RESOURCE_LOGS &&
                   (int)RESOURCE_ITEMS_RESOURCE == OTLP_RESOURCE_LOGS_RESOURCE &&
                   (int)RESOURCE_ITEMS_SCOPE_ITEMS == OTLP_RESOURCE_LOGS_SCOPE_LOGS &&
                   (int)SCOPE_ITEMS_SCOPE == OTLP_SCOPE_LOGS_SCOPE &&
                   (int)SCOPE_ITEMS_ITEMS == OTLP_SCOPE_LOGS_RECORDS,
               "spans and logs are wrapped alike");

enum status proto_envelope_broken(const struct proto_envelope *in, struct text message,
                                  const char *what)
{
    return error_set(in->error, STATUS_INVALID,
                     "not OTLP protobuf: the %s that begins at byte %zu is broken", what,
                     message.data ? (size_t)(message.data - in->begin) : 0);
}

static enum status each_message(struct proto_envelope *in, struct text message, uint32_t number,
                                proto_envelope_reader *read)
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
    return status == STATUS_END ? STATUS_OK : proto_envelope_broken(in, message, "message");
}

static enum status read_scope(struct proto_envelope *in, struct text message)
{
    struct text name, version;
    if (wire_find(message, OTLP_SCOPE_NAME, &name) != STATUS_OK ||
        wire_find(message, OTLP_SCOPE_VERSION, &version) != STATUS_OK)
        return proto_envelope_broken(in, message, "scope");
    in->scope = spans_origin_scope(in->spans, name, version);
    return STATUS_OK;
}

/* Counts what a set that is full cannot take. */
static enum status reject(struct proto_envelope *in, struct text message)
{
    (void)message;
    in->spans->rejected++;
    in->overfull = STATUS_TOO_LARGE;
    return STATUS_OK;
}

static enum status read_scope_items(struct proto_envelope *in, struct text message)
{
    struct text scope;
    if (wire_find(message, SCOPE_ITEMS_SCOPE, &scope) != STATUS_OK)
        return proto_envelope_broken(in, message, "scope's list");
    const enum status status = read_scope(in, scope);
    if (status != STATUS_OK)
        return status;
    return each_message(in, message, SCOPE_ITEMS_ITEMS,
                        in->resource && in->scope ? in->read : reject);
}

static enum status read_resource(struct proto_envelope *in, struct text message)
{
    struct otlp_attributes attributes = {0};
    struct wire_reader reader = wire_reader_of(message.data, message.length);
    struct wire_field field;
    in->resource = spans_origin_recall(in->spans, message);
    if (in->resource)
        return STATUS_OK;
    enum status status =
        proto_values_read(in->spans, message, OTLP_RESOURCE_ATTRIBUTES, &attributes);
    if (status == STATUS_INVALID)
        return proto_envelope_broken(in, message, "resource");
    if (status != STATUS_OK)
        return STATUS_OK; /* its items are rejected then */
    while (wire_next(&reader, &field) == STATUS_OK) {
        if (field.number == OTLP_RESOURCE_DROPPED_ATTRIBUTES && field.type == WIRE_VARINT)
            attributes.dropped_count = (uint32_t)field.value;
    }
    in->resource = spans_origin_resource(in->spans, &attributes);
    spans_origin_remember(in->spans, message, in->resource);
    return STATUS_OK;
}

static enum status read_resource_items(struct proto_envelope *in, struct text message)
{
    struct text resource;
    if (wire_find(message, RESOURCE_ITEMS_RESOURCE, &resource) != STATUS_OK)
        return proto_envelope_broken(in, message, "resource's list");
    const enum status status = read_resource(in, resource);
    if (status != STATUS_OK)
        return status;
    return each_message(in, message, RESOURCE_ITEMS_SCOPE_ITEMS, read_scope_items);
}

enum status proto_envelope_read(struct proto_envelope *in, struct text request)
{
    return each_message(in, request, REQUEST_ITEMS, read_resource_items);
}
