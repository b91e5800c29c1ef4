#include "loadgen/base/fetch.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/rows.h"

/* A server that takes one connection after another and answers each request with the next of its
 * answers; NULL closes the connection. It ends when told by a NULL pair. */
struct server {
    int fd;
    char url[64];
    const char *answers[4];
    bool closes; /* after each answer */
    pthread_t thread;
    char request[4096]; /* the last one */
};

static void listen_on_loopback(struct server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(server->fd, 8), 0);
    assert_int_equal(getsockname(server->fd, (struct sockaddr *)&address, &size), 0);
    snprintf(server->url, sizeof server->url, "http://127.0.0.1:%u", ntohs(address.sin_port));
}

static void *serve(void *context)
{
    struct server *server = context;
    int connection = -1;
    for (size_t i = 0; i < 4 && server->answers[i]; i++) {
        ssize_t got = 0;
        while (got <= 0) {
            if (connection < 0)
                connection = accept(server->fd, NULL, NULL);
            if (connection < 0)
                return NULL;
            got = recv(connection, server->request, sizeof server->request - 1, 0);
            if (got <= 0) {
                close(connection);
                connection = -1;
            }
        }
        server->request[got] = '\0';
        (void)!send(connection, server->answers[i], strlen(server->answers[i]), MSG_NOSIGNAL);
        if (server->closes) {
            close(connection);
            connection = -1;
        }
    }
    if (connection >= 0)
        close(connection);
    return NULL;
}

