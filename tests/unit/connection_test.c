#include "loadgen/engine/connection.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/rows.h"

/* A connection whose other end the test holds. */
struct pair {
    struct connection connection;
    int other_end;
};

static struct connection_scratch scratch; /* one for all, as in the engine */

static void open_pair(struct pair *pair, const char *request)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    connection_init(&pair->connection);
    pair->connection.fd = ends[0];
    pair->other_end = ends[1];
    connection_begin(&pair->connection, 1 << 20);
    buffer_append_text(&pair->connection.out, request);
}

static void close_pair(struct pair *pair)
{
    connection_release(&pair->connection);
    connection_release(&pair->connection);
    close(pair->other_end);
}

static enum status receive(struct pair *pair, const char *bytes)
{
    size_t length = strlen(bytes);
    assert_int_equal(write(pair->other_end, bytes, length), length);
    return connection_receive(&pair->connection, &scratch, false);
}

#define OK11 "HTTP/1.1 200 OK\r\n"

struct row {
    const char *it;
    const char *pieces[4];
    enum status status; /* of the last piece; STATUS_OK of those before */
    const char *body;
    bool is_reusable;
};

static const struct row rows[] = {
    {"it reads an answer at once", {OK11 "Content-Length: 2\r\n\r\nhi"}, STATUS_END, "hi", true},
    {"it puts a part of a line by",
     {"HTT", "P/1.1 200", " OK\r\nContent-Len", "gth: 2\r\n\r\nhi"},
     STATUS_END,
     "hi",
     true},
    {"it joins a body that comes in pieces",
     {OK11 "Content-Length: 6\r\n\r\nab", "cd", "ef"},
     STATUS_END,
     "abcdef",
     true},
    {"it does not reuse a connection with words behind the answer",
     {OK11 "Content-Length: 2\r\n\r\nhi?"},
     STATUS_END,
     "hi",
     false},
    {"it does not reuse a connection that is to be closed",
     {OK11 "Connection: close\r\nContent-Length: 2\r\n\r\nhi"},
     STATUS_END,
     "hi",
     false},
    {"it refuses what is no answer", {"220 smtp\r\n"}, STATUS_INVALID, "", false},
};

static void check_row(void **state)
{
    const struct row *row = *state;
    struct pair pair;
    open_pair(&pair, "GET / HTTP/1.1\r\n\r\n");
    assert_int_equal(connection_send(&pair.connection), STATUS_OK);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < 4 && row->pieces[i] != NULL; i++) {
        assert_int_equal(status, STATUS_OK);
        status = receive(&pair, row->pieces[i]);
        assert_true(pair.connection.first_byte_ns > 0);
    }
    assert_int_equal(status, row->status);
    assert_string_equal(buffer_text(&pair.connection.body), row->body);
    if (status == STATUS_END)
        assert_int_equal(connection_is_reusable(&pair.connection), row->is_reusable);
    close_pair(&pair);
}

/* They share the scratch memory, whose content is another's by the next turn. */
static void check_two_apart(void **state)
{
    (void)state;
    struct pair one, two;
    open_pair(&one, "");
    open_pair(&two, "");
    assert_int_equal(receive(&one, "HTTP/1.1 2"), STATUS_OK);
    assert_int_equal(receive(&two, "HTTP/1.1 404 Not F"), STATUS_OK);
    assert_int_equal(receive(&one, "01 Created\r\nContent-Length: 0\r\n\r\n"), STATUS_END);
    assert_int_equal(receive(&two, "ound\r\nContent-Length: 0\r\n\r\n"), STATUS_END);
    assert_int_equal(one.connection.parser.http_status, 201);
    assert_int_equal(two.connection.parser.http_status, 404);
    close_pair(&one);
    close_pair(&two);
}

