#include "trace/log_record.h"

#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"
#include "base/otlp_fields.h"
#include "trace/attribute_wire.h"
#include "trace/last_keys.h"
#include "trace/log_provider.h"
#include "trace/log_queue.h"

enum {
    TAIL_BYTES = 8,       /* the dropped count */
    TEXT_LEAST = 32,      /* of a text attribute: below that it is dropped, not cut */
    BODY_MAX = 4096,      /* so that a long message leaves room for attributes */
    WORD_MAX = 128,       /* of severity text and event name */
    ATTRIBUTE_FRAME = 32, /* tags and lengths around key and value */
};

/* ---- one record as bytes */

static void put_ids(const struct span_context *context, struct wire_writer *writer)
{
    if (!context || !span_context_is_valid(context))
        return;
    wire_put_fixed32(writer, OTLP_LOG_FLAGS, context->flags);
    wire_put_bytes(writer, OTLP_LOG_TRACE_ID, context->trace_id.bytes,
                   sizeof context->trace_id.bytes);
    wire_put_bytes(writer, OTLP_LOG_SPAN_ID, context->span_id.bytes, sizeof context->span_id.bytes);
}

static void put_word(struct wire_writer *writer, uint32_t number, struct text word)
{
    if (word.length > 0)
        attribute_wire_text(writer, number, attribute_wire_cut(word, WORD_MAX));
}

static bool has_value(const struct attribute *body)
{
    return body->type != ATTRIBUTE_EMPTY && (body->type != ATTRIBUTE_TEXT || body->text.data);
}

/* At most so many bytes, without half a character at the end. */
static struct text first_bytes(struct text text, size_t max_bytes)
{
    if (text.length <= max_bytes)
        return text;
    text.length = max_bytes;
    while (text.length > 0 && ((unsigned char)text.data[text.length] & 0xc0) == 0x80)
        text.length--;
    return text;
}

/* A body has no limit of characters in the specification; ours is the record's size. */
static void put_body(const struct attribute *body, struct wire_writer *writer)
{
    struct attribute cut = *body;
    if (!has_value(body))
        return;
    if (body->type == ATTRIBUTE_TEXT)
        cut.text = first_bytes(cut.text, BODY_MAX);
    attribute_wire_value(writer, OTLP_LOG_BODY, &cut, ATTRIBUTE_UNBOUNDED);
}

/* Whole, else a text as far as there is room (an eighth is left to those behind it), else not at
 * all. */
static bool put_attribute(const struct attribute *attribute, struct attribute_bounds bounds,
                          struct wire_writer *writer)
{
    const struct wire_writer before = *writer;
    attribute_wire_pair(writer, OTLP_LOG_ATTRIBUTES, attribute, bounds);
    if (!writer->overflow)
        return true;
    *writer = before;
    const size_t room = (size_t)(writer->end - writer->at);
    const size_t need = attribute->key.length + ATTRIBUTE_FRAME;
    if (attribute->type != ATTRIBUTE_TEXT || room - room / 8 < need + TEXT_LEAST)
        return false;
    struct attribute cut = *attribute;
    cut.text = first_bytes(attribute_wire_cut(cut.text, bounds.length), room - room / 8 - need);
    attribute_wire_pair(writer, OTLP_LOG_ATTRIBUTES, &cut, ATTRIBUTE_UNBOUNDED);
    return !writer->overflow;
}

static void put_attributes(const struct log_record *record, const struct log_limits *limits,
                           struct wire_writer *writer)
{
    uint64_t kept = 0, dropped = 0;
    if (writer->end - writer->at < TAIL_BYTES) {
        writer->overflow = true;
        return;
    }
    struct last_keys last = {record->attributes, record->attribute_count, 0};
    const struct attribute_bounds bounds = {limits->value_length, limits->value_depth};
    writer->end -= TAIL_BYTES;
    for (size_t i = 0; i < record->attribute_count; i++) {
        if (!last_keys_next(&last, i))
            continue;
        if (kept < limits->attribute_count && put_attribute(&record->attributes[i], bounds, writer))
            kept++;
        else
            dropped++;
    }
    writer->end += TAIL_BYTES;
    if (dropped > 0)
        wire_put_u64(writer, OTLP_LOG_DROPPED_ATTRIBUTES, dropped);
}

