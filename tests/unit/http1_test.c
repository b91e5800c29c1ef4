#include "loadgen/engine/http1.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/guard.h"
#include "tests/unit/rows.h"

enum { BODY_MAX = 1000 };

struct row {
    const char *it;
    const char *input;
    enum status status; /* after the last byte: STATUS_OK where it wants more */
    unsigned http_status;
    const char *body;
    const char *rest; /* what it leaves for the next response */
    bool keeps_alive;
    bool no_body;
};

#define OK11 "HTTP/1.1 200 OK\r\n"

static const struct row rows[] = {
    {"it reads a body with a length", OK11 "Content-Length: 5\r\n\r\nhello", STATUS_END, 200,
     "hello", "", true, false},
    {"it reads a length of 0", OK11 "Content-Length: 0\r\n\r\n", STATUS_END, 200, "", "", true,
     false},
    {"it takes header names in any case", OK11 "cONTENT-lENGTH:5\r\n\r\nhello", STATUS_END, 200,
     "hello", "", true, false},
    {"it takes bare line feeds", "HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", STATUS_END, 200, "hi",
     "", true, false},
    {"it takes a status line without reason", "HTTP/1.1 201\r\nContent-Length: 0\r\n\r\n",
     STATUS_END, 201, "", "", true, false},
    {"it takes an empty reason", "HTTP/1.1 201 \r\nContent-Length: 0\r\n\r\n", STATUS_END, 201, "",
     "", true, false},
    {"it takes a reason that is not ASCII", "HTTP/1.1 200 D\xc3\xa9\r\nContent-Length: 0\r\n\r\n",
     STATUS_END, 200, "", "", true, false},
    {"it leaves what follows to the next response",
     OK11 "Content-Length: 2\r\n\r\nhiHTTP/1.1 500 No\r\n", STATUS_END, 200, "hi",
     "HTTP/1.1 500 No\r\n", true, false},
    {"it takes one length said twice", OK11 "Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi",
     STATUS_END, 200, "hi", "", true, false},
    {"it wants more of a cut body", OK11 "Content-Length: 5\r\n\r\nhel", STATUS_OK, 200, "hel", "",
     false, false},
    {"it wants more of a cut head", OK11 "Content-Length: 5\r\n", STATUS_OK, 200, "", "", false,
     false},
    {"it reads chunks",
     OK11 "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", STATUS_END,
     200, "hello world", "", true, false},
    {"it reads hex in any case",
     OK11 "Transfer-Encoding: Chunked\r\n\r\na\r\n0123456789\r\nA\r\n0123456789\r\n00\r\n\r\n",
     STATUS_END, 200, "01234567890123456789", "", true, false},
    {"it passes over chunk extensions",
     OK11 "Transfer-Encoding: chunked\r\n\r\n2;a=b\r\nhi\r\n0 ; c\r\n\r\n", STATUS_END, 200, "hi",
     "", true, false},
    {"it passes over trailers",
     OK11 "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nContent-Length: 7\r\nX: y\r\n\r\nHTTP",
     STATUS_END, 200, "hi", "HTTP", true, false},
    {"it reads to the end where nothing says a length", OK11 "\r\nabc", STATUS_OK, 200, "abc", "",
     false, false},
    {"it passes over interim responses",
     "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n" OK11
     "Content-Length: 2\r\n\r\nhi",
     STATUS_END, 200, "hi", "", true, false},
    {"it forgets the fields of an interim response",
     "HTTP/1.1 100 C\r\nConnection: close\r\nContent-Length: 9\r\n\r\n" OK11
     "Content-Length: 2\r\n\r\nhi",
     STATUS_END, 200, "hi", "", true, false},
    {"it knows that 204 has no body", "HTTP/1.1 204 No Content\r\n\r\nHTTP", STATUS_END, 204, "",
     "HTTP", true, false},
    {"it knows that 304 has no body", "HTTP/1.1 304 Same\r\nContent-Length: 5\r\n\r\nHTTP",
     STATUS_END, 304, "", "HTTP", true, false},
    {"it knows that an answer to HEAD has no body", OK11 "Content-Length: 5000\r\n\r\nHTTP",
     STATUS_END, 200, "", "HTTP", true, true},
    {"it hears Connection: close", OK11 "Content-Length: 2\r\nConnection: x , Close\r\n\r\nhi",
     STATUS_END, 200, "hi", "", false, false},
    {"it closes after 1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", STATUS_END, 200, "hi",
     "", false, false},
    {"it keeps 1.0 alive where told so",
     "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi", STATUS_END, 200,
     "hi", "", true, false},
    {"it refuses what is not HTTP", "SSH-2.0-OpenSSH\r\n", STATUS_INVALID, 0, "", "", false, false},
    {"it refuses HTTP/2 on the same port", "HTTP/2.0 200 OK\r\n\r\n", STATUS_INVALID, 0, "", "",
     false, false},
    {"it refuses an empty first line", "\r\n" OK11, STATUS_INVALID, 0, "", "", false, false},
    {"it refuses a status of two digits", "HTTP/1.1 20 OK\r\n", STATUS_INVALID, 0, "", "", false,
     false},
    {"it refuses a status of four digits", "HTTP/1.1 2000 OK\r\n", STATUS_INVALID, 0, "", "", false,
     false},
    {"it refuses a status below 100", "HTTP/1.1 099 OK\r\n", STATUS_INVALID, 0, "", "", false,
     false},
    {"it refuses a control character in the reason", "HTTP/1.1 200 O\rK\r\n", STATUS_INVALID, 0, "",
     "", false, false},
    {"it refuses two lengths that differ", OK11 "Content-Length: 2\r\nContent-Length: 3\r\n\r\n",
     STATUS_INVALID, 0, "", "", false, false},
    {"it refuses a list of lengths", OK11 "Content-Length: 2, 2\r\n\r\n", STATUS_INVALID, 0, "", "",
     false, false},
    {"it refuses a signed length", OK11 "Content-Length: +2\r\n\r\n", STATUS_INVALID, 0, "", "",
     false, false},
    {"it refuses a length beyond 64 bits", OK11 "Content-Length: 99999999999999999999\r\n\r\n",
     STATUS_INVALID, 0, "", "", false, false},
    {"it refuses a length beside chunks",
     OK11 "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", STATUS_INVALID, 0, "", "",
     false, false},
    {"it refuses chunks in 1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
     STATUS_INVALID, 0, "", "", false, false},
    {"it refuses another coding", OK11 "Transfer-Encoding: gzip, chunked\r\n\r\n",
     STATUS_UNSUPPORTED, 0, "", "", false, false},
    {"it refuses chunks within chunks",
     OK11 "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", STATUS_UNSUPPORTED, 0,
     "", "", false, false},
    {"it refuses another protocol", "HTTP/1.1 101 Switching\r\n\r\n", STATUS_UNSUPPORTED, 0, "", "",
     false, false},
    {"it refuses a space before the colon", OK11 "Content-Length : 2\r\n\r\n", STATUS_INVALID, 0,
     "", "", false, false},
    {"it refuses a folded line", OK11 "X: a\r\n b\r\n\r\n", STATUS_INVALID, 0, "", "", false,
     false},
    {"it refuses a line without colon", OK11 "nonsense\r\n\r\n", STATUS_INVALID, 0, "", "", false,
     false},
    {"it refuses a field without name", OK11 ": x\r\n\r\n", STATUS_INVALID, 0, "", "", false,
     false},
    {"it refuses a bare carriage return in a value", OK11 "X: a\rContent-Length: 2\r\n\r\n",
     STATUS_INVALID, 0, "", "", false, false},
    {"it refuses a body over the limit by its length", OK11 "Content-Length: 1001\r\n\r\n",
     STATUS_TOO_LARGE, 0, "", "", false, false},
    {"it refuses a body over the limit by its chunks",
     OK11 "Transfer-Encoding: chunked\r\n\r\n3e9\r\n", STATUS_TOO_LARGE, 0, "", "", false, false},
    {"it refuses a chunk size of 16 digits",
     OK11 "Transfer-Encoding: chunked\r\n\r\n0000000000000001\r\n", STATUS_TOO_LARGE, 0, "", "",
     false, false},
    {"it refuses a chunk without size", OK11 "Transfer-Encoding: chunked\r\n\r\n\r\n",
     STATUS_INVALID, 0, "", "", false, false},
    {"it refuses a negative chunk size", OK11 "Transfer-Encoding: chunked\r\n\r\n-1\r\n",
     STATUS_INVALID, 0, "", "", false, false},
    {"it refuses a chunk that is longer than its size",
     OK11 "Transfer-Encoding: chunked\r\n\r\n2\r\nhix\r\n", STATUS_INVALID, 0, "hi", "", false,
     false},
    {"it refuses a broken trailer", OK11 "Transfer-Encoding: chunked\r\n\r\n0\r\nno\r\n",
     STATUS_INVALID, 0, "", "", false, false},
};

