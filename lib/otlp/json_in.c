#include "otlp/json_in.h"

#include <string.h>

#include "base/hex.h"

enum { PILE_MAX = 64 * 1024 * 1024 };

void json_in_init(struct json_in *in, struct spans *spans, const char *json, size_t length)
{
    *in = (struct json_in){.spans = spans};
    json_reader_init(&in->reader, json, length);
    buffer_init(&in->pile, PILE_MAX);
    buffer_init(&in->plain, length + 1);
}

void json_in_release(struct json_in *in)
{
    buffer_release(&in->pile);
    buffer_release(&in->plain);
}

bool json_in_fine(const struct json_in *in)
{
    return !in->wrong && in->reader.token != JSON_ERROR;
}

void json_in_wrong(struct json_in *in, const char *words)
{
    if (!json_in_fine(in))
        return;
    in->wrong = words;
    json_reader_where(&in->reader, &in->wrong_line, &in->wrong_column);
}

enum status json_in_status(const struct json_in *in, struct error *error)
{
    unsigned line = in->wrong_line, column = in->wrong_column;
    if (!json_in_fine(in)) {
        if (!in->wrong)
            json_reader_where(&in->reader, &line, &column);
        return error_set(error, STATUS_INVALID, "line %u, column %u: %s", line, column,
                         in->wrong ? in->wrong : in->reader.fault);
    }
    if (in->rejected > 0)
        return error_set(error, STATUS_TOO_LARGE, "more spans than there is room for");
    return STATUS_OK;
}

static const struct json_in_field *find_field(const struct json_in *in,
                                              const struct json_in_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (json_reader_is(&in->reader, fields[i].key))
            return &fields[i];
    }
    return NULL;
}

void json_in_object(struct json_in *in, const struct json_in_field *fields, size_t count,
                    void *target)
{
    if (in->reader.token == JSON_NULL)
        return;
    if (in->reader.token != JSON_OBJECT_BEGIN) {
        json_in_wrong(in, "expected an object");
        return;
    }
    while (json_reader_next(&in->reader) == JSON_KEY) {
        const struct json_in_field *field = find_field(in, fields, count);
        if (!field) {
            json_reader_skip(&in->reader);
        } else {
            json_reader_next(&in->reader);
            field->read(in, (char *)target + field->offset);
        }
        if (!json_in_fine(in))
            return;
    }
}

void json_in_array(struct json_in *in, json_in_function *each, void *target)
{
    if (in->reader.token == JSON_NULL)
        return;
    if (in->reader.token != JSON_ARRAY_BEGIN) {
        json_in_wrong(in, "expected an array");
        return;
    }
    while (json_in_fine(in) && json_reader_next(&in->reader) != JSON_ARRAY_END) {
        if (json_in_fine(in))
            each(in, target);
    }
}

struct text json_in_string(struct json_in *in)
{
    static const struct text empty = {"", 0};
    uint8_t *plain;
    if (in->reader.token == JSON_NULL)
        return empty;
    if (in->reader.token != JSON_STRING) {
        json_in_wrong(in, "expected a string");
        return empty;
    }
    if (!in->reader.has_escapes)
        return in->reader.text;
    buffer_clear(&in->plain);
    if (buffer_extend(&in->plain, in->reader.text.length, &plain) != STATUS_OK) {
        in->overfull = true;
        return empty;
    }
    const size_t length = json_reader_unescape(&in->reader, (char *)plain);
    return (struct text){(const char *)plain, length};
}

static void keep_text(struct json_in *in, struct text own, struct text *out)
{
    in->overfull |= !own.data;
    *out = own.data ? own : (struct text){"", 0};
}

void json_in_text(struct json_in *in, void *target)
{
    keep_text(in, spans_text(in->spans, json_in_string(in)), target);
}

void json_in_name(struct json_in *in, void *target)
{
    keep_text(in, spans_intern(in->spans, json_in_string(in)), target);
}

void json_in_u64(struct json_in *in, void *target)
{
    if (in->reader.token != JSON_NULL && json_reader_u64(&in->reader, target) != STATUS_OK)
        json_in_wrong(in, "expected a whole number from 0 to 2^64-1");
}

void json_in_u32(struct json_in *in, void *target)
{
    uint64_t value = 0;
    json_in_u64(in, &value);
    if (value > UINT32_MAX)
        json_in_wrong(in, "expected a whole number from 0 to 2^32-1");
    *(uint32_t *)target = (uint32_t)value;
}

void json_in_bool(struct json_in *in, void *target)
{
    const enum json_token token = in->reader.token;
    if (token != JSON_TRUE && token != JSON_FALSE && token != JSON_NULL)
        json_in_wrong(in, "expected true or false");
    *(bool *)target = token == JSON_TRUE;
}

bool json_in_hex(struct text value, uint8_t *out, size_t count, bool short_too)
{
    char padded[64];
    const size_t digits = 2 * count;
    memset(out, 0, count);
    if (value.length == 0 || value.length > digits || digits > sizeof(padded) ||
        (value.length < digits && !short_too))
        return false;
    memset(padded, '0', digits - value.length);
    memcpy(padded + digits - value.length, value.data, value.length);
    if (hex_decode(padded, count, true, out))
        return true;
    memset(out, 0, count);
    return false;
}
