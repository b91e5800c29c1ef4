#include "http/bounded_json.h"

#include <stdbool.h>

static bool is_too_deep(struct text json)
{
    unsigned depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < json.length; i++) {
        char c = json.data[i];
        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '[' || c == '{'))
            depth++;
        else if (!in_string && (c == ']' || c == '}') && depth > 0)
            depth--;
        if (depth > BOUNDED_JSON_DEPTH)
            return true;
    }
    return false;
}

json_t *bounded_json_load(struct text json, struct error *error)
{
    json_error_t why;
    if (is_too_deep(json)) {
        error_set(error, STATUS_INVALID, "nested deeper than %d", BOUNDED_JSON_DEPTH);
        return NULL;
    }
    json_t *value =
        json_loadb(json.data, json.length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    if (!value)
        error_set(error, STATUS_INVALID, "line %d, column %d: %s", why.line, why.column, why.text);
    return value;
}
