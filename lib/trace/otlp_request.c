#include "trace/otlp_request.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "trace/resource.h"

enum { VALUE_MAX = 1024 };

struct url {
    struct text host; /* as written, with brackets */
    struct text port;
    struct text path;
};

static bool is_printable(struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] <= 0x20 || text.data[i] == 0x7f)
            return false;
    return true;
}

static bool cut_authority(struct text authority, struct url *url)
{
    const char *colon = authority.length ? memrchr(authority.data, ':', authority.length) : NULL;
    const char *bracket = authority.length ? memrchr(authority.data, ']', authority.length) : NULL;
    url->host = authority;
    url->port = TEXT_LITERAL("80");
    if (colon != NULL && (bracket == NULL || colon > bracket)) {
        url->host.length = (size_t)(colon - authority.data);
        url->port = (struct text){colon + 1, authority.length - url->host.length - 1};
    }
    uint64_t port;
    return url->host.length > 0 && memchr(authority.data, '@', authority.length) == NULL &&
           text_to_u64(url->port, &port) == STATUS_OK && port > 0 && port < 65536;
}

static enum status cut_url(const char *endpoint, struct url *url, struct error *error)
{
    struct text text = text_of(endpoint);
    if (text_starts_with(text, "https://"))
        return error_set(error, STATUS_UNSUPPORTED, "%s: https is not built in", endpoint);
    if (!text_starts_with(text, "http://") || !is_printable(text))
        return error_set(error, STATUS_INVALID, "%s: want http://host:port/path", endpoint);
    struct text rest = {text.data + 7, text.length - 7};
    size_t length = 0;
    while (length < rest.length && strchr("/?#", rest.data[length]) == NULL)
        length++;
    url->path = (struct text){rest.data + length, rest.length - length};
    if (url->path.length == 0)
        url->path = TEXT_LITERAL("/");
    if (url->path.data[0] != '/' || memchr(url->path.data, '#', url->path.length) != NULL ||
        !cut_authority((struct text){rest.data, length}, url))
        return error_set(error, STATUS_INVALID, "%s: want http://host:port/path", endpoint);
    return STATUS_OK;
}

__attribute__((format(printf, 2, 3))) static bool append(struct otlp_request *request,
                                                         const char *format, ...)
{
    size_t room = sizeof request->head - request->head_bytes;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(request->head + request->head_bytes, room, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= room)
        return false;
    request->head_bytes += (size_t)length;
    return true;
}

static bool is_name(struct text name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < name.length; i++)
        if (name.data[i] == '\0' || strchr(allowed, name.data[i]) == NULL)
            return false;
    return name.length > 0;
}

static bool is_value(const char *value, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)value[i] < 0x20 || value[i] == 0x7f)
            return false;
    return true;
}

static enum status append_header(struct otlp_request *request, struct text pair,
                                 struct error *error)
{
    char value[VALUE_MAX];
    size_t length = 0;
    struct text rest = pair;
    struct text name = text_trim(text_split(&rest, '='));
    struct text encoded = text_trim(rest);
    if (rest.data == NULL || !is_name(name) || encoded.length >= sizeof value ||
        (encoded.length > 0 && text_percent_decode(encoded, value, &length) != STATUS_OK) ||
        !is_value(value, length))
        return error_set(error, STATUS_INVALID, "headers: \"%.*s\" is not name=value",
                         TEXT_ARGS(name));
    if (!append(request, "%.*s: %.*s\r\n", TEXT_ARGS(name), (int)length, value))
        return error_set(error, STATUS_TOO_LARGE, "headers: too long");
    return STATUS_OK;
}

static void copy_host(struct text host, char *out, size_t size)
{
    if (host.length > 2 && host.data[0] == '[' && host.data[host.length - 1] == ']')
        host = (struct text){host.data + 1, host.length - 2};
    text_copy(host, out, size);
}

enum status otlp_request_init(struct otlp_request *request, const char *endpoint,
                              const char *headers, struct error *error)
{
    struct url url = {.path = {NULL, 0}};
    enum status status = cut_url(endpoint, &url, error);
    if (status != STATUS_OK)
        return status;
    *request = (struct otlp_request){.head_bytes = 0};
    if (url.host.length >= sizeof request->host)
        return error_set(error, STATUS_TOO_LARGE, "%s: host name too long", endpoint);
    copy_host(url.host, request->host, sizeof request->host);
    text_copy(url.port, request->port, sizeof request->port);
    if (!append(request,
                "POST %.*s HTTP/1.1\r\nHost: %.*s:%.*s\r\n"
                "User-Agent: culprit/%s OTel-OTLP-Exporter-C/%s\r\n"
                "Content-Type: application/x-protobuf\r\n",
                TEXT_ARGS(url.path), TEXT_ARGS(url.host), TEXT_ARGS(url.port), TRACE_SDK_VERSION,
                TRACE_SDK_VERSION))
        return error_set(error, STATUS_TOO_LARGE, "%s: too long", endpoint);
    struct text rest = text_of(headers);
    while (status == STATUS_OK && rest.data != NULL) {
        struct text pair = text_trim(text_split(&rest, ','));
        if (pair.length > 0)
            status = append_header(request, pair, error);
    }
    if (status == STATUS_OK && !append(request, "Content-Length: "))
        return error_set(error, STATUS_TOO_LARGE, "headers: too long");
    return status;
}
