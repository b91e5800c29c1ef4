#include "base/status.h"

#include <string.h>

#include "tests/unit/rows.h"

struct words_row {
    const char *it;
    enum status status;
    const char *words;
};

static const struct words_row words_rows[] = {
    {"it has words for success", STATUS_OK, "ok"},
    {"it has words for the last status", STATUS_INTERRUPTED, "interrupted"},
    {"it has words for one in between", STATUS_TIMEOUT, "deadline passed"},
    {"it has words for a number that is no status", (enum status)99, "unknown status"},
    {"it has words for a negative number", (enum status) - 1, "unknown status"},
};

static void check_words(void **state)
{
    const struct words_row *row = *state;
    assert_string_equal(status_words(row->status), row->words);
}

static void check_returns_status(void **state)
{
    (void)state;
    struct error error = {{0}};
    assert_int_equal(error_set(&error, STATUS_IO, "%s:%d: %s", "a.json", 3, "bad"), STATUS_IO);
    assert_string_equal(error.text, "a.json:3: bad");
}

static void check_no_error(void **state)
{
    (void)state;
    assert_int_equal(error_set(NULL, STATUS_BUSY, "%d", 1), STATUS_BUSY);
}

static void check_cut(void **state)
{
    (void)state;
    struct error error;
    char longer[2 * sizeof(error.text)];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_int_equal(error_set(&error, STATUS_INVALID, "%s", longer), STATUS_INVALID);
    assert_int_equal(strlen(error.text), sizeof(error.text) - 1);
}

static void check_wrap(void **state)
{
    (void)state;
    struct error error = {{0}};
    error_set(&error, STATUS_INVALID, "inner words");
    error_set(&error, STATUS_INVALID, "outer: %s", error.text);
    assert_string_equal(error.text, "outer: inner words");
}

int main(void)
{
    static struct rows all;
    ROWS(&all, words_rows, check_words);
    rows_one(&all, "it writes words and returns the status", check_returns_status);
    rows_one(&all, "it takes no error at all", check_no_error);
    rows_one(&all, "it cuts words at the size of the error", check_cut);
    rows_one(&all, "it puts words around those that are there", check_wrap);
    return rows_run("status", &all);
}
