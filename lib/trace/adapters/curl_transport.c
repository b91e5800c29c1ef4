#include "trace/adapters/curl_transport.h"

#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "trace/otlp_transport.h"

static const uint64_t log_gap_ns = 10 * NS_PER_S;
static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

struct connection {
    CURLM *multi;
    CURL *easy;
    struct curl_slist *headers;
    char *reply; /* OTLP_REPLY_MAX mapped bytes */
    size_t reply_bytes;
    bool is_too_large;
    uint64_t logged_ns;
    char words[CURL_ERROR_SIZE];
};

/* Never cleaned up: the host program may use libcurl as well. */
static void start_curl(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void close_connection(void *self, bool in_child)
{
    struct connection *connection = self;
    /* The parent's socket and TLS state: what libcurl would send to end them is not ours to say. */
    if (in_child)
        return;
    if (connection->easy != NULL)
        curl_easy_cleanup(connection->easy);
    if (connection->multi != NULL)
        curl_multi_cleanup(connection->multi);
    curl_slist_free_all(connection->headers);
    if (connection->reply != NULL)
        munmap(connection->reply, OTLP_REPLY_MAX);
    free(connection);
}

static bool add_header(struct connection *connection, const char *line)
{
    struct curl_slist *longer = curl_slist_append(connection->headers, line);
    if (longer == NULL)
        return false;
    connection->headers = longer;
    return true;
}

static bool add_headers(struct connection *connection, const char *headers)
{
    char line[2048];
    struct text rest = text_of(headers);
    while (rest.length > 0) {
        struct text header = text_trim(text_split(&rest, '\n'));
        text_copy(header, line, sizeof line);
        line[strcspn(line, "\r")] = '\0';
        /* libcurl takes "Name:" as "send none"; "Name;" is an empty one. */
        size_t length = strlen(line);
        if (length > 1 && line[length - 1] == ' ' && line[length - 2] == ':')
            line[length - 2] = ';', line[length - 1] = '\0';
        if (line[0] != '\0' && !add_header(connection, line))
            return false;
    }
    return add_header(connection, "Expect:") && add_header(connection, "Accept:");
}

static size_t take_body(char *bytes, size_t size, size_t count, void *self)
{
    struct connection *connection = self;
    size_t length = size * count;
    if (length > OTLP_REPLY_MAX - connection->reply_bytes) {
        connection->is_too_large = true;
        return 0;
    }
    memcpy(connection->reply + connection->reply_bytes, bytes, length);
    connection->reply_bytes += length;
    return length;
}

/* Each of these fails only for want of memory, or where libcurl has no TLS. */
static CURLcode set_options(struct connection *connection, const struct otlp_request *request)
{
    CURL *easy = connection->easy;
    CURLcode code = curl_easy_setopt(easy, CURLOPT_URL, request->url);
#define SET(option, value)                                                                         \
    if (code == CURLE_OK)                                                                          \
    code = curl_easy_setopt(easy, (option), (value))
    SET(CURLOPT_PROTOCOLS_STR, "https");
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_HTTPHEADER, connection->headers);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L); /* a name look-up that hangs does not hold up the shutdown */
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_WRITEFUNCTION, take_body);
    SET(CURLOPT_WRITEDATA, connection);
    SET(CURLOPT_ERRORBUFFER, connection->words);
    return code;
}

static CURLcode set_certificates(CURL *easy, const struct otlp_settings *settings)
{
    CURLcode code = CURLE_OK;
    if (settings->certificate[0] != '\0') {
        SET(CURLOPT_CAINFO, settings->certificate);
        SET(CURLOPT_CAPATH, (char *)NULL); /* that one alone */
    }
    if (settings->client_certificate[0] != '\0')
        SET(CURLOPT_SSLCERT, settings->client_certificate);
    if (settings->client_key[0] != '\0')
        SET(CURLOPT_SSLKEY, settings->client_key);
    return code;
#undef SET
}

/* A file that is wrong must stop the program, not let it run on without. */
static enum status check_files(const struct otlp_settings *settings, struct error *error)
{
    const char *const files[] = {settings->certificate, settings->client_certificate,
                                 settings->client_key};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (files[i][0] != '\0' && access(files[i], R_OK) != 0)
            return error_set(error, STATUS_INVALID, "%s: cannot be read", files[i]);
    if (settings->client_key[0] != '\0' && settings->client_certificate[0] == '\0')
        return error_set(error, STATUS_INVALID, "%s: a key without a certificate",
                         settings->client_key);
    return STATUS_OK;
}

