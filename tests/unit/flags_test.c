#include "base/flags.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/rows.h"

enum { WORDS_MAX = 8 };

/* The targets of one parse, and the table over them. */
static struct {
    bool verbose;
    const char *name;
    uint64_t count;
    double rate;
} got;

static const struct flag table[] = {
    {"verbose", 'v', FLAG_BOOL, &got.verbose, NULL, "talk more"},
    {"name", 'n', FLAG_TEXT, &got.name, "NAME", "what it is called"},
    {"count", 0, FLAG_U64, &got.count, "N", "how many"},
    {"rate-that-has-a-long-name", 'r', FLAG_DOUBLE, &got.rate, "PER_SECOND", "how often"},
};

enum { TABLE_COUNT = sizeof(table) / sizeof(table[0]) };

struct row {
    const char *it;
    const char *words[WORDS_MAX];
    enum status status;
    const char *error; /* a part of it */
    bool verbose;
    const char *name;
    uint64_t count;
    double rate;
    const char *operands[3];
};

static const struct row rows[] = {
    {"it leaves defaults", {NULL}, STATUS_OK, NULL, false, "none", 7, 0.5, {NULL}},
    {"it reads long flags",
     {"--verbose", "--name=a", "--count=3"},
     STATUS_OK,
     NULL,
     true,
     "a",
     3,
     0.5,
     {NULL}},
    {"it reads values as words of their own",
     {"--name", "a", "--count", "3"},
     STATUS_OK,
     NULL,
     false,
     "a",
     3,
     0.5,
     {NULL}},
    {"it reads letters", {"-v", "-nb", "-r", "2.5"}, STATUS_OK, NULL, true, "b", 7, 2.5, {NULL}},
    {"it reads letters in one word", {"-vn", "c"}, STATUS_OK, NULL, true, "c", 7, 0.5, {NULL}},
    {"it finds operands among flags",
     {"x", "-v", "y"},
     STATUS_OK,
     NULL,
     true,
     "none",
     7,
     0.5,
     {"x", "y"}},
    {"it takes all behind two dashes as operands",
     {"--", "-v"},
     STATUS_OK,
     NULL,
     false,
     "none",
     7,
     0.5,
     {"-v"}},
    {"it takes the last of two", {"-na", "-nb"}, STATUS_OK, NULL, false, "b", 7, 0.5, {NULL}},
    {"it takes an empty text", {"--name="}, STATUS_OK, NULL, false, "", 7, 0.5, {NULL}},
    {"it reads the largest number",
     {"--count=18446744073709551615"},
     STATUS_OK,
     NULL,
     false,
     "none",
     UINT64_MAX,
     0.5,
     {NULL}},
    {"it ends for --help", {"--help"}, STATUS_END, NULL, false, "none", 7, 0.5, {NULL}},
    {"it ends for -h", {"-v", "-h"}, STATUS_END, NULL, true, "none", 7, 0.5, {NULL}},
    {"it refuses an unknown flag",
     {"--wrong"},
     STATUS_INVALID,
     "--wrong: no such flag",
     false,
     "none",
     7,
     0.5,
     {NULL}},
    {"it refuses an unknown flag with a value",
     {"--wrong=1"},
     STATUS_INVALID,
     "--wrong=1: no such flag",
     false,
     "none",
     7,
     0.5,
     {NULL}},
    {"it refuses an unknown letter",
     {"-x"},
     STATUS_INVALID,
     "-x: no such flag",
     false,
     "none",
     7,
     0.5,
     {NULL}},
    {"it refuses an unknown letter behind a long flag",
     {"--count=3", "-vx"},
     STATUS_INVALID,
     "-x: no such flag",
     true,
     "none",
     3,
     0.5,
     {NULL}},
    {"it refuses a missing value",
     {"--name"},
     STATUS_INVALID,
     "--name needs a value: NAME",
     false,
     "none",
     7,
     0.5,
     {NULL}},
    {"it refuses a letter's missing value",
     {"-r"},
     STATUS_INVALID,
     "--rate-that-has-a-long-name needs a value",
     false,
     "none",
     7,
     0.5,
     {NULL}},
    {"it refuses a value too many",
     {"--verbose=1"},
     STATUS_INVALID,
     "--verbose takes no value",
     false,
     "none",
     7,
     0.5,
     {NULL}},
    {"it refuses a value for --help",
     {"--help=me"},
     STATUS_INVALID,
     "--help takes no value",
     false,
     "none",
     7,
     0.5,
     {NULL}},
    {"it refuses a count of words",
     {"--count=ten"},
     STATUS_INVALID,
     "--count: 'ten' is not a whole number",
     false,
     "none",
     7,
     0.5,
     {NULL}},
    {"it refuses a negative count",
     {"--count=-1"},
     STATUS_INVALID,
     "--count: '-1' is not",
     false,
     "none",
     7,
     0.5,
     {NULL}},
    {"it refuses a unit behind a count",
     {"--count=3s"},
     STATUS_INVALID,
     "--count: '3s' is not",
     false,
     "none",
     7,
     0.5,
     {NULL}},
    {"it refuses an empty count",
     {"--count="},
     STATUS_INVALID,
     "--count: '' is not",
     false,
     "none",
     7,
     0.5,
     {NULL}},
    {"it refuses a count that is too large",
     {"--count=18446744073709551616"},
     STATUS_INVALID,
     "is too large",
     false,
     "none",
     7,
     0.5,
     {NULL}},
    {"it refuses a rate that is no number",
     {"-rnan"},
     STATUS_INVALID,
     "'nan' is not a number",
     false,
     "none",
     7,
     0.5,
     {NULL}},
};

