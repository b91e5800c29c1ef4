#include "http/client_transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "http/bounded_json.h"
#include "trace/adapters/curl.h"

enum {
    REPLY_MAX_BYTES = 4 * 1024 * 1024,
    URL_MAX_BYTES = CLIENT_PATH_MAX + 128,
    CONNECT_TIMEOUT_MS = 1000,
    CONNECTION_AGE_S = 15, /* below the servers' idle time-out, so that they do not close first */
};

static size_t take_reply(char *bytes, size_t size, size_t count, void *context)
{
    struct client_transfer *transfer = context;
    return buffer_append(&transfer->reply, bytes, size * count) == STATUS_OK ? size * count : 0;
}

/* Asked before each request. libcurl sends what was lost on a kept connection again by itself,
 * whatever the method, and nobody would see it: that is for us to decide. */
/* NOLINTNEXTLINE(readability-non-const-parameter): the type is libcurl's */
static int before_request(void *context, char *their_address, char *our_address, int their_port,
                          int our_port)
{
    struct client_transfer *transfer = context;
    (void)their_address, (void)our_address, (void)their_port, (void)our_port;
    return ++transfer->request_count == 1 ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

void client_transfer_configure(CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)CONNECTION_AGE_S);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "culprit/1");
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_reply);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request);
}

static bool is_idempotent(const struct call *call)
{
    static const char *const methods[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (strcmp(call->method, methods[i]) == 0) {
            return true;
        }
    }
    return call->idempotency_key != NULL;
}

/* Appends "name: value"; false without memory. Values are of our own making: ids and tokens. */
static bool add_header(struct client_transfer *transfer, const char *name, const char *value)
{
    char line[1024];
    int length = snprintf(line, sizeof line, "%s: %s", name, value);
    if (length < 0 || (size_t)length >= sizeof line || strpbrk(value, "\r\n")) {
        return false;
    }
    struct curl_slist *longer = curl_slist_append(transfer->headers, line);
    transfer->headers = longer ? longer : transfer->headers;
    return longer != NULL;
}

static bool set_headers(struct client_transfer *transfer)
{
    const struct call *call = transfer->call;
    bool good = add_header(transfer, "Accept", "application/json");
    if (call->body) {
        good = good && add_header(transfer, "Content-Type", "application/json");
    }
    if (call->idempotency_key) {
        good = good && add_header(transfer, "Idempotency-Key", call->idempotency_key);
    }
    if (call->authorization) {
        good = good && add_header(transfer, "Authorization", call->authorization);
    }
    /* Without this libcurl waits for a 100 before a large body. */
    struct curl_slist *longer = curl_slist_append(transfer->headers, "Expect:");
    transfer->headers = longer ? longer : transfer->headers;
    return good && longer;
}

static void set_method(struct client_transfer *transfer)
{
    const struct call *call = transfer->call;
    CURL *easy = transfer->easy;
    /* HTTPGET first: it takes back what the handle's last transfer set. */
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, NULL);
    if (transfer->body || strcmp(call->method, "POST") == 0) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer->body ? transfer->body : "");
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE,
                         transfer->body ? (long)strlen(transfer->body) : 0L);
    }
    if (strcmp(call->method, "GET") != 0 && strcmp(call->method, "POST") != 0) {
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
    }
}

static void start_span(struct client_transfer *transfer)
{
    if (!context_current().span) {
        return;
    }
    struct trace_curl_call about = {
        .method = transfer->call->method,
        .url = buffer_text(&transfer->url),
        .url_template = transfer->call->path_template,
        .propagate = !transfer->peer->is_partner && !transfer->call->drop_context,
        .resend_count = transfer->resend_count,
    };
    transfer->span = trace_curl_begin(&about, &transfer->headers);
    evidence_pool(transfer->span, transfer->place);
}

