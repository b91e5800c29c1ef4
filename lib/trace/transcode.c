#include "trace/transcode.h"

#include <string.h>

#include "base/otlp_fields.h"
#include "base/wire.h"

enum form { TEXT, HEX, BASE64, BOOL, NUMBER, U64_TEXT, I64_TEXT, DOUBLE, MESSAGE };

enum count { ONE, MANY };

struct field {
    uint32_t number;
    const char *key;
    enum form form;
    enum count count;
    const struct transcode_type *type; /* of a MESSAGE */
};

struct transcode_type {
    const struct field *fields; /* at most 64 */
    size_t field_count;
};

#define TYPE(table)                                                                                \
    {                                                                                              \
        (table), sizeof(table) / sizeof((table)[0])                                                \
    }

static const struct transcode_type any_value;

static const struct field key_value_fields[] = {
    {OTLP_KEY_VALUE_KEY, "key", TEXT, ONE, NULL},
    {OTLP_KEY_VALUE_VALUE, "value", MESSAGE, ONE, &any_value},
};
static const struct transcode_type key_value = TYPE(key_value_fields);

static const struct field array_fields[] = {
    {OTLP_ARRAY_VALUES, "values", MESSAGE, MANY, &any_value},
};
static const struct transcode_type array = TYPE(array_fields);

static const struct field map_fields[] = {
    {OTLP_KVLIST_VALUES, "values", MESSAGE, MANY, &key_value},
};
static const struct transcode_type map = TYPE(map_fields);

static const struct field any_value_fields[] = {
    {OTLP_VALUE_STRING, "stringValue", TEXT, ONE, NULL},
    {OTLP_VALUE_BOOL, "boolValue", BOOL, ONE, NULL},
    {OTLP_VALUE_INT, "intValue", I64_TEXT, ONE, NULL},
    {OTLP_VALUE_DOUBLE, "doubleValue", DOUBLE, ONE, NULL},
    {OTLP_VALUE_ARRAY, "arrayValue", MESSAGE, ONE, &array},
    {OTLP_VALUE_KVLIST, "kvlistValue", MESSAGE, ONE, &map},
    {OTLP_VALUE_BYTES, "bytesValue", BASE64, ONE, NULL},
};
static const struct transcode_type any_value = TYPE(any_value_fields);

static const struct field event_fields[] = {
    {OTLP_EVENT_TIME, "timeUnixNano", U64_TEXT, ONE, NULL},
    {OTLP_EVENT_NAME, "name", TEXT, ONE, NULL},
    {OTLP_EVENT_ATTRIBUTES, "attributes", MESSAGE, MANY, &key_value},
    {OTLP_EVENT_DROPPED_ATTRIBUTES, "droppedAttributesCount", NUMBER, ONE, NULL},
};
static const struct transcode_type event = TYPE(event_fields);

static const struct field link_fields[] = {
    {OTLP_LINK_TRACE_ID, "traceId", HEX, ONE, NULL},
    {OTLP_LINK_SPAN_ID, "spanId", HEX, ONE, NULL},
    {OTLP_LINK_TRACE_STATE, "traceState", TEXT, ONE, NULL},
    {OTLP_LINK_ATTRIBUTES, "attributes", MESSAGE, MANY, &key_value},
    {OTLP_LINK_DROPPED_ATTRIBUTES, "droppedAttributesCount", NUMBER, ONE, NULL},
    {OTLP_LINK_FLAGS, "flags", NUMBER, ONE, NULL},
};
static const struct transcode_type link_type = TYPE(link_fields);

static const struct field status_fields[] = {
    {OTLP_STATUS_MESSAGE, "message", TEXT, ONE, NULL},
    {OTLP_STATUS_CODE, "code", NUMBER, ONE, NULL},
};
static const struct transcode_type status_type = TYPE(status_fields);

