#include "loadgen/load/load_extract.h"

#include <string.h>

#include "base/json_reader.h"

enum { SEGMENT_MAX = 256 };

/* ---- fields of the head */

struct text load_extract_header(struct text head, struct text name)
{
    struct text rest = head;
    (void)text_split(&rest, '\n'); /* the status line */
    while (rest.data != NULL) {
        struct text value = text_split(&rest, '\n');
        if (value.length > 0 && value.data[value.length - 1] == '\r')
            value.length--;
        struct text key = text_split(&value, ':');
        if (value.data != NULL && text_equal_ignore_case(key, name))
            return text_trim(value);
    }
    return (struct text){0};
}

/* ---- JSON pointers */

bool load_extract_is_pointer(struct text pointer)
{
    if (pointer.length > 0 && pointer.data[0] != '/')
        return false;
    for (size_t i = 0; i < pointer.length; i++)
        if (pointer.data[i] == '~' &&
            (i + 1 == pointer.length || pointer.data[i + 1] < '0' || pointer.data[i + 1] > '1'))
            return false;
    return true;
}

/* The segment without its escapes, as a C string. */
static bool plain_segment(struct text segment, char out[SEGMENT_MAX])
{
    size_t length = 0;
    for (size_t i = 0; i < segment.length; i++) {
        char c = segment.data[i];
        if (c == '~' && i + 1 < segment.length)
            c = segment.data[++i] == '1' ? '/' : '~';
        if (length + 1 == SEGMENT_MAX || c == '\0')
            return false;
        out[length++] = c;
    }
    out[length] = '\0';
    return true;
}

/* With the reader at an object's begin: goes to the first token of the member's value. */
static bool enter_member(struct json_reader *reader, const char *key)
{
    while (json_reader_next(reader) == JSON_KEY) {
        if (json_reader_is(reader, key)) {
            (void)json_reader_next(reader);
            return true;
        }
        if (!json_reader_skip(reader))
            return false;
    }
    return false;
}

static bool enter_item(struct json_reader *reader, const char *index)
{
    uint64_t left;
    if (text_to_u64(text_of(index), &left) != STATUS_OK || (index[0] == '0' && index[1] != '\0'))
        return false;
    for (;; left--) {
        enum json_token token = json_reader_next(reader);
        if (token == JSON_ARRAY_END || token == JSON_ERROR)
            return false;
        if (left == 0)
            return true;
        if (!json_reader_skip(reader))
            return false;
    }
}

/* Goes to the first token of the value that the pointer names. */
static bool follow(struct json_reader *reader, struct text pointer)
{
    (void)json_reader_next(reader);
    (void)text_split(&pointer, '/'); /* what is before the first one: nothing */
    while (pointer.data != NULL) {
        char segment[SEGMENT_MAX];
        if (!plain_segment(text_split(&pointer, '/'), segment))
            return false;
        bool entered = reader->token == JSON_OBJECT_BEGIN  ? enter_member(reader, segment)
                       : reader->token == JSON_ARRAY_BEGIN ? enter_item(reader, segment)
                                                           : false;
        if (!entered)
            return false;
    }
    return true;
}

static bool take_json(struct text pointer, struct text body, struct buffer *out)
{
    struct json_reader reader;
    json_reader_init(&reader, body.data, body.length);
    if (!follow(&reader, pointer))
        return false;
    const char *begin = reader.token_at;
    switch (reader.token) {
    case JSON_STRING: {
        uint8_t *room;
        if (reader.text.length == 0)
            return true; /* an empty buffer may have no memory yet */
        if (buffer_extend(out, reader.text.length, &room) != STATUS_OK)
            return false;
        out->length_bytes -= reader.text.length - json_reader_unescape(&reader, (char *)room);
        out->data[out->length_bytes] = '\0';
        return true;
    }
    case JSON_OBJECT_BEGIN:
    case JSON_ARRAY_BEGIN:
    case JSON_NUMBER:
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
        if (!json_reader_skip(&reader))
            return false;
        return buffer_append(out, begin, (size_t)(reader.at - begin)) == STATUS_OK;
    default:
        return false;
    }
}

/* ---- between two texts */

static bool take_between(const struct load_extract *extract, struct text body, struct buffer *out)
{
    if (body.length == 0)
        return false;
    const char *end = body.data + body.length;
    const char *begin = memmem(body.data, body.length, extract->what.data, extract->what.length);
    if (begin == NULL)
        return false;
    begin += extract->what.length;
    const char *until =
        memmem(begin, (size_t)(end - begin), extract->behind.data, extract->behind.length);
    return until != NULL && buffer_append(out, begin, (size_t)(until - begin)) == STATUS_OK;
}

bool load_extract_run(const struct load_extract *extract, const struct load_answer *answer,
                      struct buffer *out)
{
    struct text value;
    switch (extract->kind) {
    case LOAD_EXTRACT_JSON:
        return take_json(extract->what, answer->body, out);
    case LOAD_EXTRACT_HEADER:
        value = load_extract_header(answer->head, extract->what);
        return value.data != NULL && buffer_append(out, value.data, value.length) == STATUS_OK;
    case LOAD_EXTRACT_BETWEEN:
        return take_between(extract, answer->body, out);
    }
    return false;
}
