#include "loadgen/engine/curl_transfer.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "loadgen/engine/connection.h"

enum { URL_MAX = 8192 };

/* ---- what libcurl calls */

static size_t on_head(char *bytes, size_t one, size_t count, void *context)
{
    struct curl_transfer *transfer = context;
    if (count >= 5 && memcmp(bytes, "HTTP/", 5) == 0)
        buffer_clear(&transfer->head); /* what came before was an interim answer */
    size_t room = CONNECTION_HEAD_KEPT - transfer->head.length_bytes;
    if (transfer->request->wants_head)
        buffer_append(&transfer->head, bytes, count < room ? count : room);
    return count * one;
}

static size_t on_body(char *bytes, size_t one, size_t count, void *context)
{
    struct curl_transfer *transfer = context;
    size_t room = CONNECTION_BODY_KEPT - transfer->body.length_bytes;
    transfer->body_bytes += count;
    if (transfer->body_bytes > transfer->config->engine.body_max_bytes) {
        transfer->too_large = true;
        return 0;
    }
    if (!transfer->request->ignores_body && count > 0)
        buffer_append(&transfer->body, bytes, count < room ? count : room);
    return count * one;
}

/* ---- life */

void curl_transfer_init(struct curl_transfer *transfer, const struct curl_engine_config *config)
{
    *transfer = (struct curl_transfer){.config = config};
    buffer_init(&transfer->out, CONNECTION_REQUEST_MAX);
    buffer_init(&transfer->head, CONNECTION_HEAD_KEPT);
    buffer_init(&transfer->body, CONNECTION_BODY_KEPT);
}

void curl_transfer_release(struct curl_transfer *transfer)
{
    if (transfer->easy != NULL)
        curl_easy_cleanup(transfer->easy);
    transfer->easy = NULL;
    curl_slist_free_all(transfer->headers);
    transfer->headers = NULL;
    buffer_release(&transfer->out);
    buffer_release(&transfer->head);
    buffer_release(&transfer->body);
}

/* ---- beginning a request */

/* What stays the same for all requests of a handle. */
static bool make_easy(struct curl_transfer *transfer)
{
    const struct curl_engine_config *config = transfer->config;
    bool is_tls = strncmp(config->target, "https://", 8) == 0;
    long version = !config->http2 ? CURL_HTTP_VERSION_1_1
                   : is_tls       ? CURL_HTTP_VERSION_2TLS
                                  : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
    CURL *easy = transfer->easy = curl_easy_init();
    if (easy == NULL)
        return false;
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, version);
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, config->http2 ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, config->insecure ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, config->insecure ? 0L : 2L);
    if (config->ca_file != NULL)
        curl_easy_setopt(easy, CURLOPT_CAINFO, config->ca_file);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
                     (long)(config->engine.request_timeout_ns / NS_PER_MS));
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(config->engine.connect_timeout_ns / NS_PER_MS));
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    return true;
}

static void add_header(struct curl_transfer *transfer, struct text line)
{
    char terminated[URL_MAX];
    text_copy(line, terminated, sizeof(terminated));
    struct curl_slist *longer = curl_slist_append(transfer->headers, terminated);
    transfer->headers = longer != NULL ? longer : transfer->headers;
}

static bool starts_with_name(struct text line, const char *name)
{
    struct text key = text_split(&line, ':');
    return text_equal_ignore_case(key, text_of(name));
}

/* All headers are the caller's; those that libcurl would add by itself are told off. */
static void set_headers(struct curl_transfer *transfer, struct text head)
{
    bool has_accept = false, has_type = false;
    while (head.length > 0) {
        struct text line = text_split(&head, '\n');
        line.length -= line.length > 0 && line.data[line.length - 1] == '\r';
        has_accept |= starts_with_name(line, "accept");
        has_type |= starts_with_name(line, "content-type");
        if (line.length > 0 && !starts_with_name(line, "content-length"))
            add_header(transfer, line);
    }
    add_header(transfer, TEXT_LITERAL("Expect:"));
    if (!has_accept)
        add_header(transfer, TEXT_LITERAL("Accept:"));
    if (!has_type)
        add_header(transfer, TEXT_LITERAL("Content-Type:"));
    curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
}

static void set_method(struct curl_transfer *transfer, const char *method, struct text body,
                       bool has_body)
{
    CURL *easy = transfer->easy;
    curl_easy_setopt(easy, CURLOPT_NOBODY, 0L); /* forgets what the one before was */
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    if (has_body) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.data);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)body.length);
    }
    if (transfer->request->is_head)
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, transfer->request->is_head ? NULL : method);
}

