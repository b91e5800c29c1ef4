/* Responses, whole and byte by byte, and when to ask again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "trace/http_reply.h"
#include "trace/retry.h"

/* Sun, 06 Nov 1994 08:49:37 GMT */
static const uint64_t now_ns = 784111777 * NS_PER_S;

static const struct {
    const char *name, *bytes;
    enum status open, closed; /* while the connection is open, and after its end */
    unsigned code;
    const char *body;
    bool keep_alive;
} rows[] = {
    {"it reads a length", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", STATUS_OK, STATUS_OK,
     200, "abc", true},
    {"it reads no body", "HTTP/1.1 503 \r\ncontent-length:0\r\n\r\n", STATUS_OK, STATUS_OK, 503, "",
     true},
    {"it reads no reason", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", STATUS_OK, STATUS_OK, 200,
     "", true},
    {"it needs no body with 204", "HTTP/1.1 204 No Content\r\n\r\n", STATUS_OK, STATUS_OK, 204, "",
     true},
    {"it reads bare line feeds", "HTTP/1.1 200 OK\nContent-Length: 1\n\nx", STATUS_OK, STATUS_OK,
     200, "x", true},
    {"it reads until the end", "HTTP/1.1 200 OK\r\n\r\nabc", STATUS_BUSY, STATUS_OK, 200, "abc",
     false},
    {"it reads chunks",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n"
     "\r\n",
     STATUS_OK, STATUS_OK, 200, "abc0123456789", true},
    {"it reads trailers",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\na\r\n0\r\nX: y\r\n\r\n", STATUS_OK,
     STATUS_OK, 200, "a", true},
    {"it skips interim answers",
     "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", STATUS_OK,
     STATUS_OK, 200, "x", true},
    {"it sees the close", "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 0\r\n\r\n",
     STATUS_OK, STATUS_OK, 200, "", false},
    {"it closes after 1.0", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", STATUS_OK, STATUS_OK,
     200, "", false},
    {"it keeps 1.0 on request",
     "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", STATUS_OK, STATUS_OK,
     200, "", true},
    {"it waits for the head", "HTTP/1.1 200 OK\r\nContent-Le", STATUS_BUSY, STATUS_CLOSED, 0, NULL,
     false},
    {"it waits for the body", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc", STATUS_BUSY,
     STATUS_CLOSED, 0, NULL, false},
    {"it waits for a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
     STATUS_BUSY, STATUS_CLOSED, 0, NULL, false},
    {"it waits for anything", "", STATUS_BUSY, STATUS_CLOSED, 0, NULL, false},
    {"it refuses another protocol", "SSH-2.0-x\r\n\r\n", STATUS_INVALID, STATUS_INVALID, 0, NULL,
     false},
    {"it refuses a code of letters", "HTTP/1.1 2x0 OK\r\n\r\n", STATUS_INVALID, STATUS_INVALID, 0,
     NULL, false},
    {"it refuses two lengths",
     "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", STATUS_INVALID,
     STATUS_INVALID, 0, NULL, false},
    {"it refuses a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
     STATUS_INVALID, STATUS_INVALID, 0, NULL, false},
    {"it refuses an unknown coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
     STATUS_INVALID, STATUS_INVALID, 0, NULL, false},
    {"it refuses a chunk without a size",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", STATUS_INVALID, STATUS_INVALID,
     0, NULL, false},
    {"it refuses a huge chunk",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n", STATUS_INVALID,
     STATUS_INVALID, 0, NULL, false},
    {"it refuses a chunk of another size",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", STATUS_INVALID,
     STATUS_INVALID, 0, NULL, false},
};

/* On memory of exactly that size, so that a byte too far is seen. */
static enum status parse(const char *bytes, size_t length, bool closed, struct http_reply *reply,
                         char **memory)
{
    *memory = malloc(length ? length : 1);
    memcpy(*memory, bytes, length);
    return http_reply_parse(*memory, length, closed, now_ns, reply);
}

static void reads_responses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http_reply reply;
        size_t length = strlen(rows[i].bytes);
        char *memory;
        enum status status = parse(rows[i].bytes, length, false, &reply, &memory);
        free(memory);
        if (status != rows[i].open)
            fail_msg("%s: open, %s", rows[i].name, status_words(status));
        status = parse(rows[i].bytes, length, true, &reply, &memory);
        if (status != rows[i].closed)
            fail_msg("%s: closed, %s", rows[i].name, status_words(status));
        if (status == STATUS_OK &&
            (reply.status_code != rows[i].code || !text_is(reply.body, rows[i].body) ||
             reply.keep_alive != rows[i].keep_alive))
            fail_msg("%s: %u %.*s", rows[i].name, reply.status_code, TEXT_ARGS(reply.body));
        free(memory);
    }
}

