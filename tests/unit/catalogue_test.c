#include "loadgen/experiment/catalogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loadgen/stack/directory.h"
#include "tests/unit/rows.h"

static char directory[PATH_MAX];

static void touch(const char *name)
{
    char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
}

static int prepare(void **state)
{
    (void)state;
    bool made = false;
    assert_int_equal(
        directory_make_temporary(directory, sizeof directory, &made, &(struct error){0}),
        STATUS_OK);
    touch("zebra.json");
    touch("baseline.json");
    touch("ant.json");
    touch("notes.txt");
    touch(".hidden.json");
    return setenv("CULPRIT_SCENARIOS", directory, 1);
}

static int clean(void **state)
{
    (void)state;
    return directory_remove(directory) ? 0 : -1;
}

static void check_list(void **state)
{
    (void)state;
    static const char *const names[] = {"/baseline.json", "/ant.json", "/zebra.json"};
    struct catalogue *catalogue = malloc(sizeof *catalogue);
    assert_int_equal(catalogue_list(catalogue, NULL), STATUS_OK);
    assert_int_equal(catalogue->count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(strrchr(catalogue->paths[i], '/'), names[i]);
    free(catalogue);
}

struct row {
    const char *it;
    const char *word;
    enum status status;
    const char *end; /* of the path, or a part of the error */
};

static const struct row rows[] = {
    {"it finds a scenario by name", "ant", STATUS_OK, "/ant.json"},
    {"it takes a word with a slash for a path", "./ant", STATUS_OK, "./ant"},
    {"it takes a word with the suffix for a path", "x.json", STATUS_OK, "x.json"},
    {"it lists what there is where a name is wrong", "bee", STATUS_NOT_FOUND,
     "no scenario \"bee\"; there are baseline, ant, zebra"},
    {"it does not find what is hidden", ".hidden", STATUS_NOT_FOUND, "no scenario"},
    {"it does not find a part of a name", "an", STATUS_NOT_FOUND, "no scenario"},
};

static void check_find(void **state)
{
    const struct row *row = *state;
    char path[PATH_MAX] = "";
    struct error error = {0};
    assert_int_equal(catalogue_find(row->word, path, &error), row->status);
    const char *text = row->status == STATUS_OK ? path : error.text;
    if (!strstr(text, row->end))
        fail_msg("\"%s\" is not in \"%s\"", row->end, text);
}

int main(void)
{
    static struct rows all;
    rows_one(&all, "it lists scenarios by name, the baseline first", check_list);
    ROWS(&all, rows, check_find);
    return _cmocka_run_group_tests("catalogue", all.tests, all.count, prepare, clean);
}
