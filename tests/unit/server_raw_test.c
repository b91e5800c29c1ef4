#include "http/server.h"

#include <signal.h>

#include "raw_http.h"
#include "rows.h"

enum { SMALL_MAX = 64 };

/* Sent behind a row's bytes: it is answered where the connection is still good. */
#define LAST "GET /last HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
#define HOST "Host: localhost\r\n"
#define JSON "Content-Type: application/json\r\n"

static uint16_t port;

/* ---- what the server does */

static void hello(struct request *request, struct response *response)
{
    const char *name = request_query(request, "name");
    const char *mark = request_header(request, "X-Mark");
    response_json(response, 200,
                  json_pack("{s:s, s:s}", "hello", name ? name : "", "mark", mark ? mark : ""));
}

static void last(struct request *request, struct response *response)
{
    (void)request;
    response_json(response, 200, json_pack("{s:b}", "last", 1));
}

static void item(struct request *request, struct response *response)
{
    response_json(response, 200,
                  json_pack("{s:s, s:s}", "item", request_parameter(request, "id"), "absent",
                            request_parameter(request, "other") ? "no" : "yes"));
}

static void mine(struct request *request, struct response *response)
{
    (void)request;
    response_json(response, 200, json_pack("{s:b}", "mine", 1));
}

static void echo(struct request *request, struct response *response)
{
    json_t *body = request_json(request);
    response_json(response, 201, body ? json_incref(body) : json_pack("{s:b}", "empty", 1));
}

static void raw(struct request *request, struct response *response)
{
    char *copy = malloc(request->body.length + 1);
    text_copy(request->body, copy, request->body.length + 1);
    response_bytes(response, 200, "application/octet-stream", (uint8_t *)copy,
                   request->body.length);
}

static void headers(struct request *request, struct response *response)
{
    (void)request;
    response_error(response, 200, "code", "said %d times", 3);
    response_header(response, "X-Good", "yes");
    response_header(response, "X-Evil", "a\r\nX-Injected: 1");
    for (int i = 0; i < 20; i++)
        response_header(response, "X-Many", "1");
}

static void nothing(struct request *request, struct response *response)
{
    (void)request, (void)response;
}

static void no_json(struct request *request, struct response *response)
{
    (void)request;
    response_json(response, 200, NULL);
}

static const struct server_route routes[] = {
    {.method = "GET", .path = "/hello", .handle = hello},
    {.method = "GET", .path = "/last", .handle = last, .untraced = true},
    {.method = "GET", .path = "/items/{id}", .handle = item},
    {.method = "GET", .path = "/items/mine", .handle = mine},
    {.method = "DELETE", .path = "/items/{id}", .handle = item},
    {.method = "POST", .path = "/echo", .handle = echo},
    {.method = "POST", .path = "/raw", .handle = raw, .wants_raw_body = true},
    {.method = "PUT", .path = "/small", .handle = echo, .max_body_bytes = SMALL_MAX},
    {.method = "GET", .path = "/headers", .handle = headers},
    {.method = "GET", .path = "/nothing", .handle = nothing},
    {.method = "GET", .path = "/no_json", .handle = no_json},
};

/* ---- rows: the bytes, then LAST */

