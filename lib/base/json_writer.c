#include "base/json_writer.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/text.h"

enum { WRITER_DEPTH_MAX = 64, DECIMALS_MAX = 17 };

void json_writer_init(struct json_writer *writer, struct buffer *out, unsigned indent)
{
    *writer = (struct json_writer){.out = out, .indent = indent};
}

static void put(struct json_writer *writer, const char *text)
{
    buffer_append_text(writer->out, text);
}

static void new_line(struct json_writer *writer)
{
    static const char spaces[] = "                ";
    if (writer->indent == 0)
        return;
    put(writer, "\n");
    for (size_t left = (size_t)writer->indent * writer->depth; left > 0;) {
        const size_t some = left < sizeof(spaces) - 1 ? left : sizeof(spaces) - 1;
        buffer_append(writer->out, spaces, some);
        left -= some;
    }
}

/* What goes before a key, or before a value that has none. */
static void begin_item(struct json_writer *writer)
{
    if (writer->after_key) {
        writer->after_key = false;
        return;
    }
    if (writer->depth == 0)
        return;
    const uint64_t level = (uint64_t)1 << (writer->depth - 1);
    if (writer->has_item & level)
        put(writer, ",");
    writer->has_item |= level;
    new_line(writer);
}

static void begin_level(struct json_writer *writer, const char *bracket)
{
    begin_item(writer);
    put(writer, bracket);
    assert(writer->depth < WRITER_DEPTH_MAX);
    writer->has_item &= ~((uint64_t)1 << writer->depth);
    writer->depth++;
}

static void end_level(struct json_writer *writer, const char *bracket)
{
    assert(writer->depth > 0 && !writer->after_key);
    writer->depth--;
    if (writer->has_item & (uint64_t)1 << writer->depth)
        new_line(writer);
    put(writer, bracket);
}

void json_begin_object(struct json_writer *writer)
{
    begin_level(writer, "{");
}

void json_end_object(struct json_writer *writer)
{
    end_level(writer, "}");
}

void json_begin_array(struct json_writer *writer)
{
    begin_level(writer, "[");
}

void json_end_array(struct json_writer *writer)
{
    end_level(writer, "]");
}