static enum status prepare(struct client_transfer *transfer)
{
    struct call *call = transfer->call;
    buffer_init(&transfer->url, URL_MAX_BYTES);
    buffer_init(&transfer->reply, REPLY_MAX_BYTES);
    buffer_printf(&transfer->url, "http://%s%s", call->peer,
                  call->path ? call->path : call->path_template);
    if (transfer->url.failed != STATUS_OK) {
        return transfer->url.failed;
    }
    if (call->body) {
        transfer->body = json_dumps(call->body, JSON_COMPACT);
        if (!transfer->body) {
            return STATUS_NO_MEMORY;
        }
    }
    return set_headers(transfer) ? STATUS_OK : STATUS_TOO_LARGE;
}

enum status client_transfer_begin(struct client_transfer *transfer, uint64_t deadline_ns)
{
    struct call *call = transfer->call;
    long left_ms = clock_remaining_ms(deadline_ns);
    if (call->timeout_ms > 0 && (long)call->timeout_ms < left_ms) {
        left_ms = (long)call->timeout_ms;
    }
    call->result = left_ms > 0 ? prepare(transfer) : STATUS_TIMEOUT;
    if (call->result != STATUS_OK) {
        return call->result;
    }
    transfer->request_count = 0;
    start_span(transfer);
    CURL *easy = transfer->easy;
    set_method(transfer);
    curl_easy_setopt(easy, CURLOPT_URL, buffer_text(&transfer->url));
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, transfer->peer->connect_to);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, left_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     left_ms < CONNECT_TIMEOUT_MS ? left_ms : (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    return STATUS_OK;
}

static enum status status_of(CURLcode result, const struct buffer *reply)
{
    switch (result) {
    case CURLE_OK:
        return STATUS_OK;
    case CURLE_OPERATION_TIMEDOUT:
        return STATUS_TIMEOUT;
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
        return STATUS_REFUSED;
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
        return STATUS_CLOSED;
    case CURLE_WRITE_ERROR:
        return reply->failed != STATUS_OK ? reply->failed : STATUS_IO;
    case CURLE_OUT_OF_MEMORY:
        return STATUS_NO_MEMORY;
    default:
        return STATUS_IO;
    }
}

static enum status parse_reply(struct client_transfer *transfer)
{
    if (transfer->reply.length_bytes == 0) {
        return STATUS_OK;
    }
    struct text reply = {buffer_text(&transfer->reply), transfer->reply.length_bytes};
    transfer->call->reply = bounded_json_load(reply, NULL);
    return transfer->call->reply ? STATUS_OK : STATUS_INVALID;
}

/* Before any answer: either libcurl says so, or it began a second request and was stopped. */
static bool was_closed_under(const struct client_transfer *transfer, CURLcode result)
{
    if (result == CURLE_ABORTED_BY_CALLBACK) {
        return transfer->request_count > 1;
    }
    return status_of(result, &transfer->reply) == STATUS_CLOSED;
}

bool client_transfer_end(struct client_transfer *transfer, CURLcode result)
{
    struct call *call = transfer->call;
    long status = 0, request_bytes = 0;
    bool closed_under = was_closed_under(transfer, result);
    if (closed_under) {
        result = CURLE_GOT_NOTHING;
    }
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    if (transfer->span) {
        trace_curl_end(transfer->span, transfer->easy, result);
        transfer->span = NULL;
    }
    curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &request_bytes);
    call->sent = call->sent || request_bytes > 0;
    call->result = status_of(result, &transfer->reply);
    call->status = call->result == STATUS_OK ? (unsigned)status : 0;
    if (call->result == STATUS_OK) {
        call->result = parse_reply(transfer);
    }
    return closed_under && status == 0 && is_idempotent(call) && transfer->resend_count == 0;
}

void client_transfer_release(struct client_transfer *transfer)
{
    curl_slist_free_all(transfer->headers);
    transfer->headers = NULL;
    free(transfer->body);
    transfer->body = NULL;
    buffer_release(&transfer->url);
    buffer_release(&transfer->reply);
}
