/* libFuzzer: any bytes through the JSON reader; every token's text is made plain and read as a
 * number, and what was accepted must be accepted again when our writer has written it. */
#include <stdlib.h>

#include "base/json_reader.h"
#include "base/json_writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool truth)
{
    if (!truth)
        abort();
}

static void use_text(const struct json_reader *reader, struct json_writer *writer)
{
    const struct text text = reader->text;
    expect(text.data >= reader->begin && text.data + text.length <= reader->end);
    char *plain = malloc(text.length + 1);
    expect(plain != NULL);
    const size_t length = json_reader_unescape(reader, plain);
    expect(length <= text.length);
    expect(text_utf8_prefix((struct text){plain, length}) == length);
    plain[length] = '\0';
    if (text_of(plain).length == length) /* no NUL within */
        expect(json_reader_is(reader, plain));
    if (reader->token == JSON_KEY)
        json_key_text(writer, (struct text){plain, length});
    else
        json_text(writer, (struct text){plain, length});
    free(plain);
}

static void use_number(const struct json_reader *reader, struct json_writer *writer)
{
    int64_t i64;
    uint64_t u64;
    double number;
    if (json_reader_i64(reader, &i64) == STATUS_OK)
        json_i64(writer, i64);
    else if (json_reader_u64(reader, &u64) == STATUS_OK)
        json_u64(writer, u64);
    else if (json_reader_double(reader, &number) == STATUS_OK)
        json_double(writer, number);
    else
        json_nil(writer);
}

static void copy_token(const struct json_reader *reader, struct json_writer *writer)
{
    switch (reader->token) {
    case JSON_OBJECT_BEGIN:
        json_begin_object(writer);
        break;
    case JSON_OBJECT_END:
        json_end_object(writer);
        break;
    case JSON_ARRAY_BEGIN:
        json_begin_array(writer);
        break;
    case JSON_ARRAY_END:
        json_end_array(writer);
        break;
    case JSON_KEY:
    case JSON_STRING:
        use_text(reader, writer);
        break;
    case JSON_NUMBER:
        use_number(reader, writer);
        break;
    default:
        json_nil(writer);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { WRITER_DEPTH_MAX = 64 };
    struct json_reader reader;
    struct json_writer writer;
    struct buffer out;
    unsigned line, column;
    buffer_init(&out, (size_t)1 << 26);
    json_writer_init(&writer, &out, 0);
    json_reader_init(&reader, (const char *)data, size);
    for (;;) {
        const enum json_token token = json_reader_next(&reader);
        if (token == JSON_END || token == JSON_ERROR || reader.depth > WRITER_DEPTH_MAX)
            break;
        copy_token(&reader, &writer);
    }
    json_reader_where(&reader, &line, &column);
    expect(line >= 1 && column >= 1);
    expect((reader.token == JSON_ERROR) == (reader.fault != NULL));
    if (reader.token == JSON_END && out.failed == STATUS_OK) {
        json_reader_init(&reader, buffer_text(&out), out.length_bytes);
        json_reader_next(&reader);
        expect(json_reader_skip(&reader) && json_reader_next(&reader) == JSON_END);
    }
    buffer_release(&out);
    return 0;
}
