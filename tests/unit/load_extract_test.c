#include "loadgen/load/load_extract.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/rows.h"

#define HEAD                                                                                       \
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Id:  7 \r\nEmpty:\r\nx-id: 8\r\n\r\n"
#define BODY                                                                                       \
    "{\"a\":{\"b\":[10,\"x\\ny\",{\"c/d\":true,\"e~f\":null}]},\"n\":-1.50,\"t\":\"\",\"\":1}"

struct row {
    const char *it;
    struct load_extract extract;
    const char *value; /* NULL: not there */
};

#define POINTER(text)                                                                              \
    {                                                                                              \
        .kind = LOAD_EXTRACT_JSON, .what = TEXT_CONSTANT(text)                                     \
    }
#define HEADER(text)                                                                               \
    {                                                                                              \
        .kind = LOAD_EXTRACT_HEADER, .what = TEXT_CONSTANT(text)                                   \
    }
#define BETWEEN(text, end)                                                                         \
    {                                                                                              \
        .kind = LOAD_EXTRACT_BETWEEN, .what = TEXT_CONSTANT(text), .behind = TEXT_CONSTANT(end)    \
    }

static const struct row rows[] = {
    {"it takes a number as it is written", POINTER("/n"), "-1.50"},
    {"it goes down into objects and arrays", POINTER("/a/b/0"), "10"},
    {"it takes a string without its escapes", POINTER("/a/b/1"), "x\ny"},
    {"it knows the escapes of pointers", POINTER("/a/b/2/c~1d"), "true"},
    {"it knows the other escape too", POINTER("/a/b/2/e~0f"), "null"},
    {"it takes an array whole", POINTER("/a/b"), "[10,\"x\\ny\",{\"c/d\":true,\"e~f\":null}]"},
    {"it takes all of it", POINTER(""), BODY},
    {"it takes an empty string", POINTER("/t"), ""},
    {"it finds an empty key", POINTER("/"), "1"},
    {"it does not find another key", POINTER("/x"), NULL},
    {"it does not find behind the end of an array", POINTER("/a/b/3"), NULL},
    {"it does not take a name for an index", POINTER("/a/b/x"), NULL},
    {"it does not take 00 for an index", POINTER("/a/b/00"), NULL},
    {"it does not go down into a number", POINTER("/n/0"), NULL},
    {"it finds a header whatever its case", HEADER("content-TYPE"), "application/json"},
    {"it takes the first of two headers, without spaces around it", HEADER("x-id"), "7"},
    {"it takes an empty header", HEADER("empty"), ""},
    {"it does not find another header", HEADER("http/1.1 200 ok"), NULL},
    {"it takes what is between two texts", BETWEEN("\"n\":", ","), "-1.50"},
    {"it does not find without the text before", BETWEEN("\"m\":", ","), NULL},
    {"it does not find without the text behind", BETWEEN("\"n\":", ";"), NULL},
};

/* The body lies in a block of its own size, so that a reader beyond it is seen. */
static void check_row(void **state)
{
    const struct row *row = *state;
    char *body = malloc(sizeof(BODY) - 1);
    struct buffer out;
    assert_non_null(body);
    memcpy(body, BODY, sizeof(BODY) - 1);
    buffer_init(&out, 1024);
    buffer_append_text(&out, "<");
    const struct load_answer answer = {200, TEXT_CONSTANT(HEAD), {body, sizeof(BODY) - 1}};
    assert_int_equal(load_extract_run(&row->extract, &answer, &out), row->value != NULL);
    if (row->value != NULL)
        assert_string_equal(buffer_text(&out) + 1, row->value);
    buffer_release(&out);
    free(body);
}

static void check_nothing(void **state)
{
    (void)state;
    const struct load_answer nothing = {0};
    struct buffer out;
    buffer_init(&out, 16);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_false(load_extract_run(&rows[i].extract, &nothing, &out));
    buffer_release(&out);
}

static void check_empty_value(void **state)
{
    (void)state;
    const struct load_answer answer = {200, TEXT_CONSTANT(HEAD), TEXT_CONSTANT("{\"t\":\"\"}")};
    const struct load_extract extract = POINTER("/t");
    struct buffer out;
    buffer_init(&out, 16);
    assert_true(load_extract_run(&extract, &answer, &out));
    assert_string_equal(buffer_text(&out), "");
    buffer_release(&out);
}

static void check_no_room(void **state)
{
    (void)state;
    const struct load_answer answer = {200, TEXT_CONSTANT(HEAD), TEXT_CONSTANT(BODY)};
    struct buffer out;
    buffer_init(&out, 4);
    assert_false(load_extract_run(&rows[5].extract, &answer, &out));
    assert_false(load_extract_run(&rows[14].extract, &answer, &out));
    buffer_release(&out);
}

static void check_pointers(void **state)
{
    (void)state;
    assert_true(load_extract_is_pointer(text_of("")));
    assert_true(load_extract_is_pointer(text_of("/a~0b~1")));
    assert_false(load_extract_is_pointer(text_of("a")));
    assert_false(load_extract_is_pointer(text_of("/a~")));
    assert_false(load_extract_is_pointer(text_of("/a~2")));
}

int main(void)
{
    static struct rows all;
    ROWS(&all, rows, check_row);
    rows_one(&all, "it finds nothing in nothing", check_nothing);
    rows_one(&all, "it takes nothing into a buffer without memory", check_empty_value);
    rows_one(&all, "it does not take more than there is room for", check_no_room);
    rows_one(&all, "it knows a JSON pointer", check_pointers);
    return rows_run("load_extract", &all);
}
