#include "trace/otlp_answer.h"

#include "base/json_reader.h"
#include "base/otlp_fields.h"
#include "base/wire.h"

static void keep(struct otlp_answer *answer, struct text message)
{
    message.length = text_utf8_prefix(message);
    if (message.length >= sizeof answer->message) {
        message.length = sizeof answer->message - 1;
        message.length = text_utf8_prefix(message);
    }
    text_copy(message, answer->message, sizeof answer->message);
}

static void read_proto_partial(struct text partial, struct otlp_answer *answer)
{
    struct wire_reader reader = wire_reader_of(partial.data, partial.length);
    struct wire_field field;
    while (wire_next(&reader, &field) == STATUS_OK) {
        if (field.number == OTLP_PARTIAL_REJECTED_SPANS && field.type == WIRE_VARINT)
            answer->rejected = (int64_t)field.value > 0 ? field.value : 0;
        else if (field.number == OTLP_PARTIAL_ERROR_MESSAGE && field.type == WIRE_BYTES)
            keep(answer, field.bytes);
    }
}

/* At the start of a value: a string that fits is kept, all else is skipped. */
static bool read_json_message(struct json_reader *reader, struct otlp_answer *answer)
{
    char plain[1024];
    if (json_reader_next(reader) == JSON_STRING && reader->text.length <= sizeof plain)
        keep(answer, (struct text){plain, json_reader_unescape(reader, plain)});
    return json_reader_skip(reader);
}

static bool read_json_count(struct json_reader *reader, struct otlp_answer *answer)
{
    int64_t count;
    enum json_token token = json_reader_next(reader);
    if ((token == JSON_STRING || token == JSON_NUMBER) &&
        json_reader_i64(reader, &count) == STATUS_OK)
        answer->rejected = count > 0 ? (uint64_t)count : 0;
    return json_reader_skip(reader);
}

/* At the start of a value. */
static bool read_json_partial(struct json_reader *reader, struct otlp_answer *answer)
{
    if (json_reader_next(reader) != JSON_OBJECT_BEGIN)
        return json_reader_skip(reader);
    bool good = true;
    while (good && json_reader_next(reader) == JSON_KEY) {
        if (json_reader_is(reader, "rejectedSpans") || json_reader_is(reader, "rejectedLogRecords"))
            good = read_json_count(reader, answer);
        else if (json_reader_is(reader, "errorMessage"))
            good = read_json_message(reader, answer);
        else
            good = json_reader_skip(reader);
    }
    return good;
}

static void read_json(struct text body, const char *key,
                      bool (*read)(struct json_reader *reader, struct otlp_answer *answer),
                      struct otlp_answer *answer)
{
    struct json_reader reader;
    json_reader_init(&reader, body.data, body.length);
    bool good = json_reader_next(&reader) == JSON_OBJECT_BEGIN;
    while (good && json_reader_next(&reader) == JSON_KEY)
        good = json_reader_is(&reader, key) ? read(&reader, answer) : json_reader_skip(&reader);
}

struct otlp_answer otlp_answer_of_success(struct text body, bool json)
{
    struct otlp_answer answer = {0, ""};
    struct wire_reader reader = wire_reader_of(body.data, body.length);
    struct wire_field field;
    if (json)
        read_json(body, "partialSuccess", read_json_partial, &answer);
    else
        while (wire_next(&reader, &field) == STATUS_OK)
            if (field.number == OTLP_RESPONSE_PARTIAL_SUCCESS && field.type == WIRE_BYTES)
                read_proto_partial(field.bytes, &answer);
    return answer;
}

struct otlp_answer otlp_answer_of_failure(struct text body, bool json)
{
    struct otlp_answer answer = {0, ""};
    struct wire_reader reader = wire_reader_of(body.data, body.length);
    struct wire_field field;
    if (json)
        read_json(body, "message", read_json_message, &answer);
    else
        while (wire_next(&reader, &field) == STATUS_OK)
            if (field.number == RPC_STATUS_MESSAGE && field.type == WIRE_BYTES)
                keep(&answer, field.bytes);
    return answer;
}
