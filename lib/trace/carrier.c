#include "trace/carrier.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct seen {
    struct text first;
    size_t count;
};

static void take_seen(void *into, struct text value)
{
    struct seen *seen = into;
    if (seen->count++ == 0)
        seen->first = value;
}

struct text carrier_get(const struct carrier_source *source, const char *name)
{
    struct seen seen = {.count = 0};
    source->get_all(source->carrier, name, take_seen, &seen);
    return seen.first;
}

bool carrier_get_one(const struct carrier_source *source, const char *name, struct text *value)
{
    struct seen seen = {.count = 0};
    source->get_all(source->carrier, name, take_seen, &seen);
    *value = text_trim(seen.first);
    return seen.count == 1;
}

/* ---- lines */

static void lines_set(void *carrier, const char *name, struct text value)
{
    struct carrier_lines *lines = carrier;
    size_t length = strlen(lines->text), room = lines->size - length;
    if (strlen(name) + value.length + sizeof ": \r\n" <= room)
        (void)snprintf(lines->text + length, room, "%s: %.*s\r\n", name, TEXT_ARGS(value));
}

struct carrier_sink carrier_lines_sink(struct carrier_lines *lines)
{
    return (struct carrier_sink){lines, lines_set};
}

/* Cuts the next "name: value" off; false at the end. A line without a colon has no name. */
static bool next_line(struct text *rest, struct text *name, struct text *value)
{
    if (rest->data == NULL || rest->length == 0)
        return false;
    struct text line = text_split(rest, '\n');
    if (line.length > 0 && line.data[line.length - 1] == '\r')
        line.length--;
    *name = text_split(&line, ':');
    *value = text_trim(line);
    if (line.data == NULL)
        name->length = 0;
    return true;
}

static void lines_get_all(void *carrier, const char *name, carrier_take *take, void *into)
{
    struct text rest = *(const struct text *)carrier, found, value;
    while (next_line(&rest, &found, &value))
        if (found.length > 0 && text_equal_ignore_case(found, text_of(name)))
            take(into, value);
}

static void lines_keys(void *carrier, carrier_take *take, void *into)
{
    struct text rest = *(const struct text *)carrier, found, value;
    while (next_line(&rest, &found, &value))
        if (found.length > 0)
            take(into, found);
}

struct carrier_source carrier_lines_source(const struct text *text)
{
    return (struct carrier_source){(void *)(uintptr_t)text, lines_get_all, lines_keys};
}
