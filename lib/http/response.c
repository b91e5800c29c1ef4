/* What a handler answers, and its way to libmicrohttpd. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/server_inner.h"

enum { ERROR_MESSAGE_MAX = 512 };

static const char type_json[] = "application/json";

static void set_body(struct response *response, unsigned status, const char *content_type,
                     uint8_t *body, size_t length_bytes)
{
    free(response->body);
    response->error.code[0] = response->error.message[0] = '\0';
    response->status = status;
    response->content_type = content_type;
    response->body = body;
    response->body_bytes = body ? length_bytes : 0;
}

static void set_json_text(struct response *response, unsigned status, char *text)
{
    static const char no_memory[] =
        "{\"error\":{\"code\":\"internal\",\"message\":\"the answer could not be written\"}}";
    if (text == NULL) {
        text = strdup(no_memory);
        status = 500;
    }
    set_body(response, status, type_json, (uint8_t *)text, text ? strlen(text) : 0);
}

void response_json(struct response *response, unsigned status, json_t *value)
{
    char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;
    json_decref(value);
    set_json_text(response, status, text);
}

void response_error(struct response *response, unsigned status, const char *code,
                    const char *format, ...)
{
    char message[ERROR_MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    /* Words may quote what came in, and be cut in the middle of a character. */
    size_t length = text_utf8_prefix(text_of(message));
    response_json(response, status,
                  json_pack("{s:{s:s, s:s%}}", "error", "code", code, "message", message, length));
    text_copy(text_of(code), response->error.code, sizeof response->error.code);
    text_copy((struct text){message, length}, response->error.message,
              sizeof response->error.message);
}

void response_trouble(struct response *response, const char *code, enum status status)
{
    response_error(response, status == STATUS_TIMEOUT ? 504 : 500, code, "%s",
                   status_words(status));
}

void response_bytes(struct response *response, unsigned status, const char *content_type,
                    uint8_t *body, size_t length_bytes)
{
    set_body(response, status, content_type, body, length_bytes);
}

static bool is_clean(const char *value)
{
    for (const unsigned char *at = (const unsigned char *)value; *at; at++)
        if ((*at < ' ' && *at != '\t') || *at == 0x7f)
            return false;
    return true;
}

void response_header(struct response *response, const char *name, const char *value)
{
    enum { HEADERS_MAX = sizeof response->headers / sizeof response->headers[0] };
    size_t length = strlen(value);
    if (response->header_count == HEADERS_MAX || length >= sizeof response->headers[0].value ||
        !is_clean(value))
        return;
    response->headers[response->header_count].name = name;
    memcpy(response->headers[response->header_count].value, value, length + 1);
    response->header_count++;
}

enum MHD_Result response_queue(struct response *response, struct MHD_Connection *connection,
                               bool close)
{
    static char nothing[1];
    bool has_body = response->body != NULL;
    struct MHD_Response *out = MHD_create_response_from_buffer(
        response->body_bytes, has_body ? (void *)response->body : nothing,
        has_body ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (out == NULL)
        return MHD_NO;
    response->body = NULL; /* the library's now */
    if (has_body)
        MHD_add_response_header(out, MHD_HTTP_HEADER_CONTENT_TYPE,
                                response->content_type ? response->content_type : type_json);
    for (size_t i = 0; i < response->header_count; i++)
        MHD_add_response_header(out, response->headers[i].name, response->headers[i].value);
    if (close)
        MHD_add_response_header(out, MHD_HTTP_HEADER_CONNECTION, "close");
    enum MHD_Result result = MHD_queue_response(connection, response->status, out);
    MHD_destroy_response(out);
    return result;
}
