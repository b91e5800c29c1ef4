#include "loadgen/base/setting.h"

#include <string.h>

#include "tests/unit/rows.h"

struct row {
    const char *it;
    const char *written;
    enum status status;
    const char *service, *row, *value, *json;
};

static const struct row rows[] = {
    {"it reads a fault that is just on", "pricing.sequential_calls", STATUS_OK, "pricing",
     "sequential_calls", "", "true"},
    {"it reads a number", "inventory.n_plus_one=40", STATUS_OK, "inventory", "n_plus_one", "40",
     "40"},
    {"it reads a negative number", "a.b=-3", STATUS_OK, "a", "b", "-3", "-3"},
    {"it reads a word", "checkout.lost_context=payment", STATUS_OK, "checkout", "lost_context",
     "payment", "\"payment\""},
    {"it reads false", "a.b=false", STATUS_OK, "a", "b", "false", "false"},
    {"it keeps an equals sign of the value", "a.b=x=y", STATUS_OK, "a", "b", "x=y", "\"x=y\""},
    {"it refuses a name without a dot", "pricing", STATUS_INVALID, NULL, NULL, NULL, NULL},
    {"it refuses an empty service", ".x", STATUS_INVALID, NULL, NULL, NULL, NULL},
    {"it refuses an empty name", "a.", STATUS_INVALID, NULL, NULL, NULL, NULL},
    {"it refuses an empty value", "a.b=", STATUS_INVALID, NULL, NULL, NULL, NULL},
    {"it refuses a second dot", "a.b.c", STATUS_INVALID, NULL, NULL, NULL, NULL},
    {"it refuses capitals", "A.b", STATUS_INVALID, NULL, NULL, NULL, NULL},
    {"it refuses a service that is too long", "abcdefghijklmnopqrstuvwxyzabcdef.x", STATUS_INVALID,
     NULL, NULL, NULL, NULL},
    {"it refuses bytes that are no text", "a.b=\xff", STATUS_INVALID, NULL, NULL, NULL, NULL},
};

static void check(void **state)
{
    const struct row *row = *state;
    struct settings settings = {.count = 0};
    struct error error = {0};
    assert_int_equal(settings_add(&settings, text_of(row->written), &error), row->status);
    assert_int_equal(settings.count, row->status == STATUS_OK);
    if (row->status != STATUS_OK) {
        assert_non_null(strstr(error.text, row->written));
        return;
    }
    struct buffer out;
    struct json_writer writer;
    char again[200];
    buffer_init(&out, 1000);
    json_writer_init(&writer, &out, 0);
    assert_string_equal(settings.items[0].service, row->service);
    assert_string_equal(settings.items[0].row, row->row);
    assert_string_equal(settings.items[0].value, row->value);
    setting_write_value(&settings.items[0], &writer);
    assert_string_equal(buffer_text(&out), row->json);
    setting_write(&settings.items[0], again, sizeof again);
    assert_string_equal(again, row->written);
    buffer_release(&out);
}

static void check_twice(void **state)
{
    (void)state;
    struct settings settings = {.count = 0};
    assert_int_equal(settings_add(&settings, text_of("a.b"), NULL), STATUS_OK);
    assert_int_equal(settings_add(&settings, text_of("a.b=1"), NULL), STATUS_EXISTS);
    assert_int_equal(settings_add(&settings, text_of("a.c"), NULL), STATUS_OK);
    assert_int_equal(settings.count, 2);
}

static void check_full(void **state)
{
    (void)state;
    struct settings settings = {.count = 0};
    char name[] = "s.aa";
    for (int i = 0; i < SETTINGS_MAX; i++) {
        name[2] = (char)('a' + i / 26);
        name[3] = (char)('a' + i % 26);
        assert_int_equal(settings_add(&settings, text_of(name), NULL), STATUS_OK);
    }
    assert_int_equal(settings_add(&settings, text_of("s.zz"), NULL), STATUS_TOO_LARGE);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, rows, check);
    rows_one(&all, "it refuses the same row twice", check_twice);
    rows_one(&all, "it refuses more than it has room for", check_full);
    return rows_run("setting", &all);
}