static void put_escaped(struct json_writer *writer, unsigned char byte)
{
    static const char letters[] = {
        ['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
        ['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't',
    };
    const char letter = byte < sizeof(letters) ? letters[byte] : '\0';
    if (letter)
        buffer_append(writer->out, (const char[]){'\\', letter}, 2);
    else
        buffer_printf(writer->out, "\\u%04x", byte);
}

/* Length of the run from `at` on that may stand in a string as it is. */
static size_t plain_run(struct text value, size_t at)
{
    const size_t begin = at;
    while (at < value.length) {
        const unsigned char byte = (unsigned char)value.data[at];
        if (byte < 0x20 || byte == '"' || byte == '\\')
            break;
        const size_t length =
            byte < 0x80 ? 1 : text_utf8_length((struct text){value.data + at, value.length - at});
        if (length == 0)
            break;
        at += length;
    }
    return at - begin;
}

static void put_string(struct json_writer *writer, struct text value)
{
    put(writer, "\"");
    for (size_t at = 0; at < value.length;) {
        const size_t run = plain_run(value, at);
        if (run > 0)
            buffer_append(writer->out, value.data + at, run);
        at += run;
        if (at == value.length)
            break;
        const unsigned char byte = (unsigned char)value.data[at++];
        if (byte >= 0x80)
            put(writer, "\xef\xbf\xbd");
        else
            put_escaped(writer, byte);
    }
    put(writer, "\"");
}

void json_key(struct json_writer *writer, const char *key)
{
    json_key_text(writer, text_of(key));
}

void json_key_text(struct json_writer *writer, struct text key)
{
    begin_item(writer);
    put_string(writer, key);
    put(writer, writer->indent ? ": " : ":");
    writer->after_key = true;
}

void json_cstring(struct json_writer *writer, const char *value)
{
    if (value)
        json_text(writer, text_of(value));
    else
        json_nil(writer);
}

void json_text(struct json_writer *writer, struct text value)
{
    begin_item(writer);
    put_string(writer, value);
}

static void put_number(struct json_writer *writer, const char *text)
{
    begin_item(writer);
    put(writer, text);
}

void json_i64(struct json_writer *writer, int64_t value)
{
    char text[32];
    snprintf(text, sizeof(text), "%" PRId64, value);
    put_number(writer, text);
}

void json_u64(struct json_writer *writer, uint64_t value)
{
    char text[TEXT_U64_SIZE];
    (void)text_from_u64(value, text);
    put_number(writer, text);
}

void json_u64_string(struct json_writer *writer, uint64_t value)
{
    char text[32];
    snprintf(text, sizeof(text), "\"%" PRIu64 "\"", value);
    put_number(writer, text);
}

void json_i64_string(struct json_writer *writer, int64_t value)
{
    char text[32];
    snprintf(text, sizeof(text), "\"%" PRId64 "\"", value);
    put_number(writer, text);
}

static const char *not_finite(double value)
{
    if (isnan(value))
        return "\"NaN\"";
    return value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
}

/* printf() writes the locale's point, which need not be one byte: back to '.'. */
static void plain_point(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        if (strchr("0123456789+-e", *from))
            *to++ = *from;
        else if (to == text || to[-1] != '.')
            *to++ = '.';
    }
    *to = '\0';
}

void json_double(struct json_writer *writer, double value)
{
    char text[64];
    double again = 0;
    if (!isfinite(value)) {
        put_number(writer, not_finite(value));
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        plain_point(text);
        if (text_to_double(text_of(text), &again) == STATUS_OK && again == value)
            break;
    }
    put_number(writer, text);
}

void json_fixed(struct json_writer *writer, double value, int decimals)
{
    char text[512]; /* DBL_MAX has 309 digits before the point */
    if (!isfinite(value)) {
        put_number(writer, not_finite(value));
        return;
    }
    decimals = decimals < 0 ? 0 : decimals > DECIMALS_MAX ? DECIMALS_MAX : decimals;
    snprintf(text, sizeof(text), "%.*f", decimals, value);
    plain_point(text);
    const bool minus_zero = text[strspn(text, "-0.")] == '\0' && text[0] == '-';
    put_number(writer, minus_zero ? text + 1 : text);
}

void json_bool(struct json_writer *writer, bool value)
{
    put_number(writer, value ? "true" : "false");
}

void json_nil(struct json_writer *writer)
{
    put_number(writer, "null");
}

void json_hex(struct json_writer *writer, const uint8_t *bytes, size_t count)
{
    uint8_t *out;
    begin_item(writer);
    put(writer, "\"");
    if (count > SIZE_MAX / 2)
        writer->out->failed = STATUS_TOO_LARGE;
    else if (count > 0 && buffer_extend(writer->out, 2 * count, &out) == STATUS_OK)
        hex_encode(bytes, count, (char *)out);
    put(writer, "\"");
}

void json_base64(struct json_writer *writer, const uint8_t *bytes, size_t count)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    begin_item(writer);
    put(writer, "\"");
    for (size_t i = 0; i < count; i += 3) {
        const size_t left = count - i;
        const unsigned b0 = bytes[i];
        const unsigned b1 = left > 1 ? bytes[i + 1] : 0;
        const unsigned b2 = left > 2 ? bytes[i + 2] : 0;
        const char four[] = {digits[b0 >> 2], digits[(b0 & 3) << 4 | b1 >> 4],
                             left > 1 ? digits[(b1 & 15) << 2 | b2 >> 6] : '=',
                             left > 2 ? digits[b2 & 63] : '='};
        buffer_append(writer->out, four, sizeof(four));
    }
    put(writer, "\"");
}

void json_raw(struct json_writer *writer, struct text json)
{
    begin_item(writer);
    buffer_append(writer->out, json.data, json.length);
}