static void start(struct server *server)
{
    listen_on_loopback(server);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void stop(struct server *server)
{
    shutdown(server->fd, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->fd);
}

static uint64_t soon(void)
{
    return clock_mono_ns() + 5 * NS_PER_S;
}

struct row {
    const char *it;
    const char *answer;
    enum status status;
    unsigned code;
    const char *body;
};

static const struct row rows[] = {
    {"it reads a body of known length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
     STATUS_OK, 200, "hello"},
    {"it reads a status without a body", "HTTP/1.1 204 No Content\r\n\r\n", STATUS_OK, 204, ""},
    {"it reads chunks",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n"
     "0\r\n\r\n",
     STATUS_OK, 200, "hello world"},
    {"it reads up to the end of the connection", "HTTP/1.0 200 OK\r\n\r\nall of it", STATUS_OK, 200,
     "all of it"},
    {"it hands errors over", "HTTP/1.1 503 Busy\r\ncontent-length: 2\r\n\r\n{}", STATUS_OK, 503,
     "{}"},
    {"it refuses what is not HTTP", "SSH-2.0-OpenSSH\r\n\r\n", STATUS_INVALID, 0, ""},
    {"it sees a body that was cut", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
     STATUS_CLOSED, 0, ""},
    {"it sees chunks that were cut",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", STATUS_CLOSED, 0, ""},
    {"it refuses a chunk without a size",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", STATUS_INVALID, 0, ""},
    {"it refuses a body over its maximum", "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n",
     STATUS_TOO_LARGE, 0, ""},
    {"it refuses a chunk over its maximum",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n", STATUS_TOO_LARGE, 0, ""},
    {"it sees a connection closed without a word", "", STATUS_CLOSED, 0, ""},
};

static void check(void **state)
{
    const struct row *row = *state;
    struct server server = {.answers = {row->answer}, .closes = true};
    struct fetch fetch;
    struct fetch_answer answer;
    struct error error = {0};
    start(&server);
    assert_int_equal(fetch_init(&fetch, server.url, 1000, &error), STATUS_OK);
    assert_int_equal(fetch_do(&fetch, &(struct fetch_request){.method = "GET", .path = "/x"},
                              soon(), &answer, &error),
                     row->status);
    if (row->status == STATUS_OK) {
        assert_int_equal(answer.status, row->code);
        assert_true(text_is(answer.body, row->body));
    } else {
        assert_non_null(strstr(error.text, server.url));
    }
    stop(&server);
    fetch_release(&fetch);
    fetch_release(&fetch);
}

static void check_request(void **state)
{
    (void)state;
    struct server server = {.answers = {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}};
    struct fetch fetch;
    struct fetch_answer answer;
    start(&server);
    assert_int_equal(fetch_init(&fetch, server.url, 1000, NULL), STATUS_OK);
    assert_int_equal(fetch_do(&fetch,
                              &(struct fetch_request){.method = "PUT",
                                                      .path = "/-/faults",
                                                      .bearer = "secret",
                                                      .body = text_of("{}")},
                              soon(), &answer, NULL),
                     STATUS_OK);
    stop(&server);
    assert_non_null(strstr(server.request, "PUT /-/faults HTTP/1.1\r\nHost: 127.0.0.1:"));
    assert_non_null(strstr(server.request, "Authorization: Bearer secret\r\n"));
    assert_non_null(strstr(server.request, "Content-Length: 2\r\n\r\n{}"));
    fetch_release(&fetch);
}

/* The connection is kept, closed by the other side, and opened once more without a word. */
static void check_reopen(void **state)
{
    (void)state;
    static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n";
    char with_body[2][80];
    for (int i = 0; i < 2; i++)
        snprintf(with_body[i], sizeof with_body[i], "%s%d", ok, i);
    struct server server = {.answers = {with_body[0], with_body[1]}, .closes = true};
    struct fetch fetch;
    struct fetch_answer answer;
    start(&server);
    assert_int_equal(fetch_init(&fetch, server.url, 1000, NULL), STATUS_OK);
    for (int i = 0; i < 2; i++) {
        char body[2] = {(char)('0' + i), '\0'};
        assert_int_equal(fetch_do(&fetch, &(struct fetch_request){.method = "GET", .path = "/"},
                                  soon(), &answer, NULL),
                         STATUS_OK);
        assert_true(text_is(answer.body, body));
    }
    stop(&server);
    fetch_release(&fetch);
}

static void check_silent(void **state)
{
    (void)state;
    struct server server;
    struct fetch fetch;
    struct fetch_answer answer;
    listen_on_loopback(&server); /* nobody accepts: the kernel connects, no answer comes */
    assert_int_equal(fetch_init(&fetch, server.url, 1000, NULL), STATUS_OK);
    assert_int_equal(fetch_do(&fetch, &(struct fetch_request){.method = "GET", .path = "/"},
                              clock_mono_ns() + 20 * NS_PER_MS, &answer, NULL),
                     STATUS_TIMEOUT);
    close(server.fd);
    assert_int_equal(fetch_do(&fetch, &(struct fetch_request){.method = "GET", .path = "/"}, soon(),
                              &answer, NULL),
                     STATUS_REFUSED);
    fetch_release(&fetch);
}

struct url_row {
    const char *it;
    const char *url;
    const char *host, *port; /* NULL: refused */
};

static const struct url_row url_rows[] = {
    {"it takes an address with a port", "http://127.0.0.1:80", "127.0.0.1", "80"},
    {"it takes port 80 where there is none", "http://query", "query", "80"},
    {"it passes over a path", "http://a:5/b/c", "a", "5"},
    {"it takes IPv6 in brackets", "http://[::1]:5", "::1", "5"},
    {"it refuses https", "https://a:5", NULL, NULL},
    {"it refuses no host", "http://:5", NULL, NULL},
    {"it refuses port 0", "http://a:0", NULL, NULL},
    {"it refuses port 65536", "http://a:65536", NULL, NULL},
    {"it refuses words for a port", "http://a:b", NULL, NULL},
    {"it refuses nothing", "", NULL, NULL},
};

static void check_url(void **state)
{
    const struct url_row *row = *state;
    struct fetch fetch;
    struct error error = {0};
    enum status status = fetch_init(&fetch, row->url, 1000, &error);
    assert_int_equal(status, row->host ? STATUS_OK : STATUS_INVALID);
    if (row->host) {
        assert_string_equal(fetch.host, row->host);
        assert_string_equal(fetch.port, row->port);
    }
    fetch_release(&fetch);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, rows, check);
    ROWS(&all, url_rows, check_url);
    rows_one(&all, "it sends method, path, token and body", check_request);
    rows_one(&all, "it opens a kept connection once more", check_reopen);
    rows_one(&all, "it gives up at the deadline, and tells a refusal", check_silent);
    return rows_run("fetch", &all);
}
