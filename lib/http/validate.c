#include "http/validate.h"

#include <string.h>

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool in_key(char c)
{
    return is_alphanumeric(c) || c == '_' || c == '-';
}

static bool in_name(char c)
{
    return in_key(c) || c == '.';
}

static bool in_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool in_text(char c)
{
    return (unsigned char)c >= 0x20 && c != 0x7f;
}

/* What a type of text may hold, and how that is said to people. */
static const struct alphabet {
    bool (*holds)(char c);
    const char *words;
} alphabets[] = {
    [VALIDATE_TEXT] = {in_text, "text without control characters"},
    [VALIDATE_NAME] = {in_name, "letters, digits, '_', '-' and '.' only"},
    [VALIDATE_UPPER] = {in_upper, "upper-case letters only"},
};

static bool all_in(const char *value, size_t length, bool (*holds)(char c))
{
    for (size_t i = 0; i < length; i++) {
        if (!holds(value[i])) {
            return false;
        }
    }
    return true;
}

static bool is_made_of(const char *value, size_t longest, bool (*holds)(char c))
{
    size_t length = value ? strnlen(value, longest + 1) : 0;
    return length > 0 && length <= longest && all_in(value, length, holds);
}

bool validate_is_key(const char *value, size_t longest)
{
    return is_made_of(value, longest, in_key);
}

bool validate_is_name(const char *value, size_t longest)
{
    return is_made_of(value, longest, in_name);
}

static enum status out_of_bounds(const struct validate_field *field, const char *what,
                                 struct error *error)
{
    return error_set(error, STATUS_INVALID, "\"%s\": %s must be %lld to %lld", field->name, what,
                     (long long)field->lowest, (long long)field->highest);
}

static bool within(const struct validate_field *field, int64_t value)
{
    return value >= field->lowest && value <= field->highest;
}

static enum status take_text(const json_t *value, const struct validate_field *field, void *out,
                             struct error *error)
{
    const struct alphabet *alphabet = &alphabets[field->type];
    if (!json_is_string(value)) {
        return error_set(error, STATUS_INVALID, "\"%s\" must be a string", field->name);
    }
    size_t length = json_string_length(value);
    if (!within(field, (int64_t)length)) {
        return out_of_bounds(field, "length", error);
    }
    const char *text = json_string_value(value);
    if (!all_in(text, length, alphabet->holds)) {
        return error_set(error, STATUS_INVALID, "\"%s\" must be %s", field->name, alphabet->words);
    }
    memcpy(out, &text, sizeof text);
    return STATUS_OK;
}

static enum status take_i64(const json_t *value, const struct validate_field *field, void *out,
                            struct error *error)
{
    if (!json_is_integer(value)) {
        return error_set(error, STATUS_INVALID, "\"%s\" must be a whole number", field->name);
    }
    int64_t number = json_integer_value(value);
    if (!within(field, number)) {
        return out_of_bounds(field, "value", error);
    }
    memcpy(out, &number, sizeof number);
    return STATUS_OK;
}

static enum status take_array(const json_t *value, const struct validate_field *field, void *out,
                              struct error *error)
{
    if (!json_is_array(value)) {
        return error_set(error, STATUS_INVALID, "\"%s\" must be an array", field->name);
    }
    if (!within(field, (int64_t)json_array_size(value))) {
        return out_of_bounds(field, "number of items", error);
    }
    memcpy(out, (const void *)&value, sizeof(void *));
    return STATUS_OK;
}

typedef enum status take_function(const json_t *value, const struct validate_field *field,
                                  void *out, struct error *error);

static take_function *const take[] = {
    [VALIDATE_TEXT] = take_text, [VALIDATE_NAME] = take_text,   [VALIDATE_UPPER] = take_text,
    [VALIDATE_I64] = take_i64,   [VALIDATE_ARRAY] = take_array,
};

enum status validate_object(const json_t *object, const struct validate_field *fields, size_t count,
                            void *out, struct error *error)
{
    if (!json_is_object(object)) {
        return error_set(error, STATUS_INVALID, "must be an object");
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_object_get(object, fields[i].name);
        bool absent = !value || json_is_null(value);
        if (absent && fields[i].optional) {
            continue;
        }
        if (absent) {
            return error_set(error, STATUS_INVALID, "\"%s\" is missing", fields[i].name);
        }
        void *target = (uint8_t *)out + fields[i].offset;
        enum status status = take[fields[i].type](value, &fields[i], target, error);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

enum status validate_items(const json_t *array, const struct validate_field *fields, size_t count,
                           void *items, size_t item_bytes, struct error *error)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        struct error inner = {0};
        void *item = (uint8_t *)items + i * item_bytes;
        if (validate_object(json_array_get(array, i), fields, count, item, &inner) != STATUS_OK) {
            return error_set(error, STATUS_INVALID, "item %zu: %s", i, inner.text);
        }
    }
    return STATUS_OK;
}

bool validate_body(struct request *request, struct response *response,
                   const struct validate_field *fields, size_t count, void *out)
{
    struct error error = {0};
    json_t *body = request_json(request);
    if (!body) {
        response_error(response, 400, "bad_request", "a JSON object is expected in the body");
        return false;
    }
    if (validate_object(body, fields, count, out, &error) != STATUS_OK) {
        response_error(response, 422, "invalid", "%s", error.text);
        return false;
    }
    return true;
}