static const struct field span_fields[] = {
    {OTLP_SPAN_TRACE_ID, "traceId", HEX, ONE, NULL},
    {OTLP_SPAN_SPAN_ID, "spanId", HEX, ONE, NULL},
    {OTLP_SPAN_TRACE_STATE, "traceState", TEXT, ONE, NULL},
    {OTLP_SPAN_PARENT_SPAN_ID, "parentSpanId", HEX, ONE, NULL},
    {OTLP_SPAN_FLAGS, "flags", NUMBER, ONE, NULL},
    {OTLP_SPAN_NAME, "name", TEXT, ONE, NULL},
    {OTLP_SPAN_KIND, "kind", NUMBER, ONE, NULL},
    {OTLP_SPAN_START_TIME, "startTimeUnixNano", U64_TEXT, ONE, NULL},
    {OTLP_SPAN_END_TIME, "endTimeUnixNano", U64_TEXT, ONE, NULL},
    {OTLP_SPAN_ATTRIBUTES, "attributes", MESSAGE, MANY, &key_value},
    {OTLP_SPAN_DROPPED_ATTRIBUTES, "droppedAttributesCount", NUMBER, ONE, NULL},
    {OTLP_SPAN_EVENTS, "events", MESSAGE, MANY, &event},
    {OTLP_SPAN_DROPPED_EVENTS, "droppedEventsCount", NUMBER, ONE, NULL},
    {OTLP_SPAN_LINKS, "links", MESSAGE, MANY, &link_type},
    {OTLP_SPAN_DROPPED_LINKS, "droppedLinksCount", NUMBER, ONE, NULL},
    {OTLP_SPAN_STATUS, "status", MESSAGE, ONE, &status_type},
};
const struct transcode_type transcode_span = TYPE(span_fields);

static const struct field scope_fields[] = {
    {OTLP_SCOPE_NAME, "name", TEXT, ONE, NULL},
    {OTLP_SCOPE_VERSION, "version", TEXT, ONE, NULL},
    {OTLP_SCOPE_ATTRIBUTES, "attributes", MESSAGE, MANY, &key_value},
    {OTLP_SCOPE_DROPPED_ATTRIBUTES, "droppedAttributesCount", NUMBER, ONE, NULL},
};
const struct transcode_type transcode_scope = TYPE(scope_fields);

static const struct field resource_fields[] = {
    {OTLP_RESOURCE_ATTRIBUTES, "attributes", MESSAGE, MANY, &key_value},
    {OTLP_RESOURCE_DROPPED_ATTRIBUTES, "droppedAttributesCount", NUMBER, ONE, NULL},
};
const struct transcode_type transcode_resource = TYPE(resource_fields);

static const struct field scope_spans_fields[] = {
    {OTLP_SCOPE_SPANS_SCOPE, "scope", MESSAGE, ONE, &transcode_scope},
    {OTLP_SCOPE_SPANS_SPANS, "spans", MESSAGE, MANY, &transcode_span},
    {OTLP_SCOPE_SPANS_SCHEMA_URL, "schemaUrl", TEXT, ONE, NULL},
};
static const struct transcode_type scope_spans = TYPE(scope_spans_fields);

static const struct field resource_spans_fields[] = {
    {OTLP_RESOURCE_SPANS_RESOURCE, "resource", MESSAGE, ONE, &transcode_resource},
    {OTLP_RESOURCE_SPANS_SCOPE_SPANS, "scopeSpans", MESSAGE, MANY, &scope_spans},
    {OTLP_RESOURCE_SPANS_SCHEMA_URL, "schemaUrl", TEXT, ONE, NULL},
};
static const struct transcode_type resource_spans = TYPE(resource_spans_fields);

static const struct field traces_fields[] = {
    {OTLP_REQUEST_RESOURCE_SPANS, "resourceSpans", MESSAGE, MANY, &resource_spans},
};
const struct transcode_type transcode_traces = TYPE(traces_fields);

static const struct field log_record_fields[] = {
    {OTLP_LOG_TIME, "timeUnixNano", U64_TEXT, ONE, NULL},
    {OTLP_LOG_OBSERVED_TIME, "observedTimeUnixNano", U64_TEXT, ONE, NULL},
    {OTLP_LOG_SEVERITY, "severityNumber", NUMBER, ONE, NULL},
    {OTLP_LOG_SEVERITY_TEXT, "severityText", TEXT, ONE, NULL},
    {OTLP_LOG_BODY, "body", MESSAGE, ONE, &any_value},
    {OTLP_LOG_ATTRIBUTES, "attributes", MESSAGE, MANY, &key_value},
    {OTLP_LOG_DROPPED_ATTRIBUTES, "droppedAttributesCount", NUMBER, ONE, NULL},
    {OTLP_LOG_FLAGS, "flags", NUMBER, ONE, NULL},
    {OTLP_LOG_TRACE_ID, "traceId", HEX, ONE, NULL},
    {OTLP_LOG_SPAN_ID, "spanId", HEX, ONE, NULL},
    {OTLP_LOG_EVENT_NAME, "eventName", TEXT, ONE, NULL},
};
const struct transcode_type transcode_log_record = TYPE(log_record_fields);

