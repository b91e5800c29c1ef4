#include "http/guard.h"

#include <microhttpd.h>
#include <string.h>

#include "base/hex.h"

static const struct guard_verdict pass = {0, NULL, NULL};

static struct guard_verdict refuse(unsigned status, const char *code, const char *words)
{
    return (struct guard_verdict){status, code, words};
}

/* ---- characters */

/* RFC 9110, 5.6.2. */
static bool is_token(struct text value)
{
    for (size_t i = 0; i < value.length; i++) {
        unsigned char c = (unsigned char)value.data[i];
        bool alphanumeric =
            (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!alphanumeric && (c == '\0' || !strchr("!#$%&'*+-.^_`|~", c))) {
            return false;
        }
    }
    return value.length > 0;
}

/* A header's value: visible characters, space, tab and what is above ASCII. */
static bool is_value(struct text value)
{
    for (size_t i = 0; i < value.length; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

/* ---- target */

static bool hides_structure(uint8_t decoded, bool in_path)
{
    return decoded < 0x20 || decoded == 0x7f || (in_path && (decoded == '/' || decoded == '\\'));
}

/* A fragment is never sent, and a backslash is a slash to some. */
static bool is_out_of_place(char c, bool in_path)
{
    unsigned char byte = (unsigned char)c;
    return byte <= 0x20 || byte >= 0x7f || c == '#' || (in_path && c == '\\');
}

struct guard_verdict guard_target(const char *target)
{
    bool in_path = true;
    if (target[0] != '/') {
        return refuse(400, "bad_target", "the request target must be a path");
    }
    for (const char *at = target; *at; at++) {
        uint8_t decoded;
        if (*at == '?') {
            in_path = false;
        }
        if (is_out_of_place(*at, in_path)) {
            return refuse(400, "bad_target", "the request target has a character that it may not");
        }
        if (*at != '%') {
            continue;
        }
        if (!at[1] || !at[2] || !hex_decode(at + 1, 1, true, &decoded)) {
            return refuse(400, "bad_target", "the request target has a broken percent escape");
        }
        if (hides_structure(decoded, in_path)) {
            return refuse(400, "bad_target", "the request target hides a character by an escape");
        }
    }
    return pass;
}

/* ---- request line */

struct guard_verdict guard_request_line(const char *method, const char *version)
{
    if (!is_token(text_of(method))) {
        return refuse(400, "bad_method", "the method is not a token");
    }
    if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0) {
        return refuse(505, "bad_version", "only HTTP/1.1 and HTTP/1.0 are spoken here");
    }
    return pass;
}

/* ---- hosts */

/* "name:80", "[::1]:80" or without port; false when it is no host. */
static bool split_port(struct text host, struct text *name)
{
    *name = host;
    if (host.length == 0) {
        return false;
    }
    const char *end = host.data + host.length;
    const char *colon = memchr(host.data, ':', host.length);
    if (host.data[0] == '[') {
        const char *bracket = memchr(host.data, ']', host.length);
        if (!bracket || (bracket + 1 < end && bracket[1] != ':')) {
            return false;
        }
        colon = bracket + 1 < end ? bracket + 1 : NULL;
    }
    name->length = colon ? (size_t)(colon - host.data) : host.length;
    for (const char *at = colon ? colon + 1 : end; at < end; at++) {
        if (*at < '0' || *at > '9') {
            return false;
        }
    }
    return name->length > 0;
}

bool guard_host_is_ours(struct text host, const struct guard_hosts *hosts)
{
    static const char *const always[] = {"localhost", "127.0.0.1", "[::1]"};
    struct text name;
    if (!split_port(host, &name)) {
        return false;
    }
    for (size_t i = 0; i < sizeof always / sizeof *always; i++) {
        if (text_equal_ignore_case(name, text_of(always[i]))) {
            return true;
        }
    }
    if (hosts->service && text_equal_ignore_case(name, text_of(hosts->service))) {
        return true;
    }
    struct text rest = text_of(hosts->others);
    while (rest.data && rest.length > 0) {
        struct text other = text_trim(text_split(&rest, ','));
        if (text_is(other, "*") || text_equal_ignore_case(name, other)) {
            return true;
        }
    }
    return false;
}

/* ---- headers */

static struct guard_verdict see_host(struct guard_headers *headers, struct text value)
{
    struct text name;
    if (++headers->host_count > 1) {
        return refuse(400, "bad_host", "there is more than one Host");
    }
    if (!split_port(value, &name) || memchr(value.data, '@', value.length) ||
        memchr(value.data, '/', value.length) || memchr(value.data, ' ', value.length)) {
        return refuse(400, "bad_host", "Host is not a host");
    }
    if (!guard_host_is_ours(value, headers->hosts)) {
        return refuse(421, "unknown_host", "this server does not answer for that Host");
    }
    return pass;
}

static struct guard_verdict see_length(struct guard_headers *headers, struct text value)
{
    uint64_t length;
    if (++headers->length_count > 1) {
        return refuse(400, "bad_framing", "there is more than one Content-Length");
    }
    if (text_to_u64(value, &length) != STATUS_OK || value.data[0] == '+') {
        return refuse(400, "bad_framing", "Content-Length is not a number");
    }
    return pass;
}

static struct guard_verdict see_encoding(struct guard_headers *headers, struct text value)
{
    if (++headers->encoding_count > 1) {
        return refuse(400, "bad_framing", "there is more than one Transfer-Encoding");
    }
    if (headers->is_1_0) {
        return refuse(400, "bad_framing", "HTTP/1.0 has no Transfer-Encoding");
    }
    if (text_equal_ignore_case(value, TEXT_LITERAL("chunked"))) {
        return pass;
    }
    struct text first = text_trim(text_split(&value, ','));
    if (text_equal_ignore_case(first, TEXT_LITERAL("chunked"))) {
        return refuse(400, "bad_framing", "chunked must be the last Transfer-Encoding");
    }
    return refuse(501, "bad_framing", "only the Transfer-Encoding chunked is known here");
}

static const struct rule {
    struct text name;
    struct guard_verdict (*see)(struct guard_headers *headers, struct text value);
    bool is_exact; /* the library keeps white space behind it, and then reads another value */
} rules[] = {
    {TEXT_CONSTANT("Host"), see_host, false},
    {TEXT_CONSTANT("Content-Length"), see_length, false},
    {TEXT_CONSTANT("Transfer-Encoding"), see_encoding, true},
};

static struct guard_verdict see(struct guard_headers *headers, struct text name, struct text value)
{
    if (!is_token(name)) {
        return refuse(400, "bad_header", "the name of a header is not a token");
    }
    if (!is_value(value)) {
        return refuse(400, "bad_header", "the value of a header has a control character");
    }
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (!text_equal_ignore_case(name, rules[i].name)) {
            continue;
        }
        struct text trimmed = text_trim(value);
        if (rules[i].is_exact && trimmed.length != value.length) {
            return refuse(400, "bad_framing", "there is white space behind Transfer-Encoding");
        }
        return rules[i].see(headers, trimmed);
    }
    return pass;
}