bool log_record_encode(const struct log_record *record, const struct span_context *context,
                       const struct log_limits *limits, struct wire_writer *writer)
{
    if (record->wall_ns != 0)
        wire_put_fixed64(writer, OTLP_LOG_TIME, record->wall_ns);
    wire_put_fixed64(writer, OTLP_LOG_OBSERVED_TIME, record->observed_wall_ns);
    if (record->severity > 0 && record->severity <= 24)
        wire_put_u64(writer, OTLP_LOG_SEVERITY, record->severity);
    put_word(writer, OTLP_LOG_SEVERITY_TEXT, record->severity_text);
    put_word(writer, OTLP_LOG_EVENT_NAME, record->event_name);
    put_ids(context, writer);
    put_body(&record->body, writer);
    if (!writer->overflow)
        put_attributes(record, limits, writer);
    return !writer->overflow;
}

/* ---- the API */

bool log_record_is_on(void)
{
    return log_provider_is_on();
}

void log_record_emit(const struct tracer *scope, const struct log_record *record)
{
    uint8_t bytes[LOG_QUEUE_RECORD_MAX];
    struct wire_writer writer = {bytes, bytes + sizeof bytes, false};
    struct log_record whole = *record;
    if (!log_provider_is_on())
        return;
    struct span *span = context_current().span;
    struct span_context context = {.flags = 0};
    if (record->context != NULL)
        context = *record->context;
    else if (span != NULL)
        context = span_context_of(span);
    if (whole.observed_wall_ns == 0)
        whole.observed_wall_ns = clock_wall_ns();
    const bool fits = log_record_encode(&whole, &context, log_provider_limits(), &writer);
    log_provider_take(scope, bytes, fits ? (size_t)(writer.at - bytes) : sizeof bytes + 1);
}

/* ---- exceptions */

enum { EXCEPTION_ON_SPAN = 1, EXCEPTION_AS_LOG = 2 };

/* As getenv: no setenv may run meanwhile. */
static unsigned signals(void)
{
    const char *words = getenv("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN");
    struct text rest = text_of(words);
    unsigned chosen = EXCEPTION_ON_SPAN;
    while (rest.length > 0) {
        struct text word = text_trim(text_split(&rest, ','));
        if (text_equal_ignore_case(word, TEXT_LITERAL("logs/dup")))
            return EXCEPTION_ON_SPAN | EXCEPTION_AS_LOG;
        if (text_equal_ignore_case(word, TEXT_LITERAL("logs")))
            chosen = EXCEPTION_AS_LOG;
    }
    return chosen;
}

static size_t fill(const struct log_exception *exception, struct attribute out[3])
{
    const struct {
        struct text key, value;
    } rows[] = {
        {TEXT_CONSTANT("exception.type"), exception->type},
        {TEXT_CONSTANT("exception.message"), exception->message},
        {TEXT_CONSTANT("exception.stacktrace"), exception->stacktrace},
    };
    size_t count = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].value.length > 0)
            out[count++] = (struct attribute){rows[i].key, ATTRIBUTE_TEXT, {.text = rows[i].value}};
    return count;
}

void log_record_exception(const struct tracer *scope, struct span *span,
                          const struct log_exception *exception)
{
    struct attribute attributes[3];
    const size_t count = fill(exception, attributes);
    const unsigned chosen = signals();
    if (span == NULL)
        span = context_current().span;
    if (span != NULL && (chosen & EXCEPTION_ON_SPAN))
        span_add_event(span, TEXT_LITERAL("exception"), attributes, count);
    if (!(chosen & EXCEPTION_AS_LOG))
        return;
    struct span_context context = {.flags = 0};
    if (span != NULL)
        context = span_context_of(span);
    log_record_emit(scope, &(struct log_record){.wall_ns = clock_wall_ns(),
                                                .severity = LOG_SEVERITY_ERROR,
                                                .event_name = TEXT_LITERAL("exception"),
                                                .context = &context,
                                                .attributes = attributes,
                                                .attribute_count = count});
}