static const struct field scope_logs_fields[] = {
    {OTLP_SCOPE_LOGS_SCOPE, "scope", MESSAGE, ONE, &transcode_scope},
    {OTLP_SCOPE_LOGS_RECORDS, "logRecords", MESSAGE, MANY, &transcode_log_record},
    {OTLP_SCOPE_SPANS_SCHEMA_URL, "schemaUrl", TEXT, ONE, NULL},
};
static const struct transcode_type scope_logs = TYPE(scope_logs_fields);

static const struct field resource_logs_fields[] = {
    {OTLP_RESOURCE_LOGS_RESOURCE, "resource", MESSAGE, ONE, &transcode_resource},
    {OTLP_RESOURCE_LOGS_SCOPE_LOGS, "scopeLogs", MESSAGE, MANY, &scope_logs},
    {OTLP_RESOURCE_SPANS_SCHEMA_URL, "schemaUrl", TEXT, ONE, NULL},
};
static const struct transcode_type resource_logs = TYPE(resource_logs_fields);

static const struct field logs_fields[] = {
    {OTLP_REQUEST_RESOURCE_LOGS, "resourceLogs", MESSAGE, MANY, &resource_logs},
};
const struct transcode_type transcode_logs = TYPE(logs_fields);

static void write_message(const struct transcode_type *type, struct text message, unsigned depth,
                          struct json_writer *out);

/* A writer bears 64 levels, values more: each value gets a writer of its own. */
static void write_inner(const struct transcode_type *type, struct text message, unsigned depth,
                        struct json_writer *out)
{
    struct json_writer inner;
    if (type != &any_value) {
        write_message(type, message, depth, out);
        return;
    }
    json_raw(out, (struct text){"", 0}); /* the place of the value */
    json_writer_init(&inner, out->out, 0);
    write_message(type, message, depth, &inner);
}

static double double_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void write_value(const struct field *field, const struct wire_field *value, unsigned depth,
                        struct json_writer *out)
{
    const uint8_t *bytes = (const uint8_t *)value->bytes.data;
    switch (field->form) {
    case TEXT:
        json_text(out, value->bytes);
        break;
    case HEX:
        json_hex(out, bytes, value->bytes.length);
        break;
    case BASE64:
        json_base64(out, bytes, value->bytes.length);
        break;
    case BOOL:
        json_bool(out, value->value != 0);
        break;
    case NUMBER:
        json_u64(out, value->value);
        break;
    case U64_TEXT:
        json_u64_string(out, value->value);
        break;
    case I64_TEXT:
        json_i64_string(out, (int64_t)value->value);
        break;
    case DOUBLE:
        json_double(out, double_of(value->value));
        break;
    case MESSAGE:
        write_inner(field->type, value->bytes, depth + 1, out);
        break;
    }
}

static bool fits(const struct field *field, const struct wire_field *value)
{
    bool is_run = field->form == TEXT || field->form == HEX || field->form == BASE64 ||
                  field->form == MESSAGE;
    return field->number == value->number && is_run == (value->type == WIRE_BYTES);
}

/* A bit for each of the table's fields that the message has. */
static uint64_t find_fields(const struct transcode_type *type, struct text message)
{
    struct wire_reader reader = wire_reader_of(message.data, message.length);
    struct wire_field value;
    uint64_t found = 0;
    while (wire_next(&reader, &value) == STATUS_OK)
        for (size_t i = 0; i < type->field_count; i++)
            if (fits(&type->fields[i], &value))
                found |= (uint64_t)1 << i;
    return found;
}

/* All of a MANY, the last of a ONE. */
static void write_field(const struct field *field, struct text message, unsigned depth,
                        struct json_writer *out)
{
    struct wire_reader reader = wire_reader_of(message.data, message.length);
    struct wire_field value, last = {0};
    json_key(out, field->key);
    if (field->count == MANY)
        json_begin_array(out);
    while (wire_next(&reader, &value) == STATUS_OK) {
        if (!fits(field, &value))
            continue;
        if (field->count == MANY)
            write_value(field, &value, depth, out);
        last = value;
    }
    if (field->count == MANY)
        json_end_array(out);
    else
        write_value(field, &last, depth, out);
}

static void write_message(const struct transcode_type *type, struct text message, unsigned depth,
                          struct json_writer *out)
{
    uint64_t found = depth < TRANSCODE_DEPTH_MAX ? find_fields(type, message) : 0;
    json_begin_object(out);
    for (size_t i = 0; i < type->field_count && out->out->failed == STATUS_OK; i++)
        if (found >> i & 1)
            write_field(&type->fields[i], message, depth, out);
    json_end_object(out);
}

void transcode_message(const struct transcode_type *type, struct text message,
                       struct json_writer *out)
{
    write_message(type, message, 0, out);
}
