#include "services/collector/criteria_tags.h"

#include "base/json_reader.h"

bool criteria_tags_add(struct criteria *criteria, struct text key, struct text value)
{
    if (criteria->tag_count == CRITERIA_TAGS_MAX)
        return false;
    criteria->tags[criteria->tag_count++] = (struct criteria_tag){key, value};
    return true;
}

/* The plain form of the string, or of the number, true or false that the reader is at; data NULL
 * when there is no memory. */
static struct text plain_of(struct arena *arena, const struct json_reader *reader)
{
    if (reader->token == JSON_TRUE || reader->token == JSON_FALSE)
        return text_of(reader->token == JSON_TRUE ? "true" : "false");
    if (!reader->has_escapes)
        return reader->text;
    char *plain = arena_alloc(arena, reader->text.length + 1);
    return (struct text){plain, plain ? json_reader_unescape(reader, plain) : 0};
}

static enum status read_tag(struct criteria *criteria, struct arena *arena,
                            struct json_reader *reader)
{
    const struct text key = plain_of(arena, reader);
    const enum json_token token = json_reader_next(reader);
    if (token != JSON_STRING && token != JSON_NUMBER && token != JSON_TRUE && token != JSON_FALSE)
        return STATUS_INVALID;
    const struct text value = plain_of(arena, reader);
    if (!key.data || !value.data)
        return STATUS_NO_MEMORY;
    return criteria_tags_add(criteria, key, value) ? STATUS_OK : STATUS_TOO_LARGE;
}

enum status criteria_tags_read(struct criteria *criteria, struct arena *arena, struct text json)
{
    struct json_reader reader;
    json_reader_init(&reader, json.data, json.length);
    if (json_reader_next(&reader) != JSON_OBJECT_BEGIN)
        return STATUS_INVALID;
    while (json_reader_next(&reader) == JSON_KEY) {
        const enum status status = read_tag(criteria, arena, &reader);
        if (status != STATUS_OK)
            return status;
    }
    return reader.token == JSON_OBJECT_END && json_reader_next(&reader) == JSON_END
               ? STATUS_OK
               : STATUS_INVALID;
}
