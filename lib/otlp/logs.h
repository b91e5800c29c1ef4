/* The plain model of log records: OpenTelemetry's log data model, built like the span model.
 * Strings, attributes, resources and scopes are those of a span set that holds no spans, with its
 * bounds; the records are counted and bounded here. One owner, no locks; a set that is no longer
 * changed may be read by many. */
#ifndef CULPRIT_OTLP_LOGS_H
#define CULPRIT_OTLP_LOGS_H

#include "base/buffer.h"
#include "base/json_writer.h"
#include "otlp/spans.h"

struct otlp_log {
    uint8_t trace_id[16]; /* all zero: none */
    uint8_t span_id[8];   /* all zero: none; never there without a trace id */
    uint32_t flags;       /* W3C trace flags in the low byte */
    uint8_t severity;     /* 1 to 24; 0: none */
    uint64_t time_ns;     /* wall clock; 0: not known */
    uint64_t observed_ns; /* 0: not known */
    struct text severity_text;
    struct text event_name;
    struct otlp_value body;
    struct otlp_attributes attributes;
    const struct otlp_resource *resource; /* never NULL */
    const struct otlp_scope *scope;       /* never NULL */
};

struct logs {
    struct spans strings;
    struct otlp_log *items;
    size_t count, capacity, max_count;
    uint64_t rejected;
};

/* `max_bytes` holds for strings and attributes. Allocates nothing yet. */
void logs_init(struct logs *logs, size_t max_count, size_t max_bytes);
void logs_release(struct logs *logs);

/* Appends a record whose pointers belong to this set already. STATUS_TOO_LARGE (counted in
 * `rejected`), STATUS_NO_MEMORY (also). */
MUST_CHECK enum status logs_add(struct logs *logs, const struct otlp_log *log);

/* When it happened, or else was seen. */
uint64_t logs_time_ns(const struct otlp_log *log);

/* ---- protobuf: ExportLogsServiceRequest, alike LogsData */

/* STATUS_INVALID: not OTLP (words say where), the set may hold records read before that place. Ids
 * that are not 16 and 8 bytes count as none. STATUS_TOO_LARGE: some did not fit. */
MUST_CHECK enum status logs_proto_read(struct logs *logs, const void *bytes, size_t length_bytes,
                                       struct error *error);

/* One LogRecord message under the resource and scope given; STATUS_INVALID, STATUS_TOO_LARGE. */
MUST_CHECK enum status logs_proto_read_one(struct logs *logs, struct text message,
                                           const struct otlp_resource *resource,
                                           const struct otlp_scope *scope);

/* Appends one LogRecord message, without tag and length. Failure is the buffer's. */
void logs_proto_write_one(const struct otlp_log *log, struct buffer *out);

/* ---- JSON */

/* {"resourceLogs":[...]}; statuses as above, words name the line. */
MUST_CHECK enum status logs_json_read(struct logs *logs, const char *json, size_t length,
                                      struct error *error);

/* One object with OTLP's names and forms, and flat beside them "service" and "scope". The time is
 * logs_time_ns. */
void logs_json_write_one(const struct otlp_log *log, struct json_writer *writer);

#endif
