#include "http/topology_reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { WORD_MAX = 255 };

enum status topology_reader_fail(const struct topology_reader *reader, const char *format, ...)
{
    char words[256], place[256] = "";
    char at[16] = "";
    unsigned line, column;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    json_reader_where(&reader->json, &line, &column);
    if (!reader->at_end)
        snprintf(at, sizeof at, "%u: ", line);
    if (reader->service && reader->method && reader->path)
        snprintf(place, sizeof place, "service \"%s\": route \"%s %s\": ", reader->service,
                 reader->method, reader->path);
    else if (reader->service)
        snprintf(place, sizeof place, "service \"%s\": ", reader->service);
    return error_set(reader->error, STATUS_INVALID, "%s:%s%s%s", reader->name, at[0] ? at : " ",
                     place, words);
}

static enum status fail_expected(const struct topology_reader *reader, const char *what)
{
    if (reader->json.token == JSON_ERROR)
        return topology_reader_fail(reader, "%s", reader->json.fault);
    return topology_reader_fail(reader, "expected %s", what);
}

static enum status read_member(struct topology_reader *reader,
                               const struct topology_member *members, size_t count, void *into,
                               uint32_t *seen)
{
    size_t i = 0;
    while (i < count && !json_reader_is(&reader->json, members[i].name))
        i++;
    if (i == count)
        return topology_reader_fail(reader, "unknown key \"%.*s\"", TEXT_ARGS(reader->json.text));
    if (*seen & 1u << i)
        return topology_reader_fail(reader, "key \"%s\" twice", members[i].name);
    *seen |= 1u << i;
    if (json_reader_next(&reader->json) == JSON_ERROR)
        return fail_expected(reader, "a value");
    return members[i].read(reader, into);
}

enum status topology_reader_object(struct topology_reader *reader,
                                   const struct topology_member *members, size_t count, void *into)
{
    uint32_t seen = 0;
    if (reader->json.token != JSON_OBJECT_BEGIN)
        return fail_expected(reader, "an object");
    while (json_reader_next(&reader->json) == JSON_KEY) {
        enum status status = read_member(reader, members, count, into, &seen);
        if (status != STATUS_OK)
            return status;
    }
    if (reader->json.token != JSON_OBJECT_END)
        return fail_expected(reader, "the end of the object");
    for (size_t i = 0; i < count; i++)
        if (members[i].required && !(seen & 1u << i))
            return topology_reader_fail(reader, "key \"%s\" is missing", members[i].name);
    return STATUS_OK;
}

enum status topology_reader_items(struct topology_reader *reader, const struct topology_items *kind,
                                  const void **items, size_t *count)
{
    char *list = arena_alloc_array(reader->arena, kind->most, kind->item_bytes);
    *count = 0;
    *items = list;
    if (list == NULL)
        return error_set(reader->error, STATUS_NO_MEMORY, "%s: out of memory", reader->name);
    if (reader->json.token != JSON_ARRAY_BEGIN)
        return fail_expected(reader, "an array");
    while (json_reader_next(&reader->json) != JSON_ARRAY_END) {
        if (reader->json.token == JSON_ERROR)
            return fail_expected(reader, "the end of the array");
        if (*count == kind->most)
            return topology_reader_fail(reader, "over %zu items", kind->most);
        enum status status = kind->read(reader, list + *count * kind->item_bytes);
        if (status != STATUS_OK)
            return status;
        ++*count;
    }
    return STATUS_OK;
}

enum status topology_reader_word(struct topology_reader *reader, const char **out)
{
    char word[WORD_MAX];
    if (reader->json.token != JSON_STRING)
        return fail_expected(reader, "a string");
    if (reader->json.text.length == 0 || reader->json.text.length > WORD_MAX)
        return topology_reader_fail(reader, "a string of 1 to %d characters is needed", WORD_MAX);
    size_t length = json_reader_unescape(&reader->json, word);
    for (size_t i = 0; i < length; i++)
        if (word[i] <= ' ' || word[i] > '~')
            return topology_reader_fail(reader, "only printable ASCII without spaces may be here");
    *out = arena_copy(reader->arena, word, length);
    if (*out == NULL)
        return error_set(reader->error, STATUS_NO_MEMORY, "%s: out of memory", reader->name);
    return STATUS_OK;
}

enum status topology_reader_number(struct topology_reader *reader, uint32_t lowest,
                                   uint32_t highest, uint32_t *out)
{
    uint64_t value;
    if (reader->json.token != JSON_NUMBER)
        return fail_expected(reader, "a number");
    if (json_reader_u64(&reader->json, &value) != STATUS_OK || value < lowest || value > highest)
        return topology_reader_fail(reader, "a whole number from %u to %u is needed", lowest,
                                    highest);
    *out = (uint32_t)value;
    return STATUS_OK;
}
