#include "loadgen/stack/directory.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/rows.h"

static bool exists(const char *path)
{
    struct stat found;
    return lstat(path, &found) == 0;
}

static void check_tree(void **state)
{
    (void)state;
    char root[PATH_MAX], deep[PATH_MAX + 16], file[PATH_MAX + 32], link[PATH_MAX + 32];
    char outside[] = "/tmp/culprit-outside-XXXXXX";
    bool made = false;
    struct error error = {0};
    assert_int_equal(directory_make_temporary(root, sizeof root, &made, &error), STATUS_OK);
    assert_true(made);
    snprintf(deep, sizeof deep, "%s/a/b/c", root);
    assert_int_equal(directory_make(deep, &error), STATUS_OK);
    assert_int_equal(directory_make(deep, &error), STATUS_OK); /* it is there already */
    snprintf(file, sizeof file, "%s/file", deep);
    fclose(fopen(file, "w"));
    /* what a link points at is not ours */
    close(mkstemp(outside));
    snprintf(link, sizeof link, "%s/link", deep);
    assert_int_equal(symlink(outside, link), 0);
    assert_true(directory_remove(root));
    assert_false(exists(root));
    assert_true(exists(outside));
    unlink(outside);
}

static void check_file(void **state)
{
    (void)state;
    struct error error = {0};
    char path[] = "/tmp/culprit-file-XXXXXX";
    char below[64];
    close(mkstemp(path));
    snprintf(below, sizeof below, "%s/x", path);
    assert_int_equal(directory_make(path, &error), STATUS_IO);
    assert_non_null(strstr(error.text, path));
    assert_int_equal(directory_make(below, &error), STATUS_IO);
    assert_int_equal(directory_make("", &error), STATUS_IO);
    unlink(path);
}

static const char content[] = "what is in it";

static void write_content(const char *path)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(content, file);
    fclose(file);
}

/* To `directory`, over a file that stands there. */
static void move_to(const char *directory)
{
    char from[] = "/tmp/culprit-from-XXXXXX";
    char to[PATH_MAX], read[64] = "";
    struct error error = {0};
    close(mkstemp(from));
    write_content(from);
    snprintf(to, sizeof to, "%s/culprit-to-%d", directory, (int)getpid());
    fclose(fopen(to, "w"));
    assert_int_equal(directory_move_file(from, to, &error), STATUS_OK);
    assert_false(exists(from));
    FILE *file = fopen(to, "r");
    assert_non_null(file);
    assert_non_null(fgets(read, sizeof read, file));
    fclose(file);
    assert_string_equal(read, content);
    assert_int_equal(directory_move_file(from, to, &error), STATUS_NOT_FOUND);
    assert_non_null(strstr(error.text, from));
    unlink(to);
}

static void check_move(void **state)
{
    (void)state;
    move_to("/tmp");
    if (exists("/dev/shm")) /* most often another file system */
        move_to("/dev/shm");
}

int main(void)
{
    static struct rows all;
    rows_one(&all, "it makes a tree and removes it, but nothing that a link points at", check_tree);
    rows_one(&all, "it refuses a file in the way", check_file);
    rows_one(&all, "it moves a file whole, also between file systems", check_move);
    return rows_run("directory", &all);
}
