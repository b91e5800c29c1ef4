#include "trace/adapters/curl.h"

#include <string.h>

#include "trace/adapters/http_attributes.h"
#include "trace/propagation.h"

static const struct tracer tracer = {.name = "culprit.libcurl", .version = "0.1.0"};

enum { SPAN_NAME_MAX = 256, URL_MAX = 1024, HEADER_MAX = BAGGAGE_MAX + 64 };

struct url {
    struct text scheme, credentials, authority, path, query;
};

/* "scheme://credentials@authority/path?query#fragment"; the fragment is left out. */
static struct url cut_url(const char *text)
{
    struct url url = {.scheme = {NULL, 0}};
    struct text rest = text_of(text);
    const char *mark = strchr(text, ':');
    if (mark != NULL && mark[1] == '/' && mark[2] == '/') {
        url.scheme = (struct text){text, (size_t)(mark - text)};
        rest = text_of(mark + 3);
    }
    rest = text_split(&rest, '#');
    struct text before_query = text_split(&rest, '?');
    url.query = rest;
    size_t length = 0;
    while (length < before_query.length && before_query.data[length] != '/')
        length++;
    url.authority = (struct text){before_query.data, length};
    url.path = (struct text){before_query.data + length, before_query.length - length};
    const char *at = length ? memrchr(url.authority.data, '@', length) : NULL;
    if (at != NULL) {
        size_t skipped = (size_t)(at - url.authority.data);
        url.credentials = (struct text){url.authority.data, skipped};
        url.authority = (struct text){at + 1, length - skipped - 1};
    }
    return url;
}

struct line {
    char text[URL_MAX];
    size_t length;
};

static void put(struct line *line, struct text text)
{
    size_t room = sizeof line->text - line->length;
    size_t part = text.length < room ? text.length : room;
    if (part > 0)
        memcpy(line->text + line->length, text.data, part);
    line->length += part;
}

/* A key may be percent-encoded; one too long for it is no key that is listed. */
static bool is_secret(struct text key)
{
    char decoded[3 * 32];
    size_t length;
    return key.length <= sizeof decoded &&
           text_percent_decode(key, decoded, &length) == STATUS_OK &&
           http_attributes_is_secret((struct text){decoded, length});
}

static void put_query(struct line *line, struct text query)
{
    struct text rest = query;
    for (bool first = true; rest.data != NULL; first = false) {
        struct text value = text_split(&rest, '&');
        struct text key = text_split(&value, '=');
        put(line, first ? TEXT_LITERAL("?") : TEXT_LITERAL("&"));
        put(line, key);
        if (value.data == NULL)
            continue;
        put(line, TEXT_LITERAL("="));
        put(line, is_secret(key) ? TEXT_LITERAL("REDACTED") : value);
    }
}

/* What is written as it must be told stays where it is. */
static struct text full_url(const struct url *url, struct line *line)
{
    line->length = 0;
    if (url->scheme.length > 0 && url->credentials.data == NULL && url->query.length == 0) {
        const char *end = url->path.data + url->path.length;
        size_t length = (size_t)(end - url->scheme.data);
        return (struct text){url->scheme.data, length < URL_MAX ? length : URL_MAX};
    }
    put(line, url->scheme.length ? url->scheme : TEXT_LITERAL("http"));
    put(line, TEXT_LITERAL("://"));
    if (url->credentials.data != NULL)
        put(line, TEXT_LITERAL("REDACTED:REDACTED@"));
    put(line, url->authority);
    put(line, url->path);
    if (url->query.length > 0)
        put_query(line, url->query);
    return (struct text){line->text, line->length};
}

static void add_header(void *carrier, const char *name, struct text value)
{
    struct curl_slist **headers = carrier;
    char line[HEADER_MAX];
    size_t length = strlen(name);
    if (length + 2 + value.length >= sizeof line)
        return;
    text_copy(text_of(name), line, sizeof line);
    text_copy(TEXT_LITERAL(": "), line + length, sizeof line - length);
    text_copy(value, line + length + 2, sizeof line - length - 2);
    struct curl_slist *longer = curl_slist_append(*headers, line);
    if (longer != NULL)
        *headers = longer;
}

static void propagate(const struct span *span, struct curl_slist **headers)
{
    struct span_context context = span_context_of(span);
    struct carrier_sink sink = {headers, add_header};
    propagation_inject(&context, context_current().baggage, &sink);
}