/* What a caller does: keeps what was not used, offers it again with more behind it. */
struct reading {
    struct http1 parser;
    char body[8192];
    size_t body_length;
    size_t at;      /* of the input, used so far */
    size_t offered; /* of the input, seen so far */
    enum status status;
};

static void offer(struct reading *reading, const char *input, size_t until)
{
    reading->offered = until;
    while (reading->status == STATUS_OK) {
        struct guard guard = guard_copy(input + reading->at, until - reading->at);
        struct text body;
        size_t used;
        reading->status =
            http1_feed(&reading->parser,
                       (struct text){(const char *)guard.bytes, until - reading->at}, &used, &body);
        assert_true(used <= until - reading->at);
        assert_true(reading->body_length + body.length <= sizeof(reading->body));
        if (body.length > 0)
            memcpy(reading->body + reading->body_length, body.data, body.length);
        reading->body_length += body.length;
        reading->at += used;
        guard_release(&guard);
        if (used == 0)
            break;
    }
}

static void expect(const struct row *row, const struct reading *reading)
{
    assert_int_equal(reading->status, row->status);
    assert_int_equal(reading->body_length, strlen(row->body));
    assert_memory_equal(reading->body, row->body, reading->body_length);
    assert_int_equal(reading->parser.body_bytes, reading->body_length);
    if (row->status != STATUS_END && row->status != STATUS_OK)
        return;
    assert_int_equal(reading->parser.http_status, row->http_status);
    if (row->status == STATUS_END) {
        assert_string_equal(row->input + reading->at, row->rest);
        assert_int_equal(http1_keeps_alive(&reading->parser), row->keeps_alive);
    }
}

