#include "http/w3c_test_route.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "http/bounded_json.h"
#include "trace/adapters/curl.h"

enum {
    BODY_MAX_BYTES = 64 * 1024,
    REPLY_MAX_BYTES = 1024 * 1024,
    CALLS_MAX = 32,
    URL_MAX = 1024,
    ALL_CALLS_MS = 4000, /* the harness gives up after 5 s */
};

/* ---- where it may call */

/* "127.0.0.1", "127.1.2.3", "[::1]", "localhost": a name that would have to be looked up elsewhere
 * is not asked for at all. */
static bool is_loopback_name(const char *host)
{
    struct in_addr address;
    if (strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
        return true;
    return inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == IN_LOOPBACKNET;
}

static bool part_is(CURLU *url, CURLUPart part, bool (*holds)(const char *value))
{
    char *value = NULL;
    bool is_there = curl_url_get(url, part, &value, 0) == CURLUE_OK;
    bool result = is_there && holds(value);
    curl_free(value);
    return result;
}

static bool is_http(const char *scheme)
{
    return strcmp(scheme, "http") == 0;
}

static bool is_any(const char *value)
{
    (void)value;
    return true;
}

static bool url_is_allowed(const char *text)
{
    CURLU *url = curl_url();
    bool allowed = url != NULL && strlen(text) <= URL_MAX &&
                   curl_url_set(url, CURLUPART_URL, text, CURLU_DISALLOW_USER) == CURLUE_OK &&
                   part_is(url, CURLUPART_SCHEME, is_http) &&
                   part_is(url, CURLUPART_HOST, is_loopback_name) &&
                   !part_is(url, CURLUPART_USER, is_any);
    curl_url_cleanup(url);
    return allowed;
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)address;
        return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
    }
    const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;
    return address->sa_family == AF_INET && ntohl(in->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

/* Whatever a name stands for: the address itself decides. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)context, (void)purpose;
    if (!is_loopback(&address->addr))
        return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* ---- one call */

/* NOLINTNEXTLINE(readability-non-const-parameter): the type is libcurl's */
static size_t discard(char *bytes, size_t size, size_t count, void *context)
{
    size_t *seen_bytes = context;
    (void)bytes;
    *seen_bytes += size * count;
    return *seen_bytes <= REPLY_MAX_BYTES ? size * count : 0;
}

static void configure(CURL *easy, const char *url, const char *body, long left_ms)
{
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, left_ms);
}

static bool add_header(struct curl_slist **headers, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*headers, line);
    *headers = longer ? longer : *headers;
    return longer != NULL;
}

/* The transfer's status code, 0 without an answer. */
static long post(CURL *easy, const char *url, const char *body, long left_ms)
{
    struct trace_curl_call about = {.method = "POST", .url = url, .propagate = true};
    struct curl_slist *headers = NULL;
    size_t seen_bytes = 0;
    long code = 0;
    bool ready = add_header(&headers, "Content-Type: application/json") &&
                 add_header(&headers, "Accept: application/json") &&
                 add_header(&headers, "Expect:");
    configure(easy, url, body, left_ms);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &seen_bytes);
    struct span *span = trace_curl_begin(&about, &headers);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    CURLcode result = ready ? curl_easy_perform(easy) : CURLE_OUT_OF_MEMORY;
    trace_curl_end(span, easy, result);
    if (result == CURLE_OK)
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code);
    curl_slist_free_all(headers);
    return code;
}

static long call(json_t *target, uint64_t deadline_ns)
{
    long left_ms = clock_remaining_ms(deadline_ns), code = 0;
    char *body = json_dumps(json_object_get(target, "arguments"), JSON_ENCODE_ANY | JSON_COMPACT);
    CURL *easy = left_ms > 0 && body != NULL ? curl_easy_init() : NULL;
    if (easy != NULL)
        code = post(easy, json_string_value(json_object_get(target, "url")), body, left_ms);
    curl_easy_cleanup(easy);
    free(body);
    return code;
}

/* ---- the route */

/* false: answered. */
static bool check(const json_t *targets, struct response *response)
{
    size_t count = json_array_size(targets);
    if (count > CALLS_MAX) {
        response_error(response, 422, "too_many", "at most %d calls", CALLS_MAX);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *target = json_array_get(targets, i);
        const char *url = json_string_value(json_object_get(target, "url"));
        if (url == NULL || json_object_get(target, "arguments") == NULL) {
            response_error(response, 400, "malformed", "call %zu: want {\"url\", \"arguments\"}",
                           i);
            return false;
        }
        if (!url_is_allowed(url)) {
            response_error(response, 422, "not_allowed", "call %zu: http to loopback alone", i);
            return false;
        }
    }
    return true;
}

static void handle(struct request *request, struct response *response)
{
    struct error error = {"an array is needed"};
    json_t *targets = bounded_json_load(request->body, &error);
    uint64_t deadline_ns = clock_mono_ns() + ALL_CALLS_MS * NS_PER_MS;
    size_t answered = 0;
    if (!json_is_array(targets)) {
        response_error(response, 400, "malformed_json", "%s", error.text);
    } else if (check(targets, response)) {
        size_t count = json_array_size(targets);
        for (size_t i = 0; i < count; i++)
            answered += call(json_array_get(targets, i), deadline_ns) != 0;
        response_json(response, answered == count ? 200 : 502,
                      json_pack("{s:I}", "answered", (json_int_t)answered));
    }
    json_decref(targets);
}

const struct server_route w3c_test_route = {
    .method = "POST",
    .path = "/test",
    .handle = handle,
    .max_body_bytes = BODY_MAX_BYTES,
    .wants_raw_body = true, /* an array, where others take objects */
};