/* Reads the request that the caller wrote as HTTP/1.1. */
static bool set_request(struct curl_transfer *transfer)
{
    char url[URL_MAX], method[32];
    const char *text = buffer_text(&transfer->out);
    struct text rest = {text, transfer->out.length_bytes};
    const char *end = memmem(rest.data, rest.length, "\r\n\r\n", 4);
    if (transfer->out.failed != STATUS_OK || end == NULL)
        return false;
    struct text head = {text, (size_t)(end - text)};
    struct text body = {end + 4, rest.length - head.length - 4};
    bool has_body =
        body.length > 0 || memmem(head.data, head.length, "\r\nContent-Length:", 17) != NULL;
    struct text line = text_split(&head, '\n');
    text_copy(text_split(&line, ' '), method, sizeof(method));
    struct text path = text_split(&line, ' ');
    int length = snprintf(url, sizeof(url), "%s%.*s", transfer->config->target, TEXT_ARGS(path));
    if (length < 0 || (size_t)length >= sizeof(url))
        return false;
    curl_easy_setopt(transfer->easy, CURLOPT_URL, url);
    set_method(transfer, method, body, has_body);
    set_headers(transfer, head);
    return true;
}

enum status curl_transfer_begin(struct curl_transfer *transfer, struct engine_request *request)
{
    buffer_clear(&transfer->out);
    buffer_clear(&transfer->head);
    buffer_clear(&transfer->body);
    curl_slist_free_all(transfer->headers);
    transfer->headers = NULL;
    transfer->body_bytes = 0;
    transfer->too_large = false;
    transfer->request = request;
    if (transfer->easy == NULL && !make_easy(transfer))
        return STATUS_NO_MEMORY;
    request->write(request, &transfer->out);
    transfer->began_ns = request->sent_ns = clock_mono_ns();
    return set_request(transfer) ? STATUS_OK : STATUS_TOO_LARGE;
}

/* ---- how it ended */

enum status curl_transfer_outcome(const struct curl_transfer *transfer, CURLcode code)
{
    curl_off_t ready_us = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME_T, &ready_us);
    if (transfer->too_large)
        return STATUS_TOO_LARGE;
    switch (code) {
    case CURLE_OK:
        return STATUS_OK;
    case CURLE_OPERATION_TIMEDOUT:
        return ready_us > 0 ? STATUS_TIMEOUT : STATUS_REFUSED;
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        return STATUS_REFUSED;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL: /* what it calls an answer without a status line */
    case CURLE_BAD_CONTENT_ENCODING:
        return STATUS_INVALID;
    case CURLE_OUT_OF_MEMORY:
        return STATUS_NO_MEMORY;
    default:
        return STATUS_CLOSED;
    }
}

static uint64_t moment(const struct curl_transfer *transfer, CURLINFO info)
{
    curl_off_t us = 0;
    curl_easy_getinfo(transfer->easy, info, &us);
    return us > 0 ? transfer->began_ns + (uint64_t)us * 1000 : 0;
}

static bool set_times(struct curl_transfer *transfer, struct engine_request *request)
{
    long opened = 0, sent_bytes = 0, head_bytes = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_NUM_CONNECTS, &opened);
    curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &sent_bytes);
    curl_easy_getinfo(transfer->easy, CURLINFO_HEADER_SIZE, &head_bytes);
    uint64_t tls_ns = moment(transfer, CURLINFO_APPCONNECT_TIME_T);
    uint64_t open_ns = tls_ns > 0 ? tls_ns : moment(transfer, CURLINFO_CONNECT_TIME_T);
    uint64_t ready_ns = moment(transfer, CURLINFO_PRETRANSFER_TIME_T);
    if (opened > 0 && open_ns > 0)
        request->connect_ns = open_ns - transfer->began_ns;
    /* A request that never got a connection was not sent. */
    request->sent_ns = opened > 0 || ready_ns == 0 ? ready_ns : transfer->began_ns;
    request->first_byte_ns = moment(transfer, CURLINFO_STARTTRANSFER_TIME_T);
    request->sent_bytes = sent_bytes > 0 ? (uint64_t)sent_bytes : 0;
    request->received_bytes = transfer->body_bytes + (head_bytes > 0 ? (uint64_t)head_bytes : 0);
    return opened > 0;
}

/* To the microsecond, so that an answer may seem to begin behind its end. */
bool curl_transfer_end(struct curl_transfer *transfer, enum status outcome)
{
    struct engine_request *request = transfer->request;
    bool whole = outcome == STATUS_OK;
    long http_status = 0;
    request->done_ns = clock_mono_ns();
    bool opened = set_times(transfer, request);
    if (request->first_byte_ns > request->done_ns)
        request->first_byte_ns = request->done_ns;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &http_status);
    request->outcome = outcome;
    request->http_status = whole && http_status > 0 ? (unsigned)http_status : 0;
    request->head =
        (struct text){buffer_text(&transfer->head), whole ? transfer->head.length_bytes : 0};
    return opened;
}
