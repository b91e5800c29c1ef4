#include "trace/carrier_environment.h"

#include <stdint.h>
#include <string.h>

#include "trace/propagation.h"

/* The character of a variable's name that stands for one of a field's. */
static char variable_char(char c)
{
    if (c >= 'a' && c <= 'z')
        return (char)(c - 'a' + 'A');
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '_';
}

static bool is_variable_of(struct text variable, const char *field)
{
    size_t length = strlen(field);
    if (variable.length != length)
        return false;
    for (size_t i = 0; i < length; i++)
        if (variable.data[i] != variable_char(field[i]))
            return false;
    return true;
}

/* Cuts "NAME=value". */
static struct text name_of(const char *entry, struct text *value)
{
    *value = text_of(entry);
    return text_split(value, '=');
}

static void get_all(void *carrier, const char *name, carrier_take *take, void *into)
{
    char *const *list = carrier;
    struct text value;
    for (; *list != NULL; list++)
        if (is_variable_of(name_of(*list, &value), name) && value.data != NULL)
            take(into, value);
}

static void keys(void *carrier, carrier_take *take, void *into)
{
    char *const *list = carrier;
    struct text value;
    for (; *list != NULL; list++)
        take(into, name_of(*list, &value));
}

struct carrier_source carrier_environment_source(char *const *list)
{
    return (struct carrier_source){(void *)(uintptr_t)list, get_all, keys};
}

static void set(void *carrier, const char *name, struct text value)
{
    struct carrier_environment *environment = carrier;
    size_t length = strlen(name);
    char *at = environment->text + environment->length_bytes;
    if (environment->count == CARRIER_ENVIRONMENT_FIELDS_MAX ||
        length + value.length + sizeof "=" > sizeof environment->text - environment->length_bytes)
        return;
    environment->variables[environment->count++] = at;
    environment->length_bytes += length + value.length + sizeof "=";
    for (size_t i = 0; i < length; i++)
        *at++ = variable_char(name[i]);
    *at++ = '=';
    text_copy(value, at, value.length + 1);
}

struct carrier_sink carrier_environment_sink(struct carrier_environment *environment)
{
    return (struct carrier_sink){environment, set};
}

static bool is_field(const char *entry, const char *const *fields, size_t count)
{
    struct text value, name = name_of(entry, &value);
    for (size_t i = 0; i < count; i++)
        if (is_variable_of(name, fields[i]))
            return true;
    return false;
}

enum status carrier_environment_list(struct carrier_environment *environment, char *const *list,
                                     char **out, size_t count)
{
    const char *fields[PROPAGATION_FIELDS_MAX];
    size_t field_count = propagation_fields(fields), used = 0;
    for (; *list != NULL; list++) {
        if (is_field(*list, fields, field_count))
            continue;
        if (used == count)
            return STATUS_TOO_LARGE;
        out[used++] = *list;
    }
    if (environment->count + 1 > count - used)
        return STATUS_TOO_LARGE;
    for (size_t i = 0; i < environment->count; i++)
        out[used++] = environment->variables[i];
    out[used] = NULL;
    return STATUS_OK;
}