static void waits_at_every_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t length = strlen(rows[i].bytes);
        for (size_t part = 0; part < length && rows[i].open == STATUS_OK; part++) {
            struct http_reply reply;
            char *memory;
            enum status status = parse(rows[i].bytes, part, false, &reply, &memory);
            free(memory);
            if (status != STATUS_BUSY)
                fail_msg("%s: after %zu bytes, %s", rows[i].name, part, status_words(status));
        }
    }
}

static void reads_retry_after(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
        uint64_t seconds;
    } values[] = {
        {"it takes seconds", "7", 7},
        {"it takes 0", "0", 0},
        {"it takes a date", "Sun, 06 Nov 1994 08:49:47 GMT", 10},
        {"it takes a past date as now", "Sun, 06 Nov 1994 08:49:27 GMT", 0},
        {"it bounds seconds", "99999999999", 86400},
        {"it bounds dates", "Sun, 06 Nov 2094 08:49:47 GMT", 86400},
        {"it ignores words", "soon", 0},
        {"it ignores negative numbers", "-5", 0},
        {"it ignores half a date", "Sun, 06 Nov 1994", 0},
        {"it ignores more than a date", "Sun, 06 Nov 1994 08:49:47 GMT, or later", 0},
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        if (http_reply_retry_after_ns(text_of(values[i].value), now_ns) !=
            values[i].seconds * NS_PER_S)
            fail_msg("%s", values[i].name);
    struct http_reply reply;
    char bytes[] = "HTTP/1.1 429 Slow\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n";
    assert_int_equal(http_reply_parse(bytes, sizeof bytes - 1, false, now_ns, &reply), STATUS_OK);
    assert_int_equal(reply.retry_after_ns, 3 * NS_PER_S);
}

static void knows_what_to_repeat(void **state)
{
    (void)state;
    static const struct {
        enum status post;
        unsigned code;
        bool due;
    } cases[] = {
        {STATUS_OK, 200, false},   {STATUS_OK, 400, false},      {STATUS_OK, 401, false},
        {STATUS_OK, 404, false},   {STATUS_OK, 413, false},      {STATUS_OK, 429, true},
        {STATUS_OK, 500, false},   {STATUS_OK, 501, false},      {STATUS_OK, 502, true},
        {STATUS_OK, 503, true},    {STATUS_OK, 504, true},       {STATUS_OK, 302, false},
        {STATUS_CLOSED, 0, true},  {STATUS_REFUSED, 0, true},    {STATUS_IO, 0, true},
        {STATUS_TIMEOUT, 0, true}, {STATUS_INVALID, 503, false}, {STATUS_TOO_LARGE, 0, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (retry_is_due(cases[i].post, cases[i].code) != cases[i].due)
            fail_msg("%s %u", status_words(cases[i].post), cases[i].code);
}

static void waits_longer_each_time(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 1);
    for (unsigned attempt = 0; attempt < 100; attempt++) {
        uint64_t whole_ms = attempt < 5 ? 200u << attempt : 5000;
        if (whole_ms > 5000)
            whole_ms = 5000;
        uint64_t least_ns = UINT64_MAX, most_ns = 0;
        for (int i = 0; i < 100; i++) {
            uint64_t delay_ns = retry_delay_ns(attempt, 0, &rng);
            least_ns = delay_ns < least_ns ? delay_ns : least_ns;
            most_ns = delay_ns > most_ns ? delay_ns : most_ns;
        }
        assert_true(least_ns >= whole_ms * NS_PER_MS / 2);
        assert_true(most_ns <= whole_ms * NS_PER_MS);
        assert_true(most_ns > least_ns); /* chance is in it */
    }
    assert_int_equal(retry_delay_ns(9, 3 * NS_PER_S, &rng), 3 * NS_PER_S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_responses),        cmocka_unit_test(waits_at_every_byte),
        cmocka_unit_test(reads_retry_after),      cmocka_unit_test(knows_what_to_repeat),
        cmocka_unit_test(waits_longer_each_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
