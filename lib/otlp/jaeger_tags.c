#include "otlp/jaeger_tags.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>

#include "otlp/json_values.h"
#include "otlp/pile.h"
#include "otlp/spans_origin.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { NESTED_TEXT_MAX = 1024 * 1024 };

static const int64_t exact_max = (int64_t)1 << 53; /* what a JavaScript number holds */

/* "type" may stand behind "value": both are kept until the tag ends. */
struct tag_in {
    struct text key;
    char type[16];
    struct json_reader value_at;
    bool has_value;
};

static void read_type(struct json_in *in, void *target)
{
    struct tag_in *tag = target;
    text_copy(json_in_string(in), tag->type, sizeof(tag->type));
}

static void keep_value(struct json_in *in, void *target)
{
    struct tag_in *tag = target;
    tag->value_at = in->reader;
    tag->has_value = true;
    json_reader_skip(&in->reader);
}

static void read_number(struct json_in *in, bool whole, struct otlp_value *out)
{
    int64_t integer;
    double number;
    if (whole && json_reader_i64(&in->reader, &integer) == STATUS_OK)
        *out = (struct otlp_value){.type = OTLP_I64, .i64 = integer};
    else if (json_reader_double(&in->reader, &number) == STATUS_OK)
        *out = (struct otlp_value){.type = OTLP_DOUBLE, .number = number};
    else
        json_in_wrong(in, "expected a number");
}

/* `reader` stands at the value. Words the type does not fit are read as what they are. */
static void read_value(struct json_in *in, const char *type, struct otlp_value *out)
{
    const struct text word = text_of(type);
    const enum json_token token = in->reader.token;
    if (token == JSON_TRUE || token == JSON_FALSE) {
        *out = (struct otlp_value){.type = OTLP_BOOL, .boolean = token == JSON_TRUE};
    } else if (token == JSON_NUMBER || text_is(word, "int64") || text_is(word, "float64")) {
        read_number(in, !text_is(word, "float64"), out);
    } else if (text_is(word, "bool")) {
        *out =
            (struct otlp_value){.type = OTLP_BOOL, .boolean = text_is(json_in_string(in), "true")};
    } else if (token == JSON_STRING) {
        *out = (struct otlp_value){.type = OTLP_TEXT};
        json_in_text(in, &out->text);
    }
}

static void read_tag(struct json_in *in, void *target)
{
    static const struct json_in_field fields[] = {
        {"key", json_in_name, offsetof(struct tag_in, key)},
        {"type", read_type, 0},
        {"value", keep_value, 0},
    };
    struct tag_in tag = {.key = {"", 0}};
    (void)target;
    json_in_object(in, fields, COUNT(fields), &tag);
    struct otlp_attribute item = {.key = tag.key};
    if (json_in_fine(in) && tag.has_value) {
        const struct json_reader behind = in->reader;
        in->reader = tag.value_at;
        read_value(in, tag.type, &item.value);
        if (json_in_fine(in))
            in->reader = behind;
    }
    buffer_append(&in->pile, &item, sizeof(item));
}

void jaeger_tags_read(struct json_in *in, void *target)
{
    struct otlp_attributes *out = target;
    const size_t mark = in->pile.length_bytes;
    json_in_array(in, read_tag, NULL);
    const size_t count = (in->pile.length_bytes - mark) / sizeof(struct otlp_attribute);
    out->items = pile_take(&in->pile, mark, &in->spans->arena);
    out->count = out->items ? (uint32_t)count : 0;
    in->overfull |= !out->items;
}

/* ---- what has a field of its own */

static const char *const kinds[] = {
    [OTLP_KIND_UNSPECIFIED] = NULL,    [OTLP_KIND_INTERNAL] = "internal",
    [OTLP_KIND_SERVER] = "server",     [OTLP_KIND_CLIENT] = "client",
    [OTLP_KIND_PRODUCER] = "producer", [OTLP_KIND_CONSUMER] = "consumer",
};

struct fields {
    struct otlp_span *span;
    struct text scope_name, scope_version;
};

static bool take_kind(struct fields *fields, const struct otlp_value *value)
{
    for (size_t i = 1; i < COUNT(kinds); i++) {
        if (value->type == OTLP_TEXT && text_is(value->text, kinds[i])) {
            fields->span->kind = (uint8_t)i;
            return true;
        }
    }
    return false;
}

static bool take_error(struct fields *fields, const struct otlp_value *value)
{
    if (value->type != OTLP_BOOL)
        return false;
    if (value->boolean)
        fields->span->status = OTLP_STATUS_ERROR;
    return true;
}

static bool take_status(struct fields *fields, const struct otlp_value *value)
{
    if (value->type != OTLP_TEXT)
        return false;
    if (text_is(value->text, "OK"))
        fields->span->status = OTLP_STATUS_OK;
    else if (text_is(value->text, "ERROR"))
        fields->span->status = OTLP_STATUS_ERROR;
    return true;
}

static bool take_message(struct fields *fields, const struct otlp_value *value)
{
    if (value->type == OTLP_TEXT)
        fields->span->status_message = value->text;
    return value->type == OTLP_TEXT;
}

static bool take_state(struct fields *fields, const struct otlp_value *value)
{
    if (value->type == OTLP_TEXT)
        fields->span->trace_state = value->text;
    return value->type == OTLP_TEXT;
}

static bool take_scope_name(struct fields *fields, const struct otlp_value *value)
{
    if (value->type == OTLP_TEXT)
        fields->scope_name = value->text;
    return value->type == OTLP_TEXT;
}

