/* The guard as clients meet it: bytes into a running server, its answers counted. */
#include "http/guard.h"

#include <stdatomic.h>

#include "base/log.h"
#include "http/server.h"
#include "tests/unit/raw_client.h"
#include "tests/unit/rows.h"

static struct server *server;
static atomic_uint handled, smuggled;
static struct raw_answer answer;

static void see(struct request *request, struct response *response)
{
    (void)request;
    atomic_fetch_add(&handled, 1);
    response_json(response, 200, json_object());
}

static void see_smuggled(struct request *request, struct response *response)
{
    (void)request;
    atomic_fetch_add(&smuggled, 1);
    response_json(response, 200, json_object());
}

static const struct server_route routes[] = {
    {.method = "GET", .path = "/", .handle = see},
    {.method = "POST", .path = "/", .handle = see, .wants_raw_body = true},
    {.method = "GET", .path = "/a/{id}", .handle = see},
    {.method = "GET", .path = "/livez", .handle = see},
    {.method = "GET", .path = "/smuggled", .handle = see_smuggled},
};

struct row {
    const char *it;
    const char *request;
    unsigned status;
};

#define HOST                "Host: localhost\r\n"
#define CLOSE               "Connection: close\r\n"
#define GET(headers)        "GET / HTTP/1.1\r\n" headers CLOSE "\r\n"
#define TARGET(target)      "GET " target " HTTP/1.1\r\n" HOST CLOSE "\r\n"
#define POST(headers, body) "POST / HTTP/1.1\r\n" HOST headers "\r\n" body
#define SMUGGLED            "GET /smuggled HTTP/1.1\r\n" HOST CLOSE "\r\n"

