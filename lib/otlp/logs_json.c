#include <stddef.h>
#include <string.h>

#include "otlp/json_envelope.h"
#include "otlp/json_values.h"
#include "otlp/logs.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { SEVERITY_MAX = 24 };

/* The envelope's struct comes first: rows find it by in->context. */
struct logs_in {
    struct json_envelope envelope;
    struct logs *logs;
};

struct log_in {
    struct otlp_log log;
    uint32_t severity;
};

/* Ids that are none stay zero. */
static void read_trace_id(struct json_in *in, void *target)
{
    (void)json_in_hex(json_in_string(in), target, 16, false);
}

static void read_span_id(struct json_in *in, void *target)
{
    (void)json_in_hex(json_in_string(in), target, 8, false);
}

/* OTLP has integers here and no names. */
static void read_severity(struct json_in *in, void *target)
{
    if (in->reader.token != JSON_NUMBER && in->reader.token != JSON_NULL)
        json_in_wrong(in, "expected the number of a severity");
    json_in_u32(in, target);
}

#define OF_LOG(member) offsetof(struct log_in, log.member)

static const struct json_in_field log_fields[] = {
    {"timeUnixNano", json_in_u64, OF_LOG(time_ns)},
    {"observedTimeUnixNano", json_in_u64, OF_LOG(observed_ns)},
    {"severityNumber", read_severity, offsetof(struct log_in, severity)},
    {"severityText", json_in_text, OF_LOG(severity_text)},
    {"eventName", json_in_text, OF_LOG(event_name)},
    {"body", json_values_read_value, OF_LOG(body)},
    {"attributes", json_values_read, OF_LOG(attributes)},
    {"droppedAttributesCount", json_in_u32, OF_LOG(attributes.dropped_count)},
    {"flags", json_in_u32, OF_LOG(flags)},
    {"traceId", read_trace_id, OF_LOG(trace_id)},
    {"spanId", read_span_id, OF_LOG(span_id)},
};

static bool has_trace(const struct otlp_log *log)
{
    uint8_t any = 0;
    for (size_t i = 0; i < sizeof(log->trace_id); i++)
        any |= log->trace_id[i];
    return any != 0;
}

static void keep_log(struct json_in *in, struct logs *logs, struct log_in *read)
{
    struct otlp_log *log = &read->log;
    log->severity = read->severity <= SEVERITY_MAX ? (uint8_t)read->severity : 0;
    if (!has_trace(log))
        memset(log->span_id, 0, sizeof(log->span_id));
    const bool is_whole = !in->overfull && log->resource && log->scope;
    if (!is_whole)
        logs->rejected++;
    else if (logs_add(logs, log) != STATUS_OK)
        in->overfull = true; /* counted there */
}

static void read_log(struct json_in *in, void *target)
{
    const struct logs_in *own = in->context;
    struct log_in read = {.log = {.resource = own->envelope.resource,
                                  .scope = own->envelope.scope,
                                  .severity_text = {"", 0},
                                  .event_name = {"", 0}}};
    (void)target;
    in->overfull = false;
    if (in->pile.failed != STATUS_OK)
        buffer_clear(&in->pile);
    json_in_object(in, log_fields, COUNT(log_fields), &read);
    if (json_in_fine(in))
        keep_log(in, own->logs, &read);
}

enum status logs_json_read(struct logs *logs, const char *json, size_t length, struct error *error)
{
    struct json_in in;
    struct logs_in own = {
        .envelope = {.words = {"resourceLogs", "scopeLogs", "logRecords"}, .read = read_log},
        .logs = logs};
    const uint64_t rejected = logs->rejected;
    json_in_init(&in, &logs->strings, json, length);
    json_envelope_read(&in, &own.envelope);
    enum status status = json_in_status(&in, error);
    if (status == STATUS_OK && logs->rejected > rejected)
        status = error_set(error, STATUS_TOO_LARGE, "more log records than there is room for");
    json_in_release(&in);
    return status;
}

/* ---- writing */

static void write_id(struct json_writer *writer, const char *key, const uint8_t *id, size_t length)
{
    uint8_t any = 0;
    for (size_t i = 0; i < length; i++)
        any |= id[i];
    if (any == 0)
        return;
    json_field_hex(writer, key, id, length);
}

void logs_json_write_one(const struct otlp_log *log, struct json_writer *writer)
{
    json_begin_object(writer);
    json_field_u64_string(writer, "timeUnixNano", logs_time_ns(log));
    json_field_u64_string(writer, "observedTimeUnixNano", log->observed_ns);
    json_field_u64(writer, "severityNumber", log->severity);
    json_field_text(writer, "severityText", log->severity_text);
    json_field_text(writer, "service", log->resource->service);
    json_field_text(writer, "scope", log->scope->name);
    if (log->event_name.length > 0)
        json_field_text(writer, "eventName", log->event_name);
    write_id(writer, "traceId", log->trace_id, sizeof(log->trace_id));
    write_id(writer, "spanId", log->span_id, sizeof(log->span_id));
    json_key(writer, "body");
    json_values_write_value(&log->body, writer);
    json_key(writer, "attributes");
    json_values_write(&log->attributes, writer);
    if (log->attributes.dropped_count > 0)
        json_field_u64(writer, "droppedAttributesCount", log->attributes.dropped_count);
    json_end_object(writer);
}
