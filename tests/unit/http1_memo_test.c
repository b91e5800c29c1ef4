#include "loadgen/engine/http1_memo.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/guard.h"
#include "tests/unit/rows.h"

enum { BODY_MAX = 1000 };

#define HEAD "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\n"

struct row {
    const char *it;
    const char *input;
    size_t recalled;
    uint64_t body_max_bytes;
    bool no_body;
    size_t fed; /* bytes of the head that the parser read before */
};

static const struct row rows[] = {
    {"it knows a head again", HEAD "hello", sizeof(HEAD) - 1, BODY_MAX, false, 0},
    {"it knows a head with nothing behind it", HEAD, sizeof(HEAD) - 1, BODY_MAX, false, 0},
    {"it does not take a part of a head for it", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", 0,
     BODY_MAX, false, 0},
    {"it sees another first byte", "hTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello", 0,
     BODY_MAX, false, 0},
    {"it sees another status", "HTTP/1.1 500 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello", 0,
     BODY_MAX, false, 0},
    {"it sees another last line", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\nA: b\r\n\r\n", 0,
     BODY_MAX, false, 0},
    {"it leaves a parser with another limit alone", HEAD "hello", 0, BODY_MAX - 1, false, 0},
    {"it leaves an answer to HEAD alone", HEAD, 0, BODY_MAX, true, 0},
    {"it leaves a parser within a head alone", HEAD "hello", 0, BODY_MAX, false, 17},
};

/* Reads the head as ever. */
static void read_head(struct http1 *parser, const char *head, size_t length)
{
    struct text body;
    for (size_t at = 0, used; at < length; at += used)
        assert_int_equal(http1_feed(parser, (struct text){head + at, length - at}, &used, &body),
                         STATUS_OK);
}

static void keep(struct http1_memo *memo, const char *head)
{
    struct http1 parser;
    http1_init(&parser, BODY_MAX, false);
    read_head(&parser, head, strlen(head));
    http1_memo_keep(memo, &parser, (struct text){head, strlen(head)});
}

static void check_row(void **state)
{
    const struct row *row = *state;
    struct http1_memo memo = {0};
    struct http1 parser, untouched;
    keep(&memo, HEAD);
    http1_init(&parser, row->body_max_bytes, row->no_body);
    read_head(&parser, HEAD, row->fed);
    memcpy(&untouched, &parser, sizeof(parser));
    struct guard guard = guard_copy(row->input, strlen(row->input));
    const struct text input = {(const char *)guard.bytes, strlen(row->input)};
    assert_int_equal(http1_memo_recall(&memo, &parser, input), row->recalled);
    guard_release(&guard);
    if (row->recalled == 0) {
        assert_memory_equal(&parser, &untouched, sizeof(parser));
        return;
    }
    struct http1 read;
    http1_init(&read, BODY_MAX, false);
    read_head(&read, row->input, row->recalled);
    assert_int_equal(parser.http_status, read.http_status);
    assert_int_equal(parser.left_bytes, read.left_bytes);
    assert_int_equal(parser.head_bytes, read.head_bytes);
    assert_int_equal(parser.state, read.state);
    assert_false(http1_in_head(&parser));
}

static void check_empty(void **state)
{
    (void)state;
    const struct http1_memo memo = {0};
    struct http1 parser;
    http1_init(&parser, BODY_MAX, false);
    assert_int_equal(http1_memo_recall(&memo, &parser, TEXT_LITERAL(HEAD)), 0);
    assert_int_equal(http1_memo_recall(&memo, &parser, (struct text){0}), 0);
}

/* Too long to be kept: what was kept stays. */
static void check_long(void **state)
{
    (void)state;
    struct http1_memo memo = {0};
    struct http1 parser;
    char head[HTTP1_MEMO_MAX + 2];
    keep(&memo, HEAD);
    int length = snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nX: %0*d\r\n\r\n",
                          HTTP1_MEMO_MAX + 1 - 24, 0);
    assert_int_equal(length, HTTP1_MEMO_MAX + 1);
    keep(&memo, head);
    http1_init(&parser, BODY_MAX, false);
    assert_int_equal(http1_memo_recall(&memo, &parser, (struct text){head, (size_t)length}), 0);
    assert_int_equal(http1_memo_recall(&memo, &parser, TEXT_LITERAL(HEAD)), sizeof(HEAD) - 1);
}

int main(void)
{
    struct rows all = {0};
    ROWS(&all, rows, check_row);
    rows_one(&all, "it knows nothing at first", check_empty);
    rows_one(&all, "it keeps no head that is too long", check_long);
    return rows_run("http1_memo", &all);
}