static void check_row(void **state)
{
    const struct row *row = *state;
    char *argv[WORDS_MAX + 2] = {(char *)(uintptr_t) "program"};
    int argc = 1, first = 0;
    struct error error = {{0}};
    got.verbose = false;
    got.name = "none";
    got.count = 7;
    got.rate = 0.5;
    for (; argc <= WORDS_MAX && row->words[argc - 1]; argc++)
        argv[argc] = (char *)(uintptr_t)row->words[argc - 1];
    assert_int_equal(flags_parse(table, TABLE_COUNT, argc, argv, &first, &error), row->status);
    assert_true(got.verbose == row->verbose && got.count == row->count && got.rate == row->rate);
    assert_string_equal(got.name, row->name);
    if (row->error)
        assert_non_null(strstr(error.text, row->error));
    else
        assert_string_equal(error.text, "");
    for (int i = 0; row->status == STATUS_OK && i <= argc - first; i++) {
        if (i < argc - first)
            assert_string_equal(argv[first + i], row->operands[i]);
        else
            assert_null(row->operands[i]);
    }
}

static void check_no_error(void **state)
{
    (void)state;
    char *argv[] = {(char *)(uintptr_t) "program", (char *)(uintptr_t) "--wrong", NULL};
    int first;
    assert_int_equal(flags_parse(table, TABLE_COUNT, 2, argv, &first, NULL), STATUS_INVALID);
    assert_int_equal(flags_parse(NULL, 0, 1, argv, &first, NULL), STATUS_OK);
    assert_int_equal(first, 1);
}

static void check_help(void **state)
{
    (void)state;
    char *text = NULL;
    size_t length = 0;
    const struct flags_usage usage = {"culprit run", "SCENARIO", "Runs it.", "See also."};
    got.verbose = false;
    got.name = "none";
    got.count = 7;
    got.rate = 0.5;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    flags_help(out, &usage, table, TABLE_COUNT);
    fclose(out);
    assert_string_equal(text, "usage: culprit run [flags] SCENARIO\n\nRuns it.\n\n"
                              "  -v, --verbose               talk more\n"
                              "  -n, --name=NAME             what it is called (default: none)\n"
                              "      --count=N               how many (default: 7)\n"
                              "  -r, --rate-that-has-a-long-name=PER_SECOND\n"
                              "                              how often (default: 0.5)\n"
                              "  -h, --help                  this text\n\nSee also.\n");
    free(text);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, rows, check_row);
    rows_one(&all, "it takes no error and no table", check_no_error);
    rows_one(&all, "it prints help from the same rows", check_help);
    return rows_run("flags", &all);
}
