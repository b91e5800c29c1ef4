#include "trace/adapters/http_attributes.h"

#include <stdio.h>
#include <string.h>

void http_attributes_text(struct http_attributes *attributes, struct text key, struct text value)
{
    if (value.length > 0 && attributes->count < HTTP_ATTRIBUTES_MAX)
        attributes->list[attributes->count++] =
            (struct attribute){.key = key, .type = ATTRIBUTE_TEXT, .text = value};
}

void http_attributes_i64(struct http_attributes *attributes, struct text key, int64_t value)
{
    if (attributes->count < HTTP_ATTRIBUTES_MAX)
        attributes->list[attributes->count++] =
            (struct attribute){.key = key, .type = ATTRIBUTE_I64, .i64 = value};
}

const char *http_attributes_method(struct http_attributes *attributes, const char *method)
{
    /* Whole words, which are compared in one step each. */
    static const char known[][8] = {"GET",  "POST",    "PUT",   "DELETE", "PATCH",
                                    "HEAD", "OPTIONS", "TRACE", "CONNECT"};
    const struct text key = TEXT_LITERAL("http.request.method"), given = text_of(method);
    char word[8] = "";
    text_copy(given, word, sizeof word);
    for (size_t i = 0; given.length < sizeof word && i < sizeof known / sizeof known[0]; i++) {
        if (memcmp(known[i], word, sizeof word) == 0) {
            http_attributes_text(attributes, key, (struct text){known[i], given.length});
            return known[i];
        }
    }
    http_attributes_text(attributes, key, TEXT_LITERAL("_OTHER"));
    http_attributes_text(attributes, TEXT_LITERAL("http.request.method_original"), given);
    return "HTTP";
}

void http_attributes_server(struct http_attributes *attributes, struct text authority,
                            int64_t default_port)
{
    struct text host = authority;
    uint64_t port = (uint64_t)default_port;
    const char *colon = host.length ? memrchr(host.data, ':', host.length) : NULL;
    const char *bracket = host.length ? memrchr(host.data, ']', host.length) : NULL;
    if (colon != NULL && (bracket == NULL || colon > bracket)) {
        size_t before = (size_t)(colon - host.data);
        struct text digits = {colon + 1, host.length - before - 1};
        if (text_to_u64(digits, &port) != STATUS_OK || port > 65535)
            port = (uint64_t)default_port;
        host.length = before;
    }
    if (host.length > 2 && host.data[0] == '[' && host.data[host.length - 1] == ']')
        host = (struct text){host.data + 1, host.length - 2};
    http_attributes_text(attributes, TEXT_LITERAL("server.address"), host);
    if (host.length > 0 && port > 0)
        http_attributes_i64(attributes, TEXT_LITERAL("server.port"), (int64_t)port);
}

bool http_attributes_is_secret(struct text query_key)
{
    static const struct text keys[] = {
        TEXT_CONSTANT("AWSAccessKeyId"),
        TEXT_CONSTANT("Signature"),
        TEXT_CONSTANT("sig"),
        TEXT_CONSTANT("X-Goog-Signature"),
        TEXT_CONSTANT("X-Amz-Signature"),
        TEXT_CONSTANT("X-Amz-Credential"),
        TEXT_CONSTANT("X-Amz-Security-Token"),
        TEXT_CONSTANT("token"),
        TEXT_CONSTANT("password"),
    };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (text_equal(query_key, keys[i]))
            return true;
    return false;
}

void http_attributes_name(const char *method, const char *target, char *out, size_t size)
{
    struct text part = text_of(method);
    text_copy(part, out, size);
    if (target == NULL || part.length + 1 >= size)
        return;
    out[part.length] = ' ';
    text_copy(text_of(target), out + part.length + 1, size - part.length - 1);
}

void http_attributes_response(struct span *span, unsigned status_code, unsigned error_from)
{
    if (status_code == 0)
        return;
    span_set_i64(span, SPAN_KEY("http.response.status_code"), status_code);
    if (status_code < error_from)
        return;
    char code[16];
    (void)snprintf(code, sizeof code, "%u", status_code);
    span_set_text(span, SPAN_KEY("error.type"), text_of(code));
    span_set_status(span, SPAN_ERROR, (struct text){NULL, 0});
}
