#include "loadgen/report/load_page.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/rows.h"

struct row {
    const char *it;
    const char *json, *embedded;
};

static const struct row rows[] = {
    {"it embeds a report as it is", "{\"a\":[1,2]}", "{\"a\":[1,2]}"},
    {"it leaves out lines and indentation", "{\n  \"a b\": 1\n}\n", "{\"a b\": 1}"},
    {"it lets no text end its element", "[\"</script>\"]", "[\"\\u003c/script\\u003e\"]"},
    {"it lets no text begin a comment", "[\"<!--\"]", "[\"\\u003c!--\"]"},
    {"it writes no reference", "[\"&lt;\"]", "[\"\\u0026lt;\"]"},
    {"it escapes the line ends of scripts", "[\"\xe2\x80\xa8\xe2\x80\xa9\"]",
     "[\"\\u2028\\u2029\"]"},
    {"it leaves their neighbours alone", "[\"\xe2\x80\xa7\xe2\x80\xaa\"]",
     "[\"\xe2\x80\xa7\xe2\x80\xaa\"]"},
    {"it embeds text that ends amid a character", "\xe2\x80", "\xe2\x80"},
};

static void check_row(void **state)
{
    static const char begin[] = "<script type=\"application/json\" id=\"report\">";
    const struct row *row = *state;
    struct buffer out;
    buffer_init(&out, 1024 * 1024);
    load_page_write(text_of(row->json), &out);
    const char *at = strstr(buffer_text(&out), begin);
    assert_non_null(at);
    at += sizeof(begin) - 1;
    const char *end = strstr(at, "</script>");
    assert_non_null(end);
    assert_int_equal(end - at, strlen(row->embedded));
    assert_memory_equal(at, row->embedded, strlen(row->embedded));
    assert_non_null(strstr(end, "</html>"));
    buffer_release(&out);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, rows, check_row);
    return rows_run("load_page", &all);
}