static void start(struct reading *reading, const struct row *row)
{
    memset(reading, 0, sizeof(*reading));
    http1_init(&reading->parser, BODY_MAX, row->no_body);
}

static void check_whole(void **state)
{
    const struct row *row = *state;
    struct reading reading;
    start(&reading, row);
    offer(&reading, row->input, strlen(row->input));
    expect(row, &reading);
}

/* The outcome must not depend on where the network cut the bytes. */
static void check_cut(void **state)
{
    const struct row *row = *state;
    const size_t length = strlen(row->input);
    struct reading reading;
    for (size_t cut = 0; cut <= length; cut++) {
        start(&reading, row);
        offer(&reading, row->input, cut);
        offer(&reading, row->input, length);
        expect(row, &reading);
    }
    start(&reading, row);
    for (size_t until = 0; until <= length; until++)
        offer(&reading, row->input, until);
    expect(row, &reading);
}

struct close_row {
    const char *it;
    const char *input;
    enum status status;
};

static const struct close_row close_rows[] = {
    {"it takes the close as the end of a body without length", OK11 "\r\nabc", STATUS_END},
    {"it takes the close as the end of an empty body", OK11 "\r\n", STATUS_END},
    {"it sees a close before any answer", "", STATUS_CLOSED},
    {"it sees a close within the head", OK11 "Content-Le", STATUS_CLOSED},
    {"it sees a close within a body with a length", OK11 "Content-Length: 5\r\n\r\nhel",
     STATUS_CLOSED},
    {"it sees a close between chunks", OK11 "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n",
     STATUS_CLOSED},
    {"it sees a close before the last empty line",
     OK11 "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n", STATUS_CLOSED},
    {"it sees a close after an interim response", "HTTP/1.1 100 Continue\r\n\r\n", STATUS_CLOSED},
};

static void check_close(void **state)
{
    const struct close_row *row = *state;
    const struct row open = {.no_body = false};
    struct reading reading;
    start(&reading, &open);
    offer(&reading, row->input, strlen(row->input));
    assert_int_equal(reading.status, STATUS_OK);
    assert_int_equal(http1_close(&reading.parser), row->status);
    assert_false(http1_keeps_alive(&reading.parser));
}

struct size_row {
    const char *it;
    const char *before;
    const char *unit; /* written until `bytes` are there */
    size_t bytes;
    const char *after;
    enum status status;
};