static bool take_scope_version(struct fields *fields, const struct otlp_value *value)
{
    if (value->type == OTLP_TEXT)
        fields->scope_version = value->text;
    return value->type == OTLP_TEXT;
}

static bool take(struct fields *fields, const struct otlp_attribute *tag)
{
    static const struct {
        const char *key;
        bool (*take)(struct fields *fields, const struct otlp_value *value);
    } rows[] = {
        {"span.kind", take_kind},
        {"error", take_error},
        {"otel.status_code", take_status},
        {"otel.status_description", take_message},
        {"w3c.tracestate", take_state},
        {"otel.scope.name", take_scope_name},
        {"otel.scope.version", take_scope_version},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (text_is(tag->key, rows[i].key))
            return rows[i].take(fields, &tag->value);
    }
    return false;
}

bool jaeger_tags_apply(struct spans *spans, struct otlp_span *span)
{
    struct fields fields = {.span = span, .scope_name = {"", 0}, .scope_version = {"", 0}};
    /* Just read into the set's arena, and nobody else's yet. */
    struct otlp_attribute *tags = (struct otlp_attribute *)(uintptr_t)span->attributes.items;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < span->attributes.count; i++) {
        if (!take(&fields, &tags[i]))
            tags[kept++] = tags[i];
    }
    span->attributes.count = kept;
    span->scope = spans_origin_scope(spans, fields.scope_name, fields.scope_version);
    return span->scope;
}

void jaeger_tags_take_name(struct otlp_event *event)
{
    struct otlp_attribute *tags = (struct otlp_attribute *)(uintptr_t)event->attributes.items;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < event->attributes.count; i++) {
        if (event->name.length == 0 && text_is(tags[i].key, "event") &&
            tags[i].value.type == OTLP_TEXT)
            event->name = tags[i].value.text;
        else
            tags[kept++] = tags[i];
    }
    event->attributes.count = kept;
}

/* ---- writing */

static void begin_tag(struct text key, const char *type, struct json_writer *writer)
{
    json_begin_object(writer);
    json_field_text(writer, "key", key);
    json_field_cstring(writer, "type", type);
    json_key(writer, "value");
}

/* Jaeger has no arrays: its own translation writes them as JSON in a string. */
static void write_nested(const struct otlp_attribute *attribute, struct json_writer *writer)
{
    struct buffer text;
    struct json_writer inner;
    const struct otlp_attributes one = {attribute, 1, 0};
    buffer_init(&text, NESTED_TEXT_MAX);
    json_writer_init(&inner, &text, 0);
    json_values_write(&one, &inner);
    json_text(writer, (struct text){buffer_text(&text), text.length_bytes});
    buffer_release(&text);
}

static void write_tag(const struct otlp_attribute *attribute, struct json_writer *writer)
{
    static const char *const types[] = {
        [OTLP_EMPTY] = "string", [OTLP_TEXT] = "string",    [OTLP_BOOL] = "bool",
        [OTLP_I64] = "int64",    [OTLP_DOUBLE] = "float64", [OTLP_BYTES] = "binary",
        [OTLP_ARRAY] = "string", [OTLP_LIST] = "string",
    };
    const struct otlp_value *value = &attribute->value;
    begin_tag(attribute->key, types[value->type], writer);
    if (value->type == OTLP_TEXT)
        json_text(writer, value->text);
    else if (value->type == OTLP_BOOL)
        json_bool(writer, value->boolean);
    else if (value->type == OTLP_I64 && (value->i64 > exact_max || value->i64 < -exact_max))
        json_i64_string(writer, value->i64);
    else if (value->type == OTLP_I64)
        json_i64(writer, value->i64);
    else if (value->type == OTLP_DOUBLE)
        json_double(writer, value->number);
    else if (value->type == OTLP_BYTES)
        json_base64(writer, (const uint8_t *)value->text.data, value->text.length);
    else if (value->type == OTLP_EMPTY)
        json_cstring(writer, "");
    else
        write_nested(attribute, writer);
    json_end_object(writer);
}

void jaeger_tags_write(const struct otlp_attributes *attributes, struct json_writer *writer)
{
    for (uint32_t i = 0; i < attributes->count; i++)
        write_tag(&attributes->items[i], writer);
}

void jaeger_tags_write_text(const char *key, struct text value, struct json_writer *writer)
{
    if (value.length == 0)
        return;
    begin_tag(text_of(key), "string", writer);
    json_text(writer, value);
    json_end_object(writer);
}

void jaeger_tags_write_fields(const struct otlp_span *span, struct json_writer *writer)
{
    static const char *const codes[] = {
        [OTLP_STATUS_UNSET] = NULL, [OTLP_STATUS_OK] = "OK", [OTLP_STATUS_ERROR] = "ERROR"};
    jaeger_tags_write_text("span.kind", text_of(kinds[span->kind]), writer);
    jaeger_tags_write_text("otel.status_code", text_of(codes[span->status]), writer);
    jaeger_tags_write_text("otel.status_description", span->status_message, writer);
    jaeger_tags_write_text("otel.scope.name", span->scope->name, writer);
    jaeger_tags_write_text("otel.scope.version", span->scope->version, writer);
    jaeger_tags_write_text("w3c.tracestate", span->trace_state, writer);
    if (span->status == OTLP_STATUS_ERROR) {
        begin_tag(TEXT_LITERAL("error"), "bool", writer);
        json_bool(writer, true);
        json_end_object(writer);
    }
}
