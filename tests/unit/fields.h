/* A carrier in memory: named fields, read without regard to case and written as they come. */
#ifndef CULPRIT_TESTS_UNIT_FIELDS_H
#define CULPRIT_TESTS_UNIT_FIELDS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guard.h"
#include "trace/carrier.h"

enum { FIELDS_MAX = 2048, FIELDS_TEXT_MAX = 10 * 1024 };

struct fields {
    size_t count;
    const char *names[FIELDS_MAX];
    const char *values[FIELDS_MAX];
    size_t set_count; /* those that fields_set wrote */
    char texts[8][FIELDS_TEXT_MAX];
};

static inline void fields_get_all(void *carrier, const char *name, carrier_take *take, void *into)
{
    const struct fields *fields = carrier;
    for (size_t i = 0; i < fields->count; i++)
        if (text_equal_ignore_case(text_of(fields->names[i]), text_of(name)))
            take(into, text_of(fields->values[i]));
}

static inline void fields_keys(void *carrier, carrier_take *take, void *into)
{
    const struct fields *fields = carrier;
    for (size_t i = 0; i < fields->count; i++)
        take(into, text_of(fields->names[i]));
}

static inline struct carrier_source fields_source(struct fields *fields)
{
    return (struct carrier_source){fields, fields_get_all, fields_keys};
}

static inline void fields_add(struct fields *fields, const char *name, const char *value)
{
    if (fields->count == FIELDS_MAX)
        abort();
    fields->names[fields->count] = name;
    fields->values[fields->count++] = value;
}

/* Aborts on what no header may hold. */
static inline void fields_set(void *carrier, const char *name, struct text value)
{
    struct fields *fields = carrier;
    if (fields->set_count == 8 || value.length >= FIELDS_TEXT_MAX)
        abort();
    for (size_t i = 0; i < value.length; i++)
        if (value.data[i] < 0x20 || value.data[i] > 0x7e)
            abort();
    char *text = fields->texts[fields->set_count++];
    text_copy(value, text, FIELDS_TEXT_MAX);
    fields_add(fields, name, text);
}

static inline struct carrier_sink fields_sink(struct fields *fields)
{
    return (struct carrier_sink){fields, fields_set};
}

/* Of the first field of exactly this name, or NULL. */
static inline const char *fields_value(const struct fields *fields, const char *name)
{
    for (size_t i = 0; i < fields->count; i++)
        if (strcmp(fields->names[i], name) == 0)
            return fields->values[i];
    return NULL;
}

/* One field whose value ends where an unreadable page begins. */
struct guarded_field {
    const char *name;
    struct text value;
    struct guard guard;
};

static inline void guarded_field_get_all(void *carrier, const char *name, carrier_take *take,
                                         void *into)
{
    const struct guarded_field *field = carrier;
    if (text_equal_ignore_case(text_of(field->name), text_of(name)))
        take(into, field->value);
}

static inline struct guarded_field guarded_field_of(const char *name, const char *value)
{
    struct guarded_field field = {name, {NULL, strlen(value)}, guard_copy(value, strlen(value))};
    field.value.data = (const char *)field.guard.bytes;
    return field;
}

#endif