void guard_header(struct guard_headers *headers, struct text name, struct text value)
{
    struct guard_verdict verdict = see(headers, name, value);
    /* Ambiguous framing is worse than a strange Host: it must be seen whatever came before. */
    if (headers->verdict.status == 0 || headers->verdict.status == 421) {
        headers->verdict = verdict.status ? verdict : headers->verdict;
    }
}

struct guard_verdict guard_headers_end(const struct guard_headers *headers)
{
    bool misdirected = headers->verdict.status == 421;
    if (headers->verdict.status != 0 && !misdirected) {
        return headers->verdict;
    }
    if (headers->length_count > 0 && headers->encoding_count > 0) {
        return refuse(400, "bad_framing", "there is a Content-Length and a Transfer-Encoding");
    }
    if (headers->host_count == 0 && !headers->is_1_0) {
        return refuse(400, "bad_host", "there is no Host");
    }
    return headers->verdict;
}

static enum MHD_Result walk(void *closure, enum MHD_ValueKind kind, const char *key,
                            size_t key_size, const char *value, size_t value_size)
{
    (void)kind;
    guard_header(closure, (struct text){key, key_size},
                 (struct text){value, value ? value_size : 0});
    return MHD_YES;
}

struct guard_verdict guard_request(struct MHD_Connection *connection, const char *method,
                                   const char *version, const struct guard_hosts *hosts)
{
    struct guard_verdict line = guard_request_line(method, version);
    if (line.status) {
        return line;
    }
    struct guard_headers headers = {.hosts = hosts, .is_1_0 = strcmp(version, "HTTP/1.0") == 0};
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, walk, &headers);
    return guard_headers_end(&headers);
}

uint64_t guard_content_length(struct MHD_Connection *connection)
{
    const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length");
    uint64_t length = 0;
    if (!value || text_to_u64(text_trim(text_of(value)), &length) != STATUS_OK) {
        return UINT64_MAX;
    }
    return length;
}