static const struct row {
    const char *it;
    const char *bytes;
    unsigned status;  /* of the first answer */
    unsigned answers; /* 1: the connection was closed before LAST was looked at */
    const char *has;  /* somewhere in the answers */
} rows[] = {
    {"it answers, and goes on with the connection", "GET /hello HTTP/1.1\r\n" HOST "\r\n", 200, 2,
     "\"hello\""},
    {"it decodes a query", "GET /hello?name=a%20b+c HTTP/1.1\r\n" HOST "\r\n", 200, 2, "a b c"},
    {"it hands header values out without white space around",
     "GET /hello HTTP/1.1\r\n" HOST "X-Mark: \t m k \t \r\n\r\n", 200, 2, "\"m k\""},
    {"it knows parameters of the path", "GET /items/a%20b HTTP/1.1\r\n" HOST "\r\n", 200, 2,
     "\"a b\""},
    {"it prefers a word to a parameter", "GET /items/mine HTTP/1.1\r\n" HOST "\r\n", 200, 2,
     "\"mine\""},
    {"it takes no empty parameter", "GET /items/ HTTP/1.1\r\n" HOST "\r\n", 404, 2, "not_found"},
    {"it answers HEAD without a body", "HEAD /hello HTTP/1.1\r\n" HOST "\r\n", 200, 2, "last"},
    {"it answers pipelined requests in turn",
     "GET /hello?name=1 HTTP/1.1\r\n" HOST "\r\nGET /hello?name=2 HTTP/1.1\r\n" HOST "\r\n", 200, 3,
     "\"2\""},
    {"it answers HTTP/1.0 without Host", "GET /hello HTTP/1.0\r\n\r\n", 200, 1, "hello"},
    {"it answers 404 to an unknown path", "GET /nowhere HTTP/1.1\r\n" HOST "\r\n", 404, 2,
     "\"error\""},
    {"it answers 405 with Allow", "POST /items/1 HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n",
     405, 2, "GET, HEAD, DELETE"},
    {"it answers 405 to an unknown method", "BREW /hello HTTP/1.1\r\n" HOST "\r\n", 405, 2,
     "Allow: GET, HEAD\r\n"},
    {"it takes what a name of ours says in any case",
     "GET /hello HTTP/1.1\r\nHost: LOCALHOST:80\r\n\r\n", 200, 2, NULL},
    {"it takes the service's name", "GET /hello HTTP/1.1\r\nHost: tested\r\n\r\n", 200, 2, NULL},
    {"it takes names that the config allows",
     "GET /hello HTTP/1.1\r\nHost: shop.example:8080\r\n\r\n", 200, 2, NULL},
    {"it takes the IPv6 loopback", "GET /hello HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", 200, 2, NULL},

    {"it refuses an unknown Host", "GET /hello HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421, 1,
     "unknown_host"},
    {"it refuses two Hosts", "GET /hello HTTP/1.1\r\n" HOST "Host: evil.example\r\n\r\n", 400, 1,
     NULL},
    {"it refuses two equal Hosts", "GET /hello HTTP/1.1\r\n" HOST HOST "\r\n", 400, 1, NULL},
    {"it refuses HTTP/1.1 without Host", "GET /hello HTTP/1.1\r\n\r\n", 400, 1, "bad_host"},
    {"it refuses an empty Host", "GET /hello HTTP/1.1\r\nHost:\r\n\r\n", 400, 1, NULL},
    {"it refuses a Host with a user in it",
     "GET /hello HTTP/1.1\r\nHost: localhost@evil.example\r\n\r\n", 400, 1, NULL},
    {"it refuses Content-Length beside Transfer-Encoding",
     "POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
     "0\r\n\r\n",
     400, 1, "bad_framing"},
    {"it refuses Transfer-Encoding beside Content-Length",
     "POST /echo HTTP/1.1\r\n" HOST JSON "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"
     "0\r\n\r\n",
     400, 1, NULL},
    {"it refuses both with GET too",
     "GET /hello HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
     "0\r\n\r\n",
     400, 1, NULL},
    {"it refuses two Content-Lengths",
     "POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: 2\r\nContent-Length: 60\r\n\r\n{}", 400,
     1, NULL},
    {"it refuses two equal Content-Lengths",
     "POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400, 1,
     NULL},
    {"it refuses a list of Content-Lengths",
     "POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: 2, 2\r\n\r\n{}", 400, 1, NULL},
    {"it refuses a Content-Length with a sign",
     "POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: +2\r\n\r\n{}", 400, 1, NULL},
    {"it refuses a negative Content-Length",
     "POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: -2\r\n\r\n{}", 400, 1, NULL},
    {"it refuses a hexadecimal Content-Length",
     "POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: 0x2\r\n\r\n{}", 400, 1, NULL},
    {"it refuses an unknown Transfer-Encoding",
     "POST /echo HTTP/1.1\r\n" HOST JSON "Transfer-Encoding: gzip\r\n\r\n", 501, 1, NULL},
    {"it refuses one with GET too",
     "GET /hello HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n", 501, 1, NULL},
    {"it refuses an encoding that ends with chunked",
     "POST /echo HTTP/1.1\r\n" HOST JSON "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501,
     1, NULL},
    {"it refuses chunked that is not last",
     "POST /echo HTTP/1.1\r\n" HOST JSON "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400,
     1, NULL},
    {"it refuses two Transfer-Encodings",
     "POST /echo HTTP/1.1\r\n" HOST JSON
     "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
     400, 1, NULL},
    {"it refuses Transfer-Encoding in HTTP/1.0",
     "POST /echo HTTP/1.0\r\n" HOST JSON "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, 1,
     NULL},
    {"it refuses a bare CR in a value", "GET /hello HTTP/1.1\r\n" HOST "X-Mark: a\rb\r\n\r\n", 400,
     1, NULL},
    {"it refuses a control character in a value",
     "GET /hello HTTP/1.1\r\n" HOST "X-Mark: a\x01"
     "b\r\n\r\n",
     400, 1, NULL},
    {"it refuses white space before a colon", "GET /hello HTTP/1.1\r\n" HOST "X-Mark : 1\r\n\r\n",
     400, 1, NULL},
    {"it refuses an encoded slash", "GET /items/a%2fb HTTP/1.1\r\n" HOST "\r\n", 400, 1,
     "bad_target"},
    {"it refuses an encoded backslash", "GET /items/a%5Cb HTTP/1.1\r\n" HOST "\r\n", 400, 1, NULL},
    {"it refuses an encoded NUL", "GET /hello%00x HTTP/1.1\r\n" HOST "\r\n", 400, 1, NULL},
    {"it refuses an encoded NUL in a query", "GET /hello?name=%00 HTTP/1.1\r\n" HOST "\r\n", 400, 1,
     NULL},
    {"it refuses a broken escape", "GET /items/%zz HTTP/1.1\r\n" HOST "\r\n", 400, 1, NULL},
    {"it refuses 8-bit characters in the target", "GET /items/\xc3\xa4 HTTP/1.1\r\n" HOST "\r\n",
     400, 1, NULL},
    {"it refuses an absolute target", "GET http://localhost/hello HTTP/1.1\r\n" HOST "\r\n", 400, 1,
     NULL},
    {"it refuses '*'", "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 400, 1, NULL},
    {"it refuses other versions", "GET /hello HTTP/1.2\r\n" HOST "\r\n", 505, 1, NULL},

    {"it reads a JSON body",
     "POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: 7\r\n\r\n{\"a\":1}", 201, 2, "{\"a\":1}"},
    {"it reads a chunked body",
     "POST /echo HTTP/1.1\r\n" HOST JSON
     "Transfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n",
     201, 2, "{\"a\":1}"},
    {"it takes a character set behind the type",
     "POST /echo HTTP/1.1\r\n" HOST
     "Content-Type: application/json; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}",
     201, 2, NULL},
    {"it hands out no object where there is no body",
     "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 201, 2, "empty"},
    {"it reads over a body that a GET brings",
     "GET /hello HTTP/1.1\r\n" HOST JSON "Content-Length: 2\r\n\r\n{}", 200, 2, NULL},
    {"it takes no body for a request, where the path is unknown",
     "POST /nowhere HTTP/1.1\r\n" HOST "Content-Length: 38\r\n\r\n"
     "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n",
     404, 2, NULL},
    {"it takes no body for a request, where the method is wrong",
     "DELETE /hello HTTP/1.1\r\n" HOST "Content-Length: 38\r\n\r\n"
     "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n",
     405, 2, NULL},
    {"it answers 415 to another type",
     "POST /echo HTTP/1.1\r\n" HOST "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}", 415,
     2, NULL},
    {"it answers 415 to a body without a type",
     "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n{}", 415, 2, NULL},
    {"it takes any type where raw bodies are wanted",
     "POST /raw HTTP/1.1\r\n" HOST "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{[", 200,
     2, "{["},
    {"it answers 400 to broken JSON",
     "POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: 5\r\n\r\n{\"a\":", 400, 2, "line 1"},
    {"it answers 400 to two values",
     "POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: 4\r\n\r\n{}{}", 400, 2, NULL},
    {"it answers 400 to a key that is there twice",
     "POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: 13\r\n\r\n{\"a\":1,\"a\":2}", 400, 2,
     NULL},
    {"it answers 400 to an array",
     "POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: 2\r\n\r\n[]", 400, 2, "object"},
    {"it answers 400 to bytes that are not UTF-8",
     "POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: 9\r\n\r\n{\"a\":\"\xff\"}", 400, 2, NULL},
    {"it answers 413 by the Content-Length, without the body",
     "PUT /small HTTP/1.1\r\n" HOST JSON "Content-Length: 65\r\n\r\n", 413, 1, "too_large"},
    {"it answers 413 to a length that is no 64-bit number",
     "PUT /small HTTP/1.1\r\n" HOST JSON "Content-Length: 18446744073709551614\r\n\r\n", 413, 1,
     NULL},
    {"it answers 413 where 100 was expected, and sends none",
     "PUT /small HTTP/1.1\r\n" HOST JSON "Expect: 100-continue\r\nContent-Length: 1000000\r\n\r\n",
     413, 1, "too_large"},
    {"it answers 413 to chunks that add up",
     "PUT /small HTTP/1.1\r\n" HOST JSON "Transfer-Encoding: chunked\r\n\r\n"
     "20\r\n{\"a\":\"aaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"
     "20\r\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"
     "20\r\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}\r\n0\r\n\r\n",
     413, 1, "too_large"},

    {"it sends headers, and none that was injected", "GET /headers HTTP/1.1\r\n" HOST "\r\n", 200,
     2, "X-Good: yes\r\n"},
    {"it answers with an empty body where the handler says nothing",
     "GET /nothing HTTP/1.1\r\n" HOST "\r\n", 200, 2, NULL},
    {"it answers 500 where there was no memory for the value",
     "GET /no_json HTTP/1.1\r\n" HOST "\r\n", 500, 2, NULL},
};

static void check_row(void **state)
{
    const struct row *row = *state;
    char bytes[4096];
    int length = snprintf(bytes, sizeof bytes, "%s" LAST, row->bytes);
    struct raw_answer *answer = raw_talk(port, bytes, (size_t)length);
    bool went_on = strstr(answer->text, "\"last\"") != NULL;
    bool as_expected = answer->closed && raw_status(answer->text, 0) == row->status &&
                       went_on == (row->answers > 1);
    if (!as_expected)
        print_error("%s\n", answer->text);
    assert_true(answer->closed);
    assert_int_equal(raw_status(answer->text, 0), row->status);
    assert_int_equal(went_on, row->answers > 1);
    /* libmicrohttpd sends the head of its own refusals twice: only ours are counted. */
    if (went_on)
        assert_int_equal(raw_count(answer->text), row->answers);
    assert_null(strstr(answer->text, "X-Injected"));
    if (row->has)
        assert_non_null(strstr(answer->text, row->has));
    free(answer);
}

/* ---- what has no row */

static void deep(void **state)
{
    (void)state;
    char body[512] = "", bytes[1024];
    for (int i = 0; i < 100; i++)
        strcat(body, "{\"a\":");
    int length = snprintf(bytes, sizeof bytes,
                          "POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: %zu\r\n\r\n%s" LAST,
                          strlen(body), body);
    struct raw_answer *answer = raw_talk(port, bytes, (size_t)length);
    assert_int_equal(raw_status(answer->text, 0), 400);
    assert_int_equal(raw_count(answer->text), 2);
    free(answer);
}

/* The client must hear 413 although it goes on sending. */
static void large(void **state)
{
    enum { BODY = 3 << 20 };
    char head[256];
    char *body = malloc(BODY);
    struct raw_answer *answer = calloc(1, sizeof *answer);
    (void)state;
    memset(body, ' ', BODY);
    int length = snprintf(head, sizeof head,
                          "POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: %d\r\n\r\n", BODY);
    int fd = raw_connect(port);
    assert_true(raw_send(fd, head, (size_t)length));
    raw_send(fd, body, BODY);
    raw_read(fd, answer, NULL);
    assert_int_equal(raw_status(answer->text, 0), 413);
    close(fd);
    free(body);
    free(answer);
}

static void long_header(void **state)
{
    enum { HEAD = 60000 };
    char *bytes = malloc(HEAD);
    (void)state;
    int length = snprintf(bytes, HEAD, "GET /hello HTTP/1.1\r\n" HOST "X-Mark: ");
    memset(bytes + length, 'a', (size_t)(HEAD - length));
    struct raw_answer *answer = raw_talk(port, bytes, HEAD);
    assert_true(answer->closed);
    unsigned status = raw_status(answer->text, 0);
    assert_true(status == 431 || status == 0 || status == 413);
    free(answer);
    free(bytes);
}

/* What a client that goes away leaves behind must go with it: the leak checker looks. */
static void cut_off(void **state)
{
    static const char *const parts[] = {
        "G", "GET /hello HTTP/1.1\r\n", "GET /hello HTTP/1.1\r\n" HOST,
        "POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: 10\r\n\r\n{",
        "POST /echo HTTP/1.1\r\n" HOST JSON "Transfer-Encoding: chunked\r\n\r\n5\r\n{"};
    (void)state;
    for (size_t i = 0; i < 20 * sizeof parts / sizeof parts[0]; i++) {
        const char *part = parts[i % (sizeof parts / sizeof parts[0])];
        int fd = raw_connect(port);
        assert_true(raw_send(fd, part, strlen(part)));
        close(fd);
    }
    struct raw_answer *answer = raw_talk(port, LAST, strlen(LAST));
    assert_int_equal(raw_status(answer->text, 0), 200);
    free(answer);
}

int main(void)
{
    static struct rows all;
    signal(SIGPIPE, SIG_IGN);
    struct server *server =
        raw_server((struct server_config){.service = "tested",
                                          .routes = routes,
                                          .route_count = sizeof routes / sizeof routes[0],
                                          .allowed_hosts = "one.example, shop.example"});
    port = server_port(server);
    ROWS(&all, rows, check_row);
    rows_one(&all, "it answers 400 to JSON that is nested too deep", deep);
    rows_one(&all, "it answers 413 to who goes on sending", large);
    rows_one(&all, "it closes on headers without end", long_header);
    rows_one(&all, "it survives clients that go away", cut_off);
    int failed = rows_run("server_raw", &all);
    server_free(server);
    return failed;
}
