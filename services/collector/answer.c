#include "services/collector/answer.h"

#include <stdio.h>
#include <string.h>

enum { PRETTY_INDENT = 4 };

static const char content_type[] = "application/json";

void answer_begin(struct answer *answer)
{
    buffer_init(&answer->body, ANSWER_BYTES_MAX);
    json_writer_init(&answer->writer, &answer->body, 0);
}

void answer_send(struct answer *answer, struct response *response, unsigned status)
{
    size_t length_bytes;
    if (answer->body.failed != STATUS_OK) {
        buffer_release(&answer->body);
        response_error(response, 500, "too_large", "the answer is too large: ask for less");
        return;
    }
    uint8_t *bytes = buffer_take(&answer->body, &length_bytes);
    response_bytes(response, status, content_type, bytes, length_bytes);
}

static void write_words(char *out, size_t size, const char *format, va_list arguments)
{
    out[0] = '\0';
    vsnprintf(out, size, format, arguments);
}

void answer_error_v3(struct response *response, unsigned status, const char *format, ...)
{
    char words[512];
    struct answer answer;
    va_list arguments;
    va_start(arguments, format);
    write_words(words, sizeof(words), format, arguments);
    va_end(arguments);
    answer_begin(&answer);
    json_begin_object(&answer.writer);
    json_key(&answer.writer, "error");
    json_begin_object(&answer.writer);
    json_field_u64(&answer.writer, "httpCode", status);
    json_field_cstring(&answer.writer, "message", words);
    json_end_object(&answer.writer);
    json_end_object(&answer.writer);
    answer_send(&answer, response, status);
}

static void write_envelope(struct json_writer *writer, size_t total)
{
    json_field_u64(writer, "total", total);
    json_field_u64(writer, "limit", 0);
    json_field_u64(writer, "offset", 0);
    json_key(writer, "errors");
}

void answer_error_legacy(struct response *response, unsigned status, const char *format, ...)
{
    char words[512];
    struct answer answer;
    va_list arguments;
    va_start(arguments, format);
    write_words(words, sizeof(words), format, arguments);
    va_end(arguments);
    answer_begin(&answer);
    json_begin_object(&answer.writer);
    json_key(&answer.writer, "data");
    json_nil(&answer.writer);
    write_envelope(&answer.writer, 0);
    json_begin_array(&answer.writer);
    json_begin_object(&answer.writer);
    json_field_u64(&answer.writer, "code", status);
    json_field_cstring(&answer.writer, "msg", words);
    json_end_object(&answer.writer);
    json_end_array(&answer.writer);
    json_end_object(&answer.writer);
    answer_send(&answer, response, status);
}

void answer_begin_data(struct answer *answer, const struct request *request)
{
    const char *pretty = request_query(request, "prettyPrint");
    answer_begin(answer);
    if (pretty && *pretty && strcmp(pretty, "false") != 0)
        answer->writer.indent = PRETTY_INDENT;
    json_begin_object(&answer->writer);
    json_key(&answer->writer, "data");
    json_begin_array(&answer->writer);
}

void answer_end_array(struct answer *answer, size_t total)
{
    json_end_array(&answer->writer);
    write_envelope(&answer->writer, total);
}

void answer_end_errors(struct answer *answer)
{
    json_end_object(&answer->writer);
}

void answer_end_data(struct answer *answer, size_t total)
{
    answer_end_array(answer, total);
    json_nil(&answer->writer);
    answer_end_errors(answer);
}

unsigned answer_status(enum status status)
{
    if (status == STATUS_NOT_FOUND)
        return 404;
    return status == STATUS_TOO_LARGE || status == STATUS_NO_MEMORY ? 503 : 500;
}
