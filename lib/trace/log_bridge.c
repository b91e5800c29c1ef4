#include "trace/log_bridge.h"

#include <string.h>

#include "base/log.h"
#include "trace/log_record.h"
#include "trace/resource.h"

enum { FIELDS_MAX = 64 };

static const struct tracer scope = {.name = "culprit.log", .version = TRACE_SDK_VERSION};

static const struct {
    enum log_severity number;
    struct text word;
} severities[] = {
    [LOG_DEBUG] = {LOG_SEVERITY_DEBUG, TEXT_CONSTANT("debug")},
    [LOG_INFO] = {LOG_SEVERITY_INFO, TEXT_CONSTANT("info")},
    [LOG_WARN] = {LOG_SEVERITY_WARN, TEXT_CONSTANT("warn")},
    [LOG_ERROR] = {LOG_SEVERITY_ERROR, TEXT_CONSTANT("error")},
};

static struct attribute attribute_of(const struct log_field *field)
{
    struct attribute attribute = {.key = text_of(field->key)};
    if (field->type == LOG_FIELD_I64) {
        attribute.type = ATTRIBUTE_I64;
        attribute.i64 = field->i64;
    } else if (field->type == LOG_FIELD_DOUBLE) {
        attribute.type = ATTRIBUTE_DOUBLE;
        attribute.number = field->number;
    } else {
        attribute.type = ATTRIBUTE_TEXT;
        attribute.text = field->text;
    }
    return attribute;
}

static void take_line(const struct log_line *line)
{
    struct attribute attributes[FIELDS_MAX];
    struct span_context context = {.flags = line->ids.trace_flags};
    size_t count = 0;
    if (!log_record_is_on())
        return;
    for (; count < line->count && count < FIELDS_MAX; count++)
        attributes[count] = attribute_of(&line->fields[count]);
    const bool has_ids = line->ids.trace_id && line->ids.span_id;
    if (has_ids) {
        memcpy(context.trace_id.bytes, line->ids.trace_id, sizeof context.trace_id.bytes);
        memcpy(context.span_id.bytes, line->ids.span_id, sizeof context.span_id.bytes);
    }
    log_record_emit(&scope, &(struct log_record){.wall_ns = line->wall_ns,
                                                 .observed_wall_ns = line->wall_ns,
                                                 .severity = severities[line->level].number,
                                                 .severity_text = severities[line->level].word,
                                                 .body = {.text = text_of(line->message)},
                                                 .context = has_ids ? &context : NULL,
                                                 .attributes = attributes,
                                                 .attribute_count = count});
}

void log_bridge_start(enum log_level lowest)
{
    log_set_sink(take_line, lowest);
}

void log_bridge_stop(void)
{
    log_set_sink(NULL, LOG_DEBUG);
}
