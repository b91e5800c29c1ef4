#include "base/buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/rows.h"

static void check_empty(void **state)
{
    (void)state;
    struct buffer zero = {0};
    assert_string_equal(buffer_text(&zero), "");
    assert_int_equal(buffer_append(&zero, "a", 1), STATUS_TOO_LARGE);
    buffer_release(&zero);
    buffer_release(&zero);

    struct buffer buffer;
    uint8_t *out = (uint8_t *)&zero;
    size_t length = 9;
    buffer_init(&buffer, 10);
    assert_null(buffer.data);
    assert_int_equal(buffer_append(&buffer, NULL, 0), STATUS_OK);
    assert_int_equal(buffer_extend(&buffer, 0, &out), STATUS_OK);
    buffer_consume(&buffer, 5);
    buffer_clear(&buffer);
    assert_null(buffer_take(&buffer, &length));
    assert_int_equal(length, 0);
}

static void check_append(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 1 << 20);
    for (unsigned i = 0; i < 10000; i++) {
        assert_int_equal(buffer_append_byte(&buffer, (uint8_t)('a' + i % 26)), STATUS_OK);
        assert_true(buffer.length_bytes == i + 1 && buffer.length_bytes <= buffer.capacity_bytes);
        assert_int_equal(buffer.data[i + 1], 0);
    }
    assert_true(buffer.capacity_bytes < 32768);
    for (unsigned i = 0; i < 10000; i++)
        assert_int_equal(buffer.data[i], 'a' + i % 26);
    buffer_release(&buffer);
    assert_true(buffer.max_bytes == 1 << 20 && !buffer.data);
}

struct max_row {
    const char *it;
    size_t max_bytes, first_bytes, second_bytes;
    enum status second;
};

static const struct max_row max_rows[] = {
    {"it takes exactly its maximum", 100, 60, 40, STATUS_OK},
    {"it refuses one byte over its maximum", 100, 60, 41, STATUS_TOO_LARGE},
    {"it takes its maximum at once", 100, 0, 100, STATUS_OK},
    {"it takes one byte", 1, 0, 1, STATUS_OK},
    {"it refuses two bytes where one is the most", 1, 0, 2, STATUS_TOO_LARGE},
    {"it refuses a length that would wrap", 100, 1, SIZE_MAX, STATUS_TOO_LARGE},
    {"it takes a maximum that is no power of two", 5000, 4097, 903, STATUS_OK},
};

static void check_max(void **state)
{
    const struct max_row *row = *state;
    struct buffer buffer;
    uint8_t *out;
    buffer_init(&buffer, row->max_bytes);
    assert_int_equal(buffer_extend(&buffer, row->first_bytes, &out), STATUS_OK);
    if (out)
        memset(out, 'x', row->first_bytes);
    assert_int_equal(buffer_extend(&buffer, row->second_bytes, &out), row->second);
    assert_true(buffer.capacity_bytes <= row->max_bytes);
    if (row->second == STATUS_OK) {
        assert_true(buffer.length_bytes == row->first_bytes + row->second_bytes);
        memset(out, 'y', row->second_bytes);
    } else {
        assert_null(out);
        assert_true(buffer.length_bytes == row->first_bytes);
        assert_int_equal(buffer_append(&buffer, "", 0), STATUS_TOO_LARGE);
        buffer_clear(&buffer);
        assert_int_equal(buffer_append(&buffer, "z", 1), STATUS_OK);
    }
    buffer_release(&buffer);
}