static const struct size_row size_rows[] = {
    {"it takes a line of just the limit", OK11 "X: ", "a", HTTP1_LINE_MAX - 5, "\r\n", STATUS_OK},
    {"it refuses a line over the limit", OK11 "X: ", "a", HTTP1_LINE_MAX - 4, "\r\n",
     STATUS_TOO_LARGE},
    {"it refuses a line without end", OK11 "X: ", "a", HTTP1_LINE_MAX, "", STATUS_TOO_LARGE},
    {"it takes a head under the limit", OK11, "A: b\r\n", HTTP1_HEAD_MAX - 64,
     "Content-Length: 0\r\n\r\n", STATUS_END},
    {"it refuses a head without end", OK11, "A: b\r\n", HTTP1_HEAD_MAX, "", STATUS_TOO_LARGE},
    {"it refuses interim responses without end", "", "HTTP/1.1 100 C\r\n\r\n", HTTP1_HEAD_MAX + 18,
     "", STATUS_TOO_LARGE},
    {"it refuses trailers without end", OK11 "Transfer-Encoding: chunked\r\n\r\n0\r\n", "A: b\r\n",
     HTTP1_HEAD_MAX, "", STATUS_TOO_LARGE},
    {"it refuses chunk extensions without end", OK11 "Transfer-Encoding: chunked\r\n\r\n",
     "1;"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaa\r\nx\r\n",
     HTTP1_HEAD_MAX + 8192, "", STATUS_TOO_LARGE},
    {"it takes a body of just the limit that ends with the connection", OK11 "\r\n", "b", BODY_MAX,
     "", STATUS_OK},
    {"it refuses a body over the limit that ends with the connection", OK11 "\r\n", "b",
     BODY_MAX + 1, "", STATUS_TOO_LARGE},
};

static void check_size(void **state)
{
    const struct size_row *row = *state;
    const size_t room = row->bytes + 1024;
    char *input = malloc(room);
    assert_non_null(input);
    size_t length = (size_t)snprintf(input, room, "%s", row->before);
    for (size_t written = 0; written + strlen(row->unit) <= row->bytes;
         written += strlen(row->unit))
        length += (size_t)snprintf(input + length, room - length, "%s", row->unit);
    length += (size_t)snprintf(input + length, room - length, "%s", row->after);
    const struct row open = {.no_body = false};
    struct reading reading;
    start(&reading, &open);
    offer(&reading, input, length);
    free(input);
    assert_int_equal(reading.status, row->status);
}

static void check_nul(void **state)
{
    (void)state;
    static const char input[] = OK11 "X: a\0b\r\n\r\n";
    const struct row open = {.no_body = false};
    struct reading reading;
    start(&reading, &open);
    offer(&reading, input, sizeof(input) - 1);
    assert_int_equal(reading.status, STATUS_INVALID);
}

static enum status read_field(const char *name, const char *value, size_t value_length)
{
    const struct row open = {.no_body = false};
    char input[128];
    int length = snprintf(input, sizeof(input), OK11 "%s: ", name);
    memcpy(input + length, value, value_length);
    memcpy(input + (size_t)length + value_length, "\r\n", 2);
    struct reading reading;
    start(&reading, &open);
    offer(&reading, input, (size_t)length + value_length + 2);
    return reading.status;
}

/* Values are looked at eight bytes at a time: each byte in each place of them, and behind. */
static void check_value_bytes(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++)
        for (size_t at = 1; at < 20; at++) {
            char value[] = "0123456789abcdefghijk";
            bool is_good = (byte >= ' ' && byte != 0x7f) || byte == '\t';
            value[at] = (char)byte;
            if (byte == '\n') /* the end of the line; what follows is no field */
                continue;
            assert_int_equal(read_field("X", value, sizeof(value) - 1),
                             is_good ? STATUS_OK : STATUS_INVALID);
        }
}

static void check_name_bytes(void **state)
{
    (void)state;
    static const char token[] = "!#$%&'*+-.^_`|~0123456789"
                                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (unsigned byte = 1; byte < 256; byte++) {
        const char name[] = {'X', (char)byte, 'X', '\0'};
        if (byte == ':') /* the end of the name */
            continue;
        assert_int_equal(read_field(name, "a", 1),
                         strchr(token, (int)byte) != NULL ? STATUS_OK : STATUS_INVALID);
    }
}

int main(void)
{
    struct rows all = {0};
    ROWS(&all, rows, check_whole);
    ROWS(&all, rows, check_cut);
    ROWS(&all, close_rows, check_close);
    ROWS(&all, size_rows, check_size);
    rows_one(&all, "it refuses a NUL in a value", check_nul);
    rows_one(&all, "it refuses control characters in a value, wherever they stand",
             check_value_bytes);
    rows_one(&all, "it takes the characters of a token in a name, and no others", check_name_bytes);
    return rows_run("http1", &all);
}
