#include "loadgen/base/setting.h"

#include <stdio.h>
#include <string.h>

static bool is_name(struct text name, size_t size)
{
    if (name.length == 0 || name.length >= size)
        return false;
    for (size_t i = 0; i < name.length; i++) {
        char c = name.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'))
            return false;
    }
    return true;
}

enum status settings_add(struct settings *settings, struct text written, struct error *error)
{
    struct setting setting = {0};
    struct text value = written;
    struct text row = text_split(&value, '=');
    bool has_value = value.data != NULL;
    struct text service = text_split(&row, '.');
    if (!row.data || !is_name(service, sizeof setting.service) || !is_name(row, sizeof setting.row))
        return error_set(error, STATUS_INVALID, "\"%.*s\": not SERVICE.NAME or SERVICE.NAME=VALUE",
                         TEXT_ARGS(written));
    if (has_value && (value.length == 0 || value.length >= sizeof setting.value ||
                      text_utf8_prefix(value) != value.length))
        return error_set(error, STATUS_INVALID, "\"%.*s\": value of 1 to %zu bytes of text",
                         TEXT_ARGS(written), sizeof setting.value - 1);
    if (settings->count == SETTINGS_MAX)
        return error_set(error, STATUS_TOO_LARGE, "more than %d settings", SETTINGS_MAX);
    text_copy(service, setting.service, sizeof setting.service);
    text_copy(row, setting.row, sizeof setting.row);
    text_copy(value, setting.value, sizeof setting.value);
    for (size_t i = 0; i < settings->count; i++)
        if (strcmp(settings->items[i].service, setting.service) == 0 &&
            strcmp(settings->items[i].row, setting.row) == 0)
            return error_set(error, STATUS_EXISTS, "\"%s.%s\": written twice", setting.service,
                             setting.row);
    settings->items[settings->count++] = setting;
    return STATUS_OK;
}

void setting_write(const struct setting *setting, char *out, size_t size)
{
    snprintf(out, size, "%s.%s%s%s", setting->service, setting->row, setting->value[0] ? "=" : "",
             setting->value);
}

void setting_write_value(const struct setting *setting, struct json_writer *writer)
{
    int64_t number;
    if (setting->value[0] == '\0' || strcmp(setting->value, "true") == 0)
        json_bool(writer, true);
    else if (strcmp(setting->value, "false") == 0)
        json_bool(writer, false);
    else if (text_to_i64(text_of(setting->value), &number) == STATUS_OK)
        json_i64(writer, number);
    else
        json_cstring(writer, setting->value);
}
