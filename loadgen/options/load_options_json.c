#include "loadgen/options/load_options_json.h"

#include <string.h>

#include "loadgen/base/fields.h"

/* ---- writing */

static void write_texts(struct json_writer *writer, const struct flag_texts *texts)
{
    json_begin_array(writer);
    for (size_t i = 0; i < texts->count; i++)
        json_cstring(writer, texts->items[i]);
    json_end_array(writer);
}

static void write_value(struct json_writer *writer, const struct flag *flag)
{
    switch (flag->type) {
    case FLAG_BOOL:
        json_bool(writer, *(const bool *)flag->target);
        break;
    case FLAG_TEXT:
        json_cstring(writer, *(const char *const *)flag->target);
        break;
    case FLAG_TEXTS:
        write_texts(writer, flag->target);
        break;
    case FLAG_U64:
        json_u64_string(writer, *(const uint64_t *)flag->target);
        break;
    case FLAG_DOUBLE:
        json_double(writer, *(const double *)flag->target);
        break;
    }
}

void load_options_json_write(struct json_writer *writer, const struct load_options *options)
{
    struct load_options copy = *options; /* the rows' places are not const */
    struct flag flags[LOAD_OPTIONS_FLAGS_MAX];
    size_t count = load_options_plan_flags(&copy, flags);
    json_begin_object(writer);
    for (size_t i = 0; i < count; i++) {
        if (flags[i].type == FLAG_TEXT && *(const char **)flags[i].target == NULL)
            continue;
        json_key(writer, flags[i].name);
        write_value(writer, &flags[i]);
    }
    json_end_object(writer);
}

/* ---- reading */

/* NUL-terminated; NULL: no memory, or a NUL in it. */
static const char *take_text(struct fields *fields, struct arena *arena)
{
    char *text = arena_alloc(arena, fields->reader.text.length + 1);
    if (text == NULL)
        return NULL;
    size_t length = json_reader_unescape(&fields->reader, text);
    text[length] = '\0';
    return strlen(text) == length ? text : NULL;
}

static enum status read_text(struct fields *fields, struct arena *arena, const char **out)
{
    if (fields->reader.token != JSON_STRING)
        return fields_fail(fields, "must be a string");
    *out = take_text(fields, arena);
    return *out != NULL ? STATUS_OK : fields_fail(fields, "is too long, or has a NUL in it");
}

static enum status read_texts(struct fields *fields, struct arena *arena, struct flag_texts *out)
{
    if (fields->reader.token != JSON_ARRAY_BEGIN)
        return fields_fail(fields, "must be an array");
    while (json_reader_next(&fields->reader) != JSON_ARRAY_END) {
        if (out->count == FLAG_TEXTS_MAX)
            return fields_fail(fields, "has more than %d", FLAG_TEXTS_MAX);
        enum status status = read_text(fields, arena, &out->items[out->count]);
        if (status != STATUS_OK)
            return status;
        out->count++;
    }
    return STATUS_OK;
}

static enum status read_value(struct fields *fields, const struct flag *flag, struct arena *arena)
{
    switch (flag->type) {
    case FLAG_BOOL:
        return fields_read_bool(fields, flag->target);
    case FLAG_TEXT:
        return read_text(fields, arena, flag->target);
    case FLAG_TEXTS:
        return read_texts(fields, arena, flag->target);
    case FLAG_U64:
        if (fields->reader.token != JSON_STRING ||
            json_reader_u64(&fields->reader, flag->target) != STATUS_OK)
            return fields_fail(fields, "must be a whole number in a string");
        return STATUS_OK;
    case FLAG_DOUBLE:
        return fields_number(fields, -1e18, 1e18, flag->target);
    }
    return fields_fail(fields, "is of no kind");
}

enum status load_options_json_read(struct fields *fields, void *into)
{
    struct load_options_sent *sent = into;
    struct flag flags[LOAD_OPTIONS_FLAGS_MAX];
    size_t count = load_options_plan_flags(&sent->options, flags);
    uint64_t seen = 0;
    if (fields->reader.token != JSON_OBJECT_BEGIN)
        return fields_fail(fields, "must be an object");
    while (json_reader_next(&fields->reader) == JSON_KEY) {
        size_t i = 0;
        fields_take_key(fields);
        while (i < count && !json_reader_is(&fields->reader, flags[i].name))
            i++;
        if (i == count || seen & (uint64_t)1 << i)
            return fields_fail(fields, "is no flag of a load, or is there twice");
        seen |= (uint64_t)1 << i;
        (void)json_reader_next(&fields->reader);
        enum status status = read_value(fields, &flags[i], &sent->arena);
        if (status != STATUS_OK)
            return status;
    }
    return fields->reader.token == JSON_OBJECT_END ? STATUS_OK : fields_fail(fields, "bad JSON");
}
