#include "trace/otlp_request.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "trace/resource.h"

enum { VALUE_MAX = 1024 };

struct url {
    bool is_https;
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
    url->port = url->is_https ? TEXT_LITERAL("443") : TEXT_LITERAL("80");
    if (colon != NULL && (bracket == NULL || colon > bracket)) {
        url->host.length = (size_t)(colon - authority.data);
        url->port = (struct text){colon + 1, authority.length - url->host.length - 1};
    }
    uint64_t port;
    bool has_bracket = url->host.length > 0 && url->host.data[0] == '[';
    return url->host.length > 0 && memchr(authority.data, '@', authority.length) == NULL &&
           (bracket != NULL) == has_bracket &&
           (!has_bracket || url->host.data[url->host.length - 1] == ']') &&
           (has_bracket || memchr(url->host.data, ':', url->host.length) == NULL) &&
           url->port.length <= 5 && text_to_u64(url->port, &port) == STATUS_OK && port > 0 &&
           port < 65536;
}

/* Cuts the scheme, in any case, off the text. */
static bool cut_scheme(struct text *text, const char *scheme)
{
    size_t length = strlen(scheme);
    if (text->length < length || strncasecmp(text->data, scheme, length) != 0)
        return false;
    *text = (struct text){text->data + length, text->length - length};
    return true;
}

static enum status cut_url(const char *endpoint, struct url *url, struct error *error)
{
    struct text rest = text_of(endpoint);
    url->is_https = cut_scheme(&rest, "https://");
    if (!is_printable(rest) || (!url->is_https && !cut_scheme(&rest, "http://")))
        return error_set(error, STATUS_INVALID, "%s: want http://host:port/path", endpoint);
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

PRINTF_LIKE(2, 3) static bool append(struct otlp_request *request, const char *format, ...)
{
    size_t length = strlen(request->headers), room = sizeof request->headers - length;
    va_list arguments;
    va_start(arguments, format);
    int added = vsnprintf(request->headers + length, room, format, arguments);
    va_end(arguments);
    return added >= 0 && (size_t)added < room;
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

/* Two of one of these, or one that contradicts the body, and receivers disagree about where the
 * request ends. */
static bool frames_request(struct text name)
{
    static const char *const framing[] = {"host",         "connection",       "content-length",
                                          "content-type", "content-encoding", "transfer-encoding",
                                          "expect",       "upgrade",          "te",
                                          "trailer"};
    for (size_t i = 0; i < sizeof framing / sizeof framing[0]; i++)
        if (text_equal_ignore_case(name, text_of(framing[i])))
            return true;
    return false;
}

static bool is_value(const char *value, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)value[i] < 0x20 || value[i] == 0x7f)
            return false;
    return true;
}

static enum status append_header(struct otlp_request *request, struct text pair, bool *has_agent,
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
    if (frames_request(name))
        return error_set(error, STATUS_INVALID, "headers: %.*s is not for settings",
                         TEXT_ARGS(name));
    *has_agent |= text_equal_ignore_case(name, TEXT_LITERAL("user-agent"));
    if (!append(request, "%.*s: %.*s\r\n", TEXT_ARGS(name), (int)length, value))
        return error_set(error, STATUS_TOO_LARGE, "headers: too long");
    return STATUS_OK;
}

static enum status build_headers(struct otlp_request *request, const struct otlp_settings *settings,
                                 struct error *error)
{
    enum status status = STATUS_OK;
    bool has_agent = false, fits;
    struct text rest = text_of(settings->headers);
    while (status == STATUS_OK && rest.data != NULL) {
        struct text pair = text_trim(text_split(&rest, ','));
        if (pair.length > 0)
            status = append_header(request, pair, &has_agent, error);
    }
    if (status != STATUS_OK)
        return status;
    fits = append(request, "Content-Type: application/%s\r\n%s",
                  settings->json ? "json" : "x-protobuf",
                  settings->gzip ? "Content-Encoding: gzip\r\n" : "");
    if (fits && !has_agent)
        fits = append(request,
                      "User-Agent: culprit-trace/" TRACE_SDK_VERSION
                      " OTel-OTLP-Exporter-C/" TRACE_SDK_VERSION "\r\n%s",
                      "");
    return fits ? STATUS_OK : error_set(error, STATUS_TOO_LARGE, "headers: too long");
}

static void copy_host(struct text host, char *out, size_t size)
{
    if (host.length > 2 && host.data[0] == '[' && host.data[host.length - 1] == ']')
        host = (struct text){host.data + 1, host.length - 2};
    text_copy(host, out, size);
}

enum status otlp_request_init(struct otlp_request *request, const struct otlp_settings *settings,
                              struct error *error)
{
    struct url url = {.path = {NULL, 0}};
    enum status status = cut_url(settings->endpoint, &url, error);
    if (status != STATUS_OK)
        return status;
    *request = (struct otlp_request){.is_https = url.is_https};
    if (url.host.length >= sizeof request->host)
        return error_set(error, STATUS_TOO_LARGE, "%s: host name too long", settings->endpoint);
    text_copy(text_of(settings->endpoint), request->url, sizeof request->url);
    text_copy(url.path, request->path, sizeof request->path);
    copy_host(url.host, request->host, sizeof request->host);
    text_copy(url.port, request->port, sizeof request->port);
    snprintf(request->authority, sizeof request->authority, "%.*s:%.*s", TEXT_ARGS(url.host),
             TEXT_ARGS(url.port));
    return build_headers(request, settings, error);
}