static enum status prepare(struct connection *connection, const struct otlp_request *request,
                           const struct otlp_settings *settings)
{
    void *reply = mmap(NULL, OTLP_REPLY_MAX, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (reply == MAP_FAILED)
        return STATUS_NO_MEMORY;
    connection->reply = reply;
    connection->multi = curl_multi_init();
    connection->easy = curl_easy_init();
    if (connection->multi == NULL || connection->easy == NULL ||
        !add_headers(connection, request->headers))
        return STATUS_NO_MEMORY;
    if (set_options(connection, request) != CURLE_OK ||
        set_certificates(connection->easy, settings) != CURLE_OK)
        return STATUS_UNSUPPORTED;
    return STATUS_OK;
}

static enum status open_connection(const struct otlp_request *request,
                                   const struct otlp_settings *settings, void **self,
                                   struct error *error)
{
    *self = NULL;
    enum status status = check_files(settings, error);
    if (status != STATUS_OK)
        return status;
    pthread_once(&curl_once, start_curl);
    struct connection *connection = calloc(1, sizeof *connection);
    status = connection == NULL ? STATUS_NO_MEMORY : prepare(connection, request, settings);
    if (status != STATUS_OK) {
        if (connection != NULL)
            close_connection(connection, false);
        return error_set(error, status, "https: %s", status_words(status));
    }
    *self = connection;
    return STATUS_OK;
}

/* Certificates do not get better by trying again. */
static enum status status_of(CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return STATUS_OK;
    case CURLE_COULDNT_CONNECT:
        return STATUS_REFUSED;
    case CURLE_OPERATION_TIMEDOUT:
        return STATUS_TIMEOUT;
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        return STATUS_CLOSED;
    case CURLE_OUT_OF_MEMORY:
        return STATUS_NO_MEMORY;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CIPHER:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
        return STATUS_INVALID;
    default:
        return STATUS_IO;
    }
}

/* Until it is done, or the time is over. */
static CURLcode perform(struct connection *connection, const struct otlp_post *post)
{
    int running = 1, left;
    while (running > 0) {
        if (curl_multi_perform(connection->multi, &running) != CURLM_OK)
            return CURLE_OUT_OF_MEMORY;
        uint64_t until_ns = otlp_stop_limited(post->stop, post->deadline_ns);
        if (running > 0 && clock_mono_ns() >= until_ns)
            return CURLE_OPERATION_TIMEDOUT;
        struct curl_waitfd stop = {.fd = otlp_stop_descriptor(post->stop),
                                   .events = CURL_WAIT_POLLIN};
        if (running > 0 && curl_multi_poll(connection->multi, &stop, stop.fd >= 0,
                                           clock_remaining_ms(until_ns), NULL) != CURLM_OK)
            return CURLE_OUT_OF_MEMORY;
    }
    const CURLMsg *message = curl_multi_info_read(connection->multi, &left);
    return message != NULL ? message->data.result : CURLE_OUT_OF_MEMORY;
}

static void log_failure(struct connection *connection, CURLcode code)
{
    uint64_t now_ns = clock_mono_ns();
    if (connection->logged_ns != 0 && now_ns - connection->logged_ns < log_gap_ns)
        return;
    connection->logged_ns = now_ns;
    const char *words = connection->words[0] ? connection->words : curl_easy_strerror(code);
    log_event(LOG_WARN, LOG_NO_IDS, "a post over https failed", LOG_TEXT("reason", words));
}

static enum status transfer(struct connection *connection, const struct otlp_post *post)
{
    connection->reply_bytes = 0;
    connection->is_too_large = false;
    connection->words[0] = '\0';
    if (curl_easy_setopt(connection->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)post->length_bytes) != CURLE_OK ||
        curl_easy_setopt(connection->easy, CURLOPT_POSTFIELDS, post->body) != CURLE_OK ||
        curl_multi_add_handle(connection->multi, connection->easy) != CURLM_OK)
        return STATUS_NO_MEMORY;
    CURLcode code = perform(connection, post);
    curl_multi_remove_handle(connection->multi, connection->easy);
    if (code != CURLE_OK && !connection->is_too_large)
        log_failure(connection, code);
    return connection->is_too_large ? STATUS_TOO_LARGE : status_of(code);
}

static void read_reply(struct connection *connection, struct http_reply *reply)
{
    long status_code = 0;
    curl_off_t seconds = 0;
    curl_easy_getinfo(connection->easy, CURLINFO_RESPONSE_CODE, &status_code);
    curl_easy_getinfo(connection->easy, CURLINFO_RETRY_AFTER, &seconds);
    *reply = (struct http_reply){.status_code = (unsigned)status_code,
                                 .keep_alive = true,
                                 .body = {connection->reply, connection->reply_bytes}};
    if (seconds > 0)
        reply->retry_after_ns = (uint64_t)(seconds < 86400 ? seconds : 86400) * NS_PER_S;
}

/* Without its own handling libcurl's TLS writes may raise SIGPIPE; the exporter's thread blocks all
 * signals, but a program that exports at each span's end posts from its own threads. */
static enum status post(void *self, const struct otlp_post *post, struct http_reply *reply)
{
    struct connection *connection = self;
    sigset_t pipe_only, before, pending;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
    enum status status = transfer(connection, post);
    if (!sigismember(&pending, SIGPIPE))
        (void)sigtimedwait(&pipe_only, NULL, &(struct timespec){0, 0});
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (status == STATUS_OK)
        read_reply(connection, reply);
    return status;
}

void curl_transport_register(void)
{
    static const struct otlp_transport transport = {open_connection, post, close_connection};
    otlp_transport_register_https(&transport);
}
