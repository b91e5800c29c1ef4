/* Writes JSON into a buffer, one call a token, commas and escapes by itself. Failure is the
 * buffer's sticky one. Strings that are not UTF-8 get U+FFFD for each bad byte. Nesting at most 64
 * deep (assert). One owner, no locks. */
#ifndef CULPRIT_BASE_JSON_WRITER_H
#define CULPRIT_BASE_JSON_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/text.h"

struct json_writer {
    struct buffer *out; /* borrowed */
    unsigned depth;
    uint64_t has_item; /* bit per level: a comma is due */
    bool after_key;
    unsigned indent; /* spaces a level; 0 writes everything on one line */
};

void json_writer_init(struct json_writer *writer, struct buffer *out, unsigned indent);

void json_begin_object(struct json_writer *writer);
void json_end_object(struct json_writer *writer);
void json_begin_array(struct json_writer *writer);
void json_end_array(struct json_writer *writer);

void json_key(struct json_writer *writer, const char *key);
void json_key_text(struct json_writer *writer, struct text key);

/* Not "json_string" and "json_null": jansson exports those, and symbols of ours would take the
 * place of its own in every program that links it. */
void json_cstring(struct json_writer *writer, const char *value); /* NULL writes null */
void json_nil(struct json_writer *writer);

void json_text(struct json_writer *writer, struct text value);
void json_i64(struct json_writer *writer, int64_t value);
void json_u64(struct json_writer *writer, uint64_t value);
void json_u64_string(struct json_writer *writer, uint64_t value); /* "123", as OTLP wants it */
void json_i64_string(struct json_writer *writer, int64_t value);
void json_double(struct json_writer *writer, double value); /* shortest that reads back; NaN and
                                                               infinities as OTLP's strings */
void json_fixed(struct json_writer *writer, double value, int decimals);
void json_bool(struct json_writer *writer, bool value);
void json_hex(struct json_writer *writer, const uint8_t *bytes, size_t count);
void json_base64(struct json_writer *writer, const uint8_t *bytes, size_t count);
/* Already JSON; written as it is. */
void json_raw(struct json_writer *writer, struct text json);

/* A key and its value. Inline: whole documents are made of these. */
#define JSON_FIELD(name, type)                                                                     \
    static inline void json_field_##name(struct json_writer *writer, const char *key, type value)  \
    {                                                                                              \
        json_key(writer, key);                                                                     \
        json_##name(writer, value);                                                                \
    }
JSON_FIELD(cstring, const char *)
JSON_FIELD(text, struct text)
JSON_FIELD(i64, int64_t)
JSON_FIELD(u64, uint64_t)
JSON_FIELD(u64_string, uint64_t)
JSON_FIELD(i64_string, int64_t)
JSON_FIELD(double, double)
JSON_FIELD(bool, bool)
#undef JSON_FIELD

static inline void json_field_fixed(struct json_writer *writer, const char *key, double value,
                                    int decimals)
{
    json_key(writer, key);
    json_fixed(writer, value, decimals);
}

static inline void json_field_hex(struct json_writer *writer, const char *key, const uint8_t *bytes,
                                  size_t count)
{
    json_key(writer, key);
    json_hex(writer, bytes, count);
}

#endif