struct span *trace_curl_begin(const struct trace_curl_call *call, struct curl_slist **headers)
{
    struct http_attributes attributes = {.count = 0};
    struct url url = cut_url(call->url ? call->url : "");
    struct line full;
    char name[SPAN_NAME_MAX];
    bool is_tls = text_equal_ignore_case(url.scheme, TEXT_LITERAL("https"));
    http_attributes_name(http_attributes_method(&attributes, call->method), call->url_template,
                         name, sizeof name);
    http_attributes_server(&attributes, url.authority, is_tls ? 443 : 80);
    http_attributes_text(&attributes, TEXT_LITERAL("url.full"), full_url(&url, &full));
    http_attributes_text(&attributes, TEXT_LITERAL("url.template"), text_of(call->url_template));
    if (call->resend_count > 0)
        http_attributes_i64(&attributes, TEXT_LITERAL("http.request.resend_count"),
                            call->resend_count);
    struct span_options options = {
        .kind = SPAN_CLIENT, .attributes = attributes.list, .attribute_count = attributes.count};
    struct span *span = span_start(&tracer, name, &options);
    if (call->propagate)
        propagate(span, headers);
    return span;
}

static const char *version_of(CURL *easy)
{
    static const struct {
        long code;
        const char *version;
    } versions[] = {{CURL_HTTP_VERSION_1_0, "1.0"},
                    {CURL_HTTP_VERSION_1_1, "1.1"},
                    {CURL_HTTP_VERSION_2_0, "2"},
                    {CURL_HTTP_VERSION_3, "3"}};
    long code = 0;
    if (curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &code) != CURLE_OK)
        return NULL;
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++)
        if (versions[i].code == code)
            return versions[i].version;
    return NULL;
}

static void set_peer(struct span *span, CURL *easy)
{
    const char *address = NULL;
    long port = 0;
    if (curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &address) == CURLE_OK && address != NULL &&
        address[0] != '\0')
        span_set_text(span, SPAN_KEY("network.peer.address"), text_of(address));
    if (curl_easy_getinfo(easy, CURLINFO_PRIMARY_PORT, &port) == CURLE_OK && port > 0)
        span_set_i64(span, SPAN_KEY("network.peer.port"), port);
}

static void set_sizes(struct span *span, CURL *easy)
{
    curl_off_t sent = 0, received = 0;
    if (curl_easy_getinfo(easy, CURLINFO_SIZE_UPLOAD_T, &sent) == CURLE_OK && sent > 0)
        span_set_i64(span, SPAN_KEY("http.request.body.size"), sent);
    if (curl_easy_getinfo(easy, CURLINFO_SIZE_DOWNLOAD_T, &received) == CURLE_OK)
        span_set_i64(span, SPAN_KEY("http.response.body.size"), received);
}

const char *trace_curl_error_type(CURLcode result)
{
    static const struct {
        CURLcode code;
        const char *type;
    } types[] = {
        {CURLE_OK, ""},
        {CURLE_OPERATION_TIMEDOUT, "timeout"},
        {CURLE_COULDNT_CONNECT, "connection_refused"},
        {CURLE_COULDNT_RESOLVE_HOST, "name_not_resolved"},
        {CURLE_SEND_ERROR, "connection_reset"},
        {CURLE_RECV_ERROR, "connection_reset"},
        {CURLE_GOT_NOTHING, "connection_closed"},
        {CURLE_PARTIAL_FILE, "incomplete_response"},
        {CURLE_WEIRD_SERVER_REPLY, "invalid_response"},
        {CURLE_BAD_CONTENT_ENCODING, "invalid_response"},
        {CURLE_WRITE_ERROR, "response_refused"},
        {CURLE_FILESIZE_EXCEEDED, "response_too_large"},
        {CURLE_TOO_MANY_REDIRECTS, "too_many_redirects"},
        {CURLE_SSL_CONNECT_ERROR, "tls"},
        {CURLE_PEER_FAILED_VERIFICATION, "tls"},
        {CURLE_URL_MALFORMAT, "invalid_url"},
        {CURLE_UNSUPPORTED_PROTOCOL, "invalid_url"},
        {CURLE_OUT_OF_MEMORY, "out_of_memory"},
        {CURLE_ABORTED_BY_CALLBACK, "cancelled"},
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i].code == result)
            return types[i].type;
    return "_OTHER";
}

void trace_curl_end(struct span *span, CURL *easy, CURLcode result)
{
    long code = 0;
    if (span_is_recording(span)) {
        const char *version = version_of(easy);
        set_peer(span, easy);
        if (version != NULL)
            span_set_text(span, SPAN_KEY("network.protocol.version"), text_of(version));
        (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code);
        http_attributes_response(span, (unsigned)code, 400);
        if (code != 0)
            set_sizes(span, easy);
        /* That the caller called it off is no error. */
        if (result != CURLE_OK && result != CURLE_ABORTED_BY_CALLBACK) {
            span_set_text(span, SPAN_KEY("error.type"), text_of(trace_curl_error_type(result)));
            span_set_status(span, SPAN_ERROR, text_of(curl_easy_strerror(result)));
        }
    }
    span_end(span);
}