static void check_printf(void **state)
{
    (void)state;
    char longer[1000];
    struct buffer buffer;
    memset(longer, 'l', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    for (size_t length = 250; length <= 260; length++) { /* around what is formatted once */
        buffer_init(&buffer, 2000);
        assert_int_equal(buffer_printf(&buffer, "<%.*s>", (int)length, longer), STATUS_OK);
        assert_true(buffer.length_bytes == length + 2 &&
                    strlen(buffer_text(&buffer)) == length + 2);
        assert_int_equal(buffer.data[length + 1], '>');
        buffer_release(&buffer);
    }
    buffer_init(&buffer, 12);
    assert_int_equal(buffer_printf(&buffer, "%d-%s", 7, "abc"), STATUS_OK);
    assert_int_equal(buffer_printf(&buffer, "%s", longer), STATUS_TOO_LARGE);
    assert_int_equal(buffer_printf(&buffer, "x"), STATUS_TOO_LARGE);
    assert_string_equal(buffer_text(&buffer), "7-abc");
    buffer_release(&buffer);
}

static void check_consume(void **state)
{
    (void)state;
    struct buffer buffer;
    size_t length;
    buffer_init(&buffer, 100);
    buffer_append_text(&buffer, "abcdef");
    buffer_consume(&buffer, 0);
    buffer_consume(&buffer, 2);
    assert_string_equal(buffer_text(&buffer), "cdef");
    buffer_consume(&buffer, 100);
    assert_string_equal(buffer_text(&buffer), "");
    buffer_append_text(&buffer, "gh");
    char *taken = (char *)buffer_take(&buffer, &length);
    assert_string_equal(taken, "gh");
    assert_true(length == 2 && !buffer.data && buffer.max_bytes == 100);
    free(taken);
    buffer_release(&buffer);
}

/* A directory of its own for the tests with files. */
static char directory[] = "/tmp/culprit-buffer-test-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static void check_file(void **state)
{
    (void)state;
    struct buffer out, in;
    struct error error = {{0}};
    struct stat found;
    uint8_t *bytes;
    buffer_init(&out, 1 << 20);
    buffer_init(&in, 1 << 20);
    assert_int_equal(buffer_extend(&out, 200001, &bytes), STATUS_OK);
    for (size_t i = 0; i < 200001; i++)
        bytes[i] = (uint8_t)(i * 7);
    assert_int_equal(buffer_write_file(&out, path_of("a"), &error), STATUS_OK);
    assert_int_equal(stat(path_of("a"), &found), 0);
    assert_true(S_ISREG(found.st_mode) && found.st_size == 200001);
    assert_int_equal(buffer_read_file(&in, path_of("a"), &error), STATUS_OK);
    assert_true(in.length_bytes == 200001 && memcmp(in.data, out.data, 200001) == 0);
    buffer_clear(&out);
    buffer_append_text(&out, "new");
    assert_int_equal(buffer_write_file(&out, path_of("a"), &error), STATUS_OK);
    assert_int_equal(buffer_read_file(&in, path_of("a"), &error), STATUS_OK); /* appends */
    assert_true(in.length_bytes == 200004);
    assert_string_equal(buffer_text(&in) + 200001, "new");
    assert_int_equal(unlink(path_of("a")), 0);
    buffer_release(&in);
    buffer_release(&out);
}

struct size_row {
    const char *it;
    size_t file_bytes, max_bytes;
    enum status status;
};

static const struct size_row size_rows[] = {
    {"it reads an empty file", 0, 1, STATUS_OK},
    {"it reads a file of exactly its maximum", 70000, 70000, STATUS_OK},
    {"it refuses a file of one byte more", 70001, 70000, STATUS_TOO_LARGE},
    {"it reads a file of a chunk", 65536, 1 << 20, STATUS_OK},
};

static void check_size(void **state)
{
    const struct size_row *row = *state;
    struct buffer out, in;
    struct error error = {{0}};
    uint8_t *bytes;
    buffer_init(&out, 1 << 20);
    buffer_init(&in, row->max_bytes);
    assert_int_equal(buffer_extend(&out, row->file_bytes, &bytes), STATUS_OK);
    if (bytes)
        memset(bytes, 's', row->file_bytes);
    assert_int_equal(buffer_write_file(&out, path_of("s"), &error), STATUS_OK);
    assert_int_equal(buffer_read_file(&in, path_of("s"), &error), row->status);
    assert_true(in.length_bytes == (row->status == STATUS_OK ? row->file_bytes : 0));
    if (row->status != STATUS_OK)
        assert_non_null(strstr(error.text, path_of("s")));
    assert_int_equal(unlink(path_of("s")), 0);
    buffer_release(&in);
    buffer_release(&out);
}

static void check_file_faults(void **state)
{
    (void)state;
    struct buffer buffer;
    struct error error = {{0}};
    buffer_init(&buffer, 16);
    assert_int_equal(buffer_read_file(&buffer, path_of("none"), &error), STATUS_NOT_FOUND);
    assert_non_null(strstr(error.text, "No such file"));
    assert_int_equal(buffer_read_file(&buffer, directory, &error), STATUS_IO);
    assert_int_equal(buffer_read_file(&buffer, path_of("none"), NULL), STATUS_NOT_FOUND);
    buffer_append_text(&buffer, "x");
    assert_int_equal(buffer_write_file(&buffer, path_of("none/deep"), &error), STATUS_NOT_FOUND);
    assert_int_equal(buffer_append_text(&buffer, "far more than sixteen bytes"), STATUS_TOO_LARGE);
    assert_int_equal(buffer_write_file(&buffer, path_of("f"), &error), STATUS_TOO_LARGE);
    assert_int_equal(access(path_of("f"), F_OK), -1);
    buffer_release(&buffer);
}

/* By a link, so that no fault here could ever replace the device itself. */
static void check_device(void **state)
{
    (void)state;
    struct buffer buffer;
    struct stat after;
    struct error error = {{0}};
    buffer_init(&buffer, 16);
    buffer_append_text(&buffer, "x");
    assert_int_equal(symlink("/dev/null", path_of("null")), 0);
    assert_int_equal(buffer_write_file(&buffer, path_of("null"), NULL), STATUS_OK);
    assert_int_equal(lstat(path_of("null"), &after), 0);
    assert_true(S_ISLNK(after.st_mode));
    assert_int_equal(unlink(path_of("null")), 0);
    assert_int_equal(symlink("/dev/full", path_of("full")), 0);
    assert_int_equal(buffer_write_file(&buffer, path_of("full"), &error), STATUS_IO);
    assert_non_null(strstr(error.text, "No space left"));
    assert_int_equal(unlink(path_of("full")), 0);
    buffer_release(&buffer);
}

static void check_no_rest(void **state)
{
    (void)state;
    assert_int_equal(rmdir(directory), 0); /* fails when a temporary file was left */
}

int main(void)
{
    static struct rows all;
    if (!mkdtemp(directory))
        return 1;
    rows_one(&all, "it is good while empty", check_empty);
    rows_one(&all, "it grows and stays terminated", check_append);
    ROWS(&all, max_rows, check_max);
    rows_one(&all, "it formats, whole or not at all", check_printf);
    rows_one(&all, "it consumes and is taken", check_consume);
    rows_one(&all, "it writes a file and reads it back", check_file);
    ROWS(&all, size_rows, check_size);
    rows_one(&all, "it says what is wrong with a file", check_file_faults);
    rows_one(&all, "it writes a device in place", check_device);
    rows_one(&all, "it leaves no temporary file", check_no_rest);
    return rows_run("buffer", &all);
}
