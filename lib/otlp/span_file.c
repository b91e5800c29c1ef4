#include "otlp/span_file.h"

#include <stdio.h>

#include "base/buffer.h"
#include "base/json_reader.h"
#include "base/wire.h"
#include "otlp/gunzip.h"
#include "otlp/jaeger_json.h"
#include "otlp/otlp_json.h"
#include "otlp/otlp_proto.h"

#define FILE_MAX_BYTES ((size_t)1024 * 1024 * 1024)

typedef enum status span_file_reader(struct spans *spans, struct text body, struct error *error);

static enum status read_otlp_json(struct spans *spans, struct text body, struct error *error)
{
    return otlp_json_read(spans, body.data, body.length, NULL, error);
}

static enum status read_jaeger_json(struct spans *spans, struct text body, struct error *error)
{
    return jaeger_json_read(spans, body.data, body.length, NULL, error);
}

static enum status read_proto(struct spans *spans, struct text body, struct error *error)
{
    return otlp_proto_read(spans, body.data, body.length, NULL, error);
}

/* The first key that tells one; what has none of them is left to OTLP's reader and its words. */
static span_file_reader *json_reader_for(struct text body)
{
    static const struct {
        const char *key;
        span_file_reader *read;
    } rows[] = {
        {"resourceSpans", read_otlp_json}, {"result", read_otlp_json}, {"data", read_jaeger_json}};
    struct json_reader reader;
    json_reader_init(&reader, body.data, body.length);
    if (json_reader_next(&reader) != JSON_OBJECT_BEGIN)
        return read_otlp_json;
    while (json_reader_next(&reader) == JSON_KEY) {
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            if (json_reader_is(&reader, rows[i].key))
                return rows[i].read;
        }
        if (!json_reader_skip(&reader))
            break;
    }
    return read_otlp_json;
}

/* Whole to its end, with nothing but resource spans on top. */
static bool looks_like_proto(struct text body)
{
    struct wire_reader reader = wire_reader_of(body.data, body.length);
    struct wire_field field;
    enum status status;
    while ((status = wire_next(&reader, &field)) == STATUS_OK) {
        if (field.number != OTLP_REQUEST_RESOURCE_SPANS || field.type != WIRE_BYTES)
            return false;
    }
    return status == STATUS_END;
}

/* A protobuf's first byte is a line feed to JSON and its second may well be a brace: so protobuf is
 * asked first. */
static span_file_reader *reader_for(struct text body)
{
    size_t at = 0;
    if (looks_like_proto(body))
        return read_proto;
    while (at < body.length && (body.data[at] == ' ' || body.data[at] == '\t' ||
                                body.data[at] == '\r' || body.data[at] == '\n'))
        at++;
    if (at < body.length && (body.data[at] == '{' || body.data[at] == '['))
        return json_reader_for(body);
    return read_proto;
}

static enum status parse_plain(struct spans *spans, struct text body, const char *name,
                               struct error *error)
{
    struct error inner = {{0}};
    if (body.length == 0)
        return error_set(error, STATUS_INVALID, "%s: empty", name);
    const enum status status = reader_for(body)(spans, body, &inner);
    if (status == STATUS_OK)
        return STATUS_OK;
    return error_set(error, status, "%s: %s", name, inner.text);
}

enum status span_file_parse(struct spans *spans, const void *bytes, size_t length_bytes,
                            const char *name, struct error *error)
{
    struct buffer plain;
    enum status status;
    if (!gunzip_looks_like_it(bytes, length_bytes))
        return parse_plain(spans, (struct text){bytes, length_bytes}, name, error);
    buffer_init(&plain, FILE_MAX_BYTES);
    status = gunzip(bytes, length_bytes, &plain);
    if (status != STATUS_OK)
        (void)error_set(error, status, "%s: gzip: %s", name, status_words(status));
    else
        status =
            parse_plain(spans, (struct text){buffer_text(&plain), plain.length_bytes}, name, error);
    buffer_release(&plain);
    return status;
}

enum status span_file_read(struct spans *spans, const char *path, struct error *error)
{
    struct buffer bytes;
    buffer_init(&bytes, FILE_MAX_BYTES);
    enum status status = buffer_read_file(&bytes, path, error);
    if (status == STATUS_OK)
        status = span_file_parse(spans, bytes.data, bytes.length_bytes, path, error);
    buffer_release(&bytes);
    return status;
}
