#include "loadgen/load/load_check.h"

#include <stdio.h>
#include <string.h>

enum { VALUE_BYTES_MAX = 64 * 1024 };

static bool contains(struct text text, struct text part)
{
    return part.length == 0 ||
           (text.length > 0 && memmem(text.data, text.length, part.data, part.length) != NULL);
}

static bool header_is_right(const struct load_check *check, const struct load_answer *answer)
{
    struct text value = load_extract_header(answer->head, check->what);
    return value.data != NULL && contains(value, check->value);
}

static bool body_is_right(const struct load_check *check, const struct load_answer *answer)
{
    return contains(answer->body, check->value);
}

static bool json_is_right(const struct load_check *check, const struct load_answer *answer)
{
    const struct load_extract extract = {.kind = LOAD_EXTRACT_JSON, .what = check->what};
    struct buffer value;
    buffer_init(&value, VALUE_BYTES_MAX);
    bool right = load_extract_run(&extract, answer, &value) &&
                 text_equal((struct text){buffer_text(&value), value.length_bytes}, check->value);
    buffer_release(&value);
    return right;
}

static const struct check_row {
    bool (*is_right)(const struct load_check *check, const struct load_answer *answer);
    const char *format;
} rows[] = {
    [LOAD_CHECK_HEADER] = {header_is_right, "header %.*s contains %.*s"},
    [LOAD_CHECK_BODY] = {body_is_right, "body%.*s contains %.*s"},
    [LOAD_CHECK_JSON] = {json_is_right, "json %.*s is %.*s"},
};

static bool status_is_right(const struct load_checks *checks, unsigned http_status)
{
    for (size_t i = 0; i < checks->status_count; i++)
        if (checks->statuses[i] == http_status)
            return true;
    return checks->status_count == 0 && http_status >= 200 && http_status < 400;
}

enum load_outcome load_check_answer(const struct load_checks *checks,
                                    const struct load_answer *answer, size_t *failed)
{
    if (!status_is_right(checks, answer->http_status))
        return LOAD_STATUS;
    for (size_t i = 0; i < checks->count; i++) {
        if (rows[checks->items[i].kind].is_right(&checks->items[i], answer))
            continue;
        *failed = i;
        return LOAD_BODY;
    }
    return LOAD_OK;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
void load_check_words(const struct load_check *check, char *out, size_t size)
{
    (void)snprintf(out, size, rows[check->kind].format, TEXT_ARGS(check->what),
                   TEXT_ARGS(check->value));
}
#pragma GCC diagnostic pop