static const struct row rows[] = {
    {"it lets a plain request pass", GET(HOST), 200},
    {"it lets a port in Host pass", GET("Host: 127.0.0.1:8080\r\n"), 200},
    {"it lets IPv6 loopback pass", GET("Host: [::1]:8080\r\n"), 200},
    {"it lets the service's name pass", GET("Host: Shop:80\r\n"), 200},
    {"it lets further names pass", GET("Host: two.example\r\n"), 200},
    {"it lets HTTP/1.0 without Host pass", "GET / HTTP/1.0\r\n\r\n", 200},
    {"it lets a body with a length pass", POST(CLOSE "Content-Length: 2\r\n", "ab"), 200},
    {"it lets a chunked body pass",
     POST(CLOSE "Transfer-Encoding: chunked\r\n", "2\r\nab\r\n0\r\n\r\n"), 200},
    {"it lets Chunked in any case pass",
     POST(CLOSE "Transfer-Encoding: Chunked\r\n", "2\r\nab\r\n0\r\n\r\n"), 200},
    {"it lets escapes pass", TARGET("/a/%41%20b?q=%2F%20"), 200},
    {"it answers probes whatever their Host",
     "GET /livez HTTP/1.1\r\nHost: 10.1.2.3\r\n" CLOSE "\r\n", 200},

    {"it refuses length and chunked",
     POST("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" SMUGGLED), 400},
    {"it refuses chunked and length",
     POST("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "0\r\n\r\n" SMUGGLED), 400},
    {"it refuses two different lengths",
     POST("Content-Length: 0\r\nContent-Length: 4\r\n", SMUGGLED), 400},
    {"it refuses two equal lengths",
     POST("Content-Length: 2\r\nContent-Length: 2\r\n", "ab" SMUGGLED), 400},
    {"it refuses a list of lengths", POST("Content-Length: 2, 2\r\n", "ab" SMUGGLED), 400},
    {"it refuses a signed length", POST("Content-Length: +2\r\n", "ab" SMUGGLED), 400},
    {"it refuses a negative length", POST("Content-Length: -1\r\n", SMUGGLED), 400},
    {"it refuses a length of words", POST("Content-Length: two\r\n", "ab" SMUGGLED), 400},
    {"it refuses an unknown coding", POST("Transfer-Encoding: gzip\r\n", SMUGGLED), 501},
    {"it refuses a coding before chunked",
     POST("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n" SMUGGLED), 501},
    {"it refuses chunked that is not the last",
     POST("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n" SMUGGLED), 400},
    {"it refuses chunked twice",
     POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" SMUGGLED),
     400},
    {"it refuses chunked with white space behind it",
     POST("Transfer-Encoding: chunked \t\r\n", "0\r\n\r\n" SMUGGLED), 400},
    {"it refuses chunked in HTTP/1.0",
     "POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED, 400},
    {"it refuses HTTP/1.1 without Host", GET(""), 400},
    {"it refuses two Hosts", GET(HOST HOST), 400},
    {"it refuses two different Hosts", GET(HOST "Host: evil.example\r\n"), 400},
    {"it refuses an empty Host", GET("Host:\r\n"), 400},
    {"it refuses a Host with a user", GET("Host: me@localhost\r\n"), 400},
    {"it refuses a foreign Host", GET("Host: evil.example\r\n"), 421},
    {"it refuses a Host that begins as ours", GET("Host: localhost.evil.example\r\n"), 421},
    {"it refuses a control character in a value",
     GET(HOST "X: a\x01"
              "b\r\n"),
     400},
    {"it refuses a bare CR in a value", GET(HOST "X: a\rb\r\n"), 400},
    {"it refuses DEL in a value",
     GET(HOST "X: a\x7f"
              "b\r\n"),
     400},
    {"it refuses a name that is no token", GET(HOST "X(Y): a\r\n"), 400},
    {"it refuses white space before the colon", GET(HOST "X : a\r\n"), 400},
    {"it refuses an encoded NUL in the path", TARGET("/a/b%00c"), 400},
    {"it refuses an encoded slash in the path", TARGET("/a/b%2fc"), 400},
    {"it refuses an encoded slash in capitals", TARGET("/a/b%2Fc"), 400},
    {"it refuses an encoded line break in the path", TARGET("/a/b%0d%0ac"), 400},
    {"it refuses an encoded NUL in the query", TARGET("/?a=b%00c"), 400},
    {"it refuses a backslash in the path", TARGET("/a/b\\c"), 400},
    {"it lets a backslash in the query pass", TARGET("/?a=b\\c"), 200},
    {"it refuses a fragment", TARGET("/a#b"), 400},
    {"it refuses an escape that is none", TARGET("/a/%zz"), 400},
    {"it refuses an escape that is cut", TARGET("/a/%4"), 400},
    {"it refuses 8-bit characters in the target", TARGET("/a/\xc3\xa4"), 400},
    {"it refuses a target that is no path", TARGET("http://localhost/"), 400},
};

static void check(void **state)
{
    const struct row *row = *state;
    unsigned handled_before = atomic_load(&handled), expected = row->status == 200;
    raw_ask(server_port(server), row->request, strlen(row->request), &answer);
    assert_int_equal(raw_status(&answer), row->status);
    assert_true(answer.closed);
    /* The library writes the head of its own refusals twice: what counts is that nothing else was
     * answered. */
    assert_int_equal(raw_answer_count(&answer, "HTTP/1.1 "),
                     raw_answer_count(&answer, row->status == 501   ? "HTTP/1.1 501"
                                               : row->status == 421 ? "HTTP/1.1 421"
                                               : row->status == 200 ? "HTTP/1.1 200"
                                                                    : "HTTP/1.1 400"));
    assert_int_equal(atomic_load(&handled) - handled_before, expected);
    assert_int_equal(atomic_load(&smuggled), 0);
    if (row->status != 200)
        assert_non_null(strstr(answer.text, "\r\nConnection: close\r\n"));
}

static void counts_what_it_refused(void **state)
{
    (void)state;
    uint64_t before = server_stats(server).refused_by_guard;
    raw_ask(server_port(server), rows[0].request, strlen(rows[0].request), &answer);
    assert_int_equal(server_stats(server).refused_by_guard, before);
    static const char foreign[] = GET("Host: evil.example\r\n");
    raw_ask(server_port(server), foreign, strlen(foreign), &answer);
    assert_int_equal(server_stats(server).refused_by_guard, before + 1);
}

int main(void)
{
    struct rows all = {.count = 0};
    struct error error = {""};
    struct server_config config = {.service = "shop",
                                   .routes = routes,
                                   .route_count = sizeof routes / sizeof routes[0],
                                   .allowed_hosts = "one.example, two.example"};
    if (server_listen("127.0.0.1:0", &config.listen_fd, &error) != STATUS_OK ||
        server_new(&server, &config, &error) != STATUS_OK)
        return 1;
    ROWS(&all, rows, check);
    rows_one(&all, "it counts what it refused", counts_what_it_refused);
    log_start("shop", LOG_ERROR);
    int failures = rows_run("guard", &all);
    server_free(server);
    return failures;
}
