/* Instrumentation scopes as they go out, by a part that must be there. */
#include "trace/scope_wire.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/rows.h"

static char long_text[1000];
static const struct attribute tier = {TEXT_CONSTANT("tier"), ATTRIBUTE_I64, {.i64 = 3}};
static const struct attribute wide = {
    TEXT_CONSTANT("wide"), ATTRIBUTE_BYTES, {.text = {long_text, sizeof long_text}}};
static const struct attribute many[] = {
    {TEXT_CONSTANT("a"), ATTRIBUTE_BYTES, {.text = {long_text, sizeof long_text}}},
    {TEXT_CONSTANT("b"), ATTRIBUTE_BYTES, {.text = {long_text, sizeof long_text}}},
    {TEXT_CONSTANT("c"), ATTRIBUTE_BYTES, {.text = {long_text, 100}}},
};

static const struct row {
    const char *it;
    struct tracer tracer;
    struct text part;
} rows[] = {
    {"it has a name", {.name = "shop"}, TEXT_CONSTANT("\x0a\x04shop")},
    {"it works without a name",
     {.version = "1"},
     TEXT_CONSTANT("\x0a\x00\x12\x01"
                   "1")},
    {"it has a version",
     {.name = "shop", .version = "1.0"},
     TEXT_CONSTANT("\x12\x03"
                   "1.0")},
    {"it has a schema",
     {.name = "shop", .schema_url = "http://s"},
     TEXT_CONSTANT("\x1a\x08http://s")},
    {"it sends only UTF-8",
     {.name = "sh\xffp", .version = "\xc3", .schema_url = "\xfe"},
     TEXT_CONSTANT("sh?p\x12\x01?\x1a\x01?")},
    {"it has attributes",
     {.name = "shop", .attributes = &tier, .attribute_count = 1},
     TEXT_CONSTANT("\x1a\x0a\x0a\x04tier\x12\x02\x18\x03")},
    {"it counts attributes that are too long for one",
     {.name = "shop", .attributes = many, .attribute_count = 3},
     TEXT_CONSTANT("shop\x20\x03")},
    {"it holds the most that there can be",
     {.name = long_text,
      .version = long_text,
      .schema_url = long_text,
      .attributes = &wide,
      .attribute_count = 1},
     TEXT_CONSTANT("\x0a\x80\x02xxx")},
};

static void check(void **state)
{
    const struct row *row = *state;
    size_t size = scope_wire_size(&row->tracer);
    uint8_t *bytes = malloc(size); /* not a byte more, which the sanitizers watch */
    struct wire_writer writer = {bytes, bytes + size, false};
    assert_true(size <= SCOPE_WIRE_MAX);
    scope_wire_put(&writer, &row->tracer);
    assert_false(writer.overflow);
    size_t length = (size_t)(writer.at - bytes);
    assert_non_null(memmem(bytes, length, row->part.data, row->part.length));
    free(bytes);
}

int main(void)
{
    static struct rows all;
    memset(long_text, 'x', sizeof long_text);
    ROWS(&all, rows, check);
    return rows_run("scope_wire", &all);
}