static void check_head(void **state)
{
    (void)state;
    struct pair pair;
    open_pair(&pair, "");
    pair.connection.keeps_head = true;
    assert_int_equal(receive(&pair, "HTTP/1.1 100 Continue\r\nX: 1\r\n\r\nHTTP/1.1 200 OK\r"),
                     STATUS_OK);
    assert_int_equal(receive(&pair, "\nX-Id: 7\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0"),
                     STATUS_OK);
    assert_int_equal(receive(&pair, "\r\nX-Trailer: 1\r\n\r\n"), STATUS_END);
    assert_string_equal(buffer_text(&pair.connection.head),
                        OK11 "X-Id: 7\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_int_equal(pair.connection.received_bytes, 47 + 48 + 18);
    close_pair(&pair);
}

/* Longer than what is kept: cut, and the answer is none the worse. */
static void check_long_head(void **state)
{
    (void)state;
    struct pair pair;
    char field[1024 + 1];
    memset(field, 'x', sizeof(field) - 1);
    memcpy(field, "A: ", 3);
    memcpy(field + sizeof(field) - 3, "\r\n", 3);
    open_pair(&pair, "");
    pair.connection.keeps_head = true;
    assert_int_equal(receive(&pair, OK11 "Content-Length: 0\r\n"), STATUS_OK);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(receive(&pair, field), STATUS_OK);
    assert_int_equal(receive(&pair, "\r\n"), STATUS_END);
    assert_int_equal(pair.connection.head.length_bytes, CONNECTION_HEAD_KEPT);
    close_pair(&pair);
}

/* An answer that came before makes the next ones no different: nor one that is cut elsewhere. */
static void check_repeated(void **state)
{
    (void)state;
    static const char answer[] = OK11 "Content-Length: 2\r\nX: y\r\n\r\nhi";
    struct pair pair;
    for (size_t cut = 0; cut < sizeof(answer) - 1; cut++) {
        char first[sizeof(answer)];
        snprintf(first, sizeof(first), "%.*s", (int)cut, answer);
        open_pair(&pair, "");
        if (cut > 0)
            assert_int_equal(receive(&pair, first), STATUS_OK);
        assert_int_equal(receive(&pair, answer + cut), STATUS_END);
        assert_string_equal(buffer_text(&pair.connection.body), "hi");
        assert_int_equal(pair.connection.parser.http_status, 200);
        assert_true(connection_is_reusable(&pair.connection));
        assert_true(pair.connection.last_byte_ns >= pair.connection.first_byte_ns);
        close_pair(&pair);
    }
}

static void check_early_answer(void **state)
{
    (void)state;
    struct pair pair;
    open_pair(&pair, "GET / HTTP/1.1\r\n\r\n"); /* and never sends it */
    assert_int_equal(receive(&pair, OK11 "Content-Length: 0\r\n\r\n"), STATUS_END);
    assert_false(connection_is_reusable(&pair.connection));
    close_pair(&pair);
}

static void check_long_body(void **state)
{
    (void)state;
    enum { BYTES = 80000 };
    static char answer[BYTES + 128];
    struct pair pair;
    open_pair(&pair, "");
    int head = snprintf(answer, sizeof(answer), OK11 "Content-Length: %d\r\n\r\n", BYTES);
    memset(answer + head, 'x', BYTES);
    assert_int_equal(receive(&pair, answer), STATUS_END);
    assert_int_equal(pair.connection.parser.body_bytes, BYTES);
    assert_int_equal(pair.connection.body.length_bytes, CONNECTION_BODY_KEPT);
    close_pair(&pair);
}

/* The end of the stream was announced with the last bytes: no further event will come. */
static void check_drain(void **state)
{
    (void)state;
    struct pair pair;
    open_pair(&pair, "");
    static const char answer[] = OK11 "\r\nabc";
    assert_int_equal(write(pair.other_end, answer, sizeof(answer) - 1), sizeof(answer) - 1);
    assert_int_equal(shutdown(pair.other_end, SHUT_WR), 0);
    assert_int_equal(connection_receive(&pair.connection, &scratch, true), STATUS_END);
    assert_string_equal(buffer_text(&pair.connection.body), "abc");
    close_pair(&pair);
}

static void check_gone(void **state)
{
    (void)state;
    struct pair pair;
    open_pair(&pair, "GET / HTTP/1.1\r\n\r\n");
    close(pair.other_end);
    assert_int_equal(connection_send(&pair.connection), STATUS_CLOSED);
    uint32_t generation = pair.connection.generation;
    connection_close(&pair.connection);
    connection_close(&pair.connection);
    assert_int_equal(pair.connection.generation, generation + 1);
    pair.other_end = dup(0);
    close_pair(&pair);
}

static void check_list(void **state)
{
    (void)state;
    struct connection a, b, c;
    struct connection_list list = {0};
    connection_init(&a);
    connection_init(&b);
    connection_init(&c);
    connection_list_append(&list, &a);
    connection_list_append(&list, &b);
    connection_list_append(&list, &c);
    connection_list_remove(&list, &b);
    assert_ptr_equal(list.first, &a);
    assert_ptr_equal(list.last, &c);
    assert_ptr_equal(a.next, &c);
    assert_ptr_equal(c.previous, &a);
    connection_list_remove(&list, &a);
    connection_list_remove(&list, &c);
    assert_null(list.first);
    assert_null(list.last);
    assert_int_equal(list.count, 0);
}

int main(void)
{
    struct rows all = {0};
    ROWS(&all, rows, check_row);
    rows_one(&all, "it reads an answer again as it did before, however it is cut", check_repeated);
    rows_one(&all, "it keeps the head of the final answer alone", check_head);
    rows_one(&all, "it keeps a part of a long head", check_long_head);
    rows_one(&all, "it keeps the halves of two connections' lines apart", check_two_apart);
    rows_one(&all, "it does not reuse a connection whose request was not sent whole",
             check_early_answer);
    rows_one(&all, "it keeps the start of a long body and counts all of it", check_long_body);
    rows_one(&all, "it reads on to an end that was announced", check_drain);
    rows_one(&all, "it reports an other side that is gone, and closes once", check_gone);
    rows_one(&all, "it takes connections out of the middle and the ends of a list", check_list);
    return rows_run("connection", &all);
}
