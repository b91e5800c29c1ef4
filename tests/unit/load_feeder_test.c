#include "loadgen/load/load_feeder.h"

#include <string.h>

#include "tests/unit/rows.h"

struct row {
    const char *it, *file, *content;
    enum status status;
    size_t columns, rows;
    const char *last; /* cell of all */
    const char *words;
};

static const struct row rows[] = {
    {"it reads lines and fields", "a.csv", "user,word\nu1,w1\nu2,w2\n", STATUS_OK, 2, 2, "w2",
     NULL},
    {"it needs no line end at the end", "a.csv", "user\nu1", STATUS_OK, 1, 1, "u1", NULL},
    {"it reads CRLF", "a.csv", "a,b\r\n1,2\r\n", STATUS_OK, 2, 1, "2", NULL},
    {"it reads quoted fields", "a.csv", "a\n\"x, y\"\n", STATUS_OK, 1, 1, "x, y", NULL},
    {"it reads doubled quotes", "a.csv", "a\n\"say \"\"hi\"\"\"\n", STATUS_OK, 1, 1, "say \"hi\"",
     NULL},
    {"it reads a line end in quotes", "a.csv", "a\n\"x\ny\"\n", STATUS_OK, 1, 1, "x\ny", NULL},
    {"it reads empty fields", "a.csv", "a,b\n1,\n", STATUS_OK, 2, 1, "", NULL},
    {"it refuses a row that is too short", "a.csv", "a,b\n1,2\n3\n", STATUS_INVALID, 0, 0, NULL,
     "a.csv:3: not as many fields as columns"},
    {"it refuses a quote without its end", "a.csv", "a\n\"x\n", STATUS_INVALID, 0, 0, NULL,
     "a.csv:3: a quote without its end"},
    {"it refuses words behind a quoted field", "a.csv", "a\n\"x\"y\n", STATUS_INVALID, 0, 0, NULL,
     "a.csv:2: words behind a quoted field"},
    {"it refuses a file without rows", "a.csv", "a,b\n", STATUS_INVALID, 0, 0, NULL,
     "a.csv:2: no rows"},
    {"it refuses an empty file", "a.csv", "", STATUS_INVALID, 0, 0, NULL, "a.csv:1: no rows"},
    {"it reads JSON", "a.json", "[{\"a\":\"x\\u0041\",\"b\":1},{\"b\":true,\"a\":2.5}]", STATUS_OK,
     2, 2, "true", NULL},
    {"it refuses other keys", "a.json", "[{\"a\":1},\n{\"b\":1}]", STATUS_INVALID, 0, 0, NULL,
     "a.json:2: not the keys of the first row"},
    {"it refuses a key twice", "a.json", "[{\"a\":1,\"b\":2},{\"a\":1,\"a\":1}]", STATUS_INVALID, 0,
     0, NULL, "a.json:1: not the keys of the first row"},
    {"it refuses JSON in JSON", "a.json", "[{\"a\":[1]}]", STATUS_INVALID, 0, 0, NULL,
     "a.json:1: a value must be a string, a number or a boolean"},
    {"it refuses what is no array", "a.json", "{}", STATUS_INVALID, 0, 0, NULL,
     "a.json:1: must be an array of objects"},
    {"it refuses other files", "a.txt", "a\nb\n", STATUS_INVALID, 0, 0, NULL,
     "a.txt:1: data must be a .csv or a .json file"},
};

static void check_row(void **state)
{
    const struct row *row = *state;
    struct load_feeder feeder = {0};
    struct error error = {0};
    assert_int_equal(load_feeder_parse(&feeder, text_of(row->content), row->file, &error),
                     row->status);
    if (row->status == STATUS_OK) {
        assert_int_equal(feeder.column_count, row->columns);
        assert_int_equal(feeder.row_count, row->rows);
        struct text last = load_feeder_cell(&feeder, row->rows - 1, (uint16_t)(row->columns - 1));
        assert_true(text_is(last, row->last));
    } else {
        assert_string_equal(error.text, row->words);
    }
    load_feeder_release(&feeder);
    load_feeder_release(&feeder);
}

static void check_rows_of(void **state)
{
    (void)state;
    struct load_feeder feeder = {0};
    unsigned seen[3] = {0}, differ = 0;
    assert_int_equal(load_feeder_parse(&feeder, text_of("a\n1\n2\n3\n"), "a.csv", NULL), STATUS_OK);
    for (uint64_t i = 0; i < 9; i++)
        assert_int_equal(load_feeder_row(&feeder, 1, i), i % 3);
    feeder.is_random = true;
    for (uint64_t i = 0; i < 300; i++) {
        size_t at = load_feeder_row(&feeder, 1, i);
        assert_true(at < 3 && load_feeder_row(&feeder, 1, i) == at);
        seen[at]++;
        differ += load_feeder_row(&feeder, 2, i) != at;
    }
    assert_true(seen[0] > 60 && seen[1] > 60 && seen[2] > 60 && differ > 100);
    load_feeder_release(&feeder);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, rows, check_row);
    rows_one(&all, "it gives rows in turn, or by the seed", check_rows_of);
    return rows_run("load_feeder", &all);
}
