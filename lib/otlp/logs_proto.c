#include "base/wire.h"
#include "otlp/logs.h"
#include "otlp/proto_envelope.h"
#include "otlp/proto_out.h"
#include "otlp/proto_values.h"

enum { SEVERITY_MAX = 24 };

/* An id of another length stays zero, which is none. */
static void read_id(const struct wire_field *field, uint8_t *id, size_t length)
{
    if (field->type == WIRE_BYTES && field->bytes.length == length)
        memcpy(id, field->bytes.data, length);
}

static bool is_zero(const uint8_t *id, size_t length)
{
    uint8_t any = 0;
    for (size_t i = 0; i < length; i++)
        any |= id[i];
    return any == 0;
}

static void read_number(const struct wire_field *field, struct otlp_log *out)
{
    if (field->number == OTLP_LOG_TIME && field->type == WIRE_FIXED64)
        out->time_ns = field->value;
    else if (field->number == OTLP_LOG_OBSERVED_TIME && field->type == WIRE_FIXED64)
        out->observed_ns = field->value;
    else if (field->number == OTLP_LOG_FLAGS && field->type == WIRE_FIXED32)
        out->flags = (uint32_t)field->value;
    else if (field->number == OTLP_LOG_SEVERITY && field->type == WIRE_VARINT)
        out->severity = field->value <= SEVERITY_MAX ? (uint8_t)field->value : 0;
    else if (field->number == OTLP_LOG_DROPPED_ATTRIBUTES && field->type == WIRE_VARINT)
        out->attributes.dropped_count = (uint32_t)field->value;
}

static enum status read_text(struct spans *strings, struct text bytes, struct text *out)
{
    *out = spans_text(strings, bytes);
    return out->data ? STATUS_OK : STATUS_TOO_LARGE;
}

static enum status read_bytes(struct spans *strings, const struct wire_field *field,
                              struct otlp_log *out)
{
    switch (field->number) {
    case OTLP_LOG_TRACE_ID:
        read_id(field, out->trace_id, sizeof(out->trace_id));
        return STATUS_OK;
    case OTLP_LOG_SPAN_ID:
        read_id(field, out->span_id, sizeof(out->span_id));
        return STATUS_OK;
    case OTLP_LOG_SEVERITY_TEXT:
        return read_text(strings, field->bytes, &out->severity_text);
    case OTLP_LOG_EVENT_NAME:
        return read_text(strings, field->bytes, &out->event_name);
    case OTLP_LOG_BODY:
        return proto_values_read_value(strings, field->bytes, &out->body);
    default:
        return STATUS_OK;
    }
}

static enum status read_log(struct spans *strings, struct text message, struct otlp_log *out)
{
    struct wire_reader reader = wire_reader_of(message.data, message.length);
    struct wire_field field;
    enum status status;
    while ((status = wire_next(&reader, &field)) == STATUS_OK) {
        if (field.type == WIRE_BYTES)
            status = read_bytes(strings, &field, out);
        else
            read_number(&field, out);
        if (status != STATUS_OK)
            return status;
    }
    if (status != STATUS_END)
        return status;
    if (is_zero(out->trace_id, sizeof(out->trace_id)))
        memset(out->span_id, 0, sizeof(out->span_id));
    return proto_values_read(strings, message, OTLP_LOG_ATTRIBUTES, &out->attributes);
}

enum status logs_proto_read_one(struct logs *logs, struct text message,
                                const struct otlp_resource *resource,
                                const struct otlp_scope *scope)
{
    struct otlp_log log = {
        .resource = resource, .scope = scope, .severity_text = {"", 0}, .event_name = {"", 0}};
    const enum status status = read_log(&logs->strings, message, &log);
    if (status == STATUS_OK)
        return logs_add(logs, &log);
    logs->rejected += status == STATUS_TOO_LARGE;
    return status;
}

static enum status read_item(struct proto_envelope *in, struct text message)
{
    const enum status status = logs_proto_read_one(in->context, message, in->resource, in->scope);
    if (status == STATUS_INVALID)
        return proto_envelope_broken(in, message, "log record");
    if (status != STATUS_OK)
        in->overfull = status;
    return STATUS_OK;
}

enum status logs_proto_read(struct logs *logs, const void *bytes, size_t length_bytes,
                            struct error *error)
{
    struct proto_envelope in = {.spans = &logs->strings,
                                .read = read_item,
                                .begin = bytes,
                                .error = error,
                                .context = logs};
    const enum status status = proto_envelope_read(&in, (struct text){bytes, length_bytes});
    logs->rejected += logs->strings.rejected; /* those without a resource or scope */
    logs->strings.rejected = 0;
    if (status != STATUS_OK)
        return status;
    return in.overfull == STATUS_OK
               ? STATUS_OK
               : error_set(error, in.overfull, "more log records than there is room for");
}

/* ---- writing */

void logs_proto_write_one(const struct otlp_log *log, struct buffer *out)
{
    if (log->time_ns != 0)
        proto_out_fixed64(out, OTLP_LOG_TIME, log->time_ns);
    if (log->observed_ns != 0)
        proto_out_fixed64(out, OTLP_LOG_OBSERVED_TIME, log->observed_ns);
    proto_out_u64_if(out, OTLP_LOG_SEVERITY, log->severity);
    proto_out_text(out, OTLP_LOG_SEVERITY_TEXT, log->severity_text);
    proto_out_text(out, OTLP_LOG_EVENT_NAME, log->event_name);
    if (log->flags != 0)
        proto_out_fixed32(out, OTLP_LOG_FLAGS, log->flags);
    if (!is_zero(log->trace_id, sizeof(log->trace_id)))
        proto_out_bytes(out, OTLP_LOG_TRACE_ID, log->trace_id, sizeof(log->trace_id));
    if (!is_zero(log->span_id, sizeof(log->span_id)))
        proto_out_bytes(out, OTLP_LOG_SPAN_ID, log->span_id, sizeof(log->span_id));
    if (log->body.type != OTLP_EMPTY)
        proto_values_write_value(&log->body, OTLP_LOG_BODY, out);
    proto_values_write(&log->attributes, OTLP_LOG_ATTRIBUTES, out);
    proto_out_u64_if(out, OTLP_LOG_DROPPED_ATTRIBUTES, log->attributes.dropped_count);
}
