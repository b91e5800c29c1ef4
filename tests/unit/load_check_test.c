#include "loadgen/load/load_check.h"

#include "tests/unit/rows.h"

#define CHECK(kind_, what_, value_)                                                                \
    {                                                                                              \
        .kind = kind_, .what = TEXT_CONSTANT(what_), .value = TEXT_CONSTANT(value_)                \
    }

struct row {
    const char *it;
    struct load_checks checks;
    unsigned http_status;
    enum load_outcome outcome;
    size_t failed;
};

static const struct row rows[] = {
    {"it takes 2xx where nothing is said", {.count = 0}, 204, LOAD_OK, 99},
    {"it takes 3xx where nothing is said", {.count = 0}, 302, LOAD_OK, 99},
    {"it does not take 4xx where nothing is said", {.count = 0}, 404, LOAD_STATUS, 99},
    {"it takes a status that is named",
     {.statuses = {200, 404}, .status_count = 2},
     404,
     LOAD_OK,
     99},
    {"it does not take one that is not",
     {.statuses = {201}, .status_count = 1},
     200,
     LOAD_STATUS,
     99},
    {"it finds a part of a header",
     {.items = {CHECK(LOAD_CHECK_HEADER, "x-kind", "ell")}, .count = 1},
     200,
     LOAD_OK,
     99},
    {"it misses a header",
     {.items = {CHECK(LOAD_CHECK_HEADER, "x", "")}, .count = 1},
     200,
     LOAD_BODY,
     0},
    {"it finds a part of the body",
     {.items = {CHECK(LOAD_CHECK_BODY, "", "\"ok\":true")}, .count = 1},
     200,
     LOAD_OK,
     99},
    {"it says which check failed first",
     {.items = {CHECK(LOAD_CHECK_BODY, "", "ok"), CHECK(LOAD_CHECK_JSON, "/n", "2"),
                CHECK(LOAD_CHECK_BODY, "", "nowhere")},
      .count = 3},
     200,
     LOAD_BODY,
     1},
    {"it compares a value of JSON",
     {.items = {CHECK(LOAD_CHECK_JSON, "/n", "1"), CHECK(LOAD_CHECK_JSON, "/ok", "true")},
      .count = 2},
     200,
     LOAD_OK,
     99},
    {"it looks at the status first",
     {.items = {CHECK(LOAD_CHECK_BODY, "", "nowhere")}, .count = 1},
     500,
     LOAD_STATUS,
     99},
};

static void check_row(void **state)
{
    const struct row *row = *state;
    const struct load_answer answer = {row->http_status,
                                       TEXT_CONSTANT("HTTP/1.1 200 OK\r\nX-Kind: hello\r\n\r\n"),
                                       TEXT_CONSTANT("{\"ok\":true,\"n\":1}")};
    size_t failed = 99;
    assert_int_equal(load_check_answer(&row->checks, &answer, &failed), row->outcome);
    assert_int_equal(failed, row->failed);
}

static void check_words(void **state)
{
    (void)state;
    static const struct load_check checks[] = {CHECK(LOAD_CHECK_HEADER, "a", "b"),
                                               CHECK(LOAD_CHECK_BODY, "", "c"),
                                               CHECK(LOAD_CHECK_JSON, "/d", "e")};
    static const char *const words[] = {"header a contains b", "body contains c", "json /d is e"};
    for (size_t i = 0; i < 3; i++) {
        char out[64];
        load_check_words(&checks[i], out, sizeof(out));
        assert_string_equal(out, words[i]);
    }
}

int main(void)
{
    static struct rows all;
    ROWS(&all, rows, check_row);
    rows_one(&all, "it says in words what was expected", check_words);
    return rows_run("load_check", &all);
}
