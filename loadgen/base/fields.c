#include "loadgen/base/fields.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void fields_init(struct fields *fields, const char *json, size_t length, const char *file,
                 struct error *error)
{
    *fields = (struct fields){.file = file, .error = error};
    json_reader_init(&fields->reader, json, length);
}

enum status fields_fail(const struct fields *fields, const char *format, ...)
{
    char words[320];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    unsigned line, column;
    json_reader_where(&fields->reader, &line, &column);
    if (fields->reader.fault)
        return error_set(fields->error, STATUS_INVALID, "%s:%u:%u: %s", fields->file, line, column,
                         fields->reader.fault);
    if (!fields->key[0])
        return error_set(fields->error, STATUS_INVALID, "%s:%u: %s", fields->file, line, words);
    return error_set(fields->error, STATUS_INVALID, "%s:%u: key \"%s\": %s", fields->file, line,
                     fields->key, words);
}

void fields_take_key(struct fields *fields)
{
    text_copy(fields->reader.text, fields->key, sizeof fields->key);
}

static enum status read_member(struct fields *fields, const struct field *table, size_t count,
                               void *into, uint32_t *seen)
{
    fields_take_key(fields);
    for (size_t i = 0; i < count; i++) {
        if (!json_reader_is(&fields->reader, table[i].key))
            continue;
        if (*seen & 1u << i)
            return fields_fail(fields, "written twice");
        *seen |= 1u << i;
        (void)json_reader_next(&fields->reader);
        return table[i].read(fields, (char *)into + table[i].offset);
    }
    if (fields->skips_unknown && json_reader_skip(&fields->reader))
        return STATUS_OK;
    return fields_fail(fields, "nobody knows it");
}

enum status fields_object(struct fields *fields, const struct field *table, size_t count,
                          void *into, uint32_t *seen_out)
{
    char own_key[FIELDS_KEY_MAX];
    memcpy(own_key, fields->key, sizeof own_key);
    uint32_t seen = 0;
    if (fields->reader.token != JSON_OBJECT_BEGIN)
        return fields_fail(fields, "must be an object");
    while (json_reader_next(&fields->reader) == JSON_KEY) {
        enum status status = read_member(fields, table, count, into, &seen);
        if (status != STATUS_OK)
            return status;
    }
    memcpy(fields->key, own_key, sizeof own_key);
    if (fields->reader.token != JSON_OBJECT_END)
        return fields_fail(fields, "bad JSON");
    for (size_t i = 0; i < count; i++)
        if (table[i].required && !(seen & 1u << i))
            return fields_fail(fields, "\"%s\" is missing in it", table[i].key);
    if (seen_out)
        *seen_out = seen;
    return STATUS_OK;
}

enum status fields_end(struct fields *fields)
{
    if (json_reader_next(&fields->reader) == JSON_END)
        return STATUS_OK;
    return fields_fail(fields, "something follows the end");
}

enum status fields_array(struct fields *fields, field_reader *read, const struct field_items *items)
{
    if (fields->reader.token != JSON_ARRAY_BEGIN)
        return fields_fail(fields, "must be an array");
    while (json_reader_next(&fields->reader) != JSON_ARRAY_END) {
        if (fields->reader.token == JSON_ERROR)
            return fields_fail(fields, "bad JSON");
        if (*items->count == items->max_count)
            return fields_fail(fields, "more than %zu items", items->max_count);
        enum status status = read(fields, (char *)items->first + *items->count * items->item_bytes);
        if (status != STATUS_OK)
            return status;
        ++*items->count;
    }
    return STATUS_OK;
}

enum status fields_text(struct fields *fields, char *out, size_t size)
{
    if (fields->reader.token != JSON_STRING)
        return fields_fail(fields, "must be a string");
    if (fields->reader.text.length >= size)
        return fields_fail(fields, "longer than %zu bytes", size - 1);
    size_t length = json_reader_unescape(&fields->reader, out);
    out[length] = '\0';
    if (length == 0 || strlen(out) != length)
        return fields_fail(fields, "must not be empty and without NUL");
    return STATUS_OK;
}

enum status fields_number(struct fields *fields, double lowest, double highest, double *out)
{
    if (fields->reader.token != JSON_NUMBER ||
        json_reader_double(&fields->reader, out) != STATUS_OK)
        return fields_fail(fields, "must be a number");
    if (!(*out >= lowest && *out <= highest))
        return fields_fail(fields, "must lie in %g .. %g", lowest, highest);
    return STATUS_OK;
}

enum status fields_read_u64(struct fields *fields, void *into)
{
    bool is_number = fields->reader.token == JSON_NUMBER || fields->reader.token == JSON_STRING;
    if (!is_number || json_reader_u64(&fields->reader, into) != STATUS_OK)
        return fields_fail(fields, "must be a whole number");
    return STATUS_OK;
}

enum status fields_read_bool(struct fields *fields, void *into)
{
    if (fields->reader.token != JSON_TRUE && fields->reader.token != JSON_FALSE)
        return fields_fail(fields, "must be true or false");
    *(bool *)into = fields->reader.token == JSON_TRUE;
    return STATUS_OK;
}

enum status fields_word(struct fields *fields, const char *word)
{
    if (fields->reader.token != JSON_STRING || !json_reader_is(&fields->reader, word))
        return fields_fail(fields, "must be \"%s\"", word);
    return STATUS_OK;
}

enum status fields_editor_hint(struct fields *fields, void *into)
{
    (void)into;
    return fields->reader.token == JSON_STRING ? STATUS_OK
                                               : fields_fail(fields, "must be a string");
}
