#include "diagnose/normal.h"

#include <string.h>

#include "tests/unit/guard.h"
#include "tests/unit/rows.h"

struct normal_row {
    const char *it;
    size_t (*normalise)(struct text, char *, size_t);
    const char *input, *output;
};

static const struct normal_row normal_rows[] = {
    {"it keeps a template", normal_name, "GET /carts/{cart_id}", "GET /carts/{cart_id}"},
    {"it marks a number in a path", normal_name, "GET /carts/17/lines", "GET /carts/{}/lines"},
    {"it marks a number at the end", normal_name, "GET /carts/17", "GET /carts/{}"},
    {"it marks a UUID", normal_name, "GET /o/0b5ad2c8-3c8e-4a8e-9a3e-000000000001", "GET /o/{}"},
    {"it marks long hex", normal_name, "GET /o/deadbeef01", "GET /o/{}"},
    {"it keeps short hex and words of hex letters", normal_name, "GET /a1/facade",
     "GET /a1/facade"},
    {"it keeps a version", normal_name, "GET /api/v2", "GET /api/v2"},
    {"it drops a query string", normal_name, "GET /x?id=7", "GET /x"},
    {"it leaves an empty name empty", normal_name, "", ""},
    {"it takes the path of a URL", normal_path, "http://host:80/a/7?x=1", "/a/{}"},
    {"it takes a request target as it is", normal_path, "/a/7?x=1", "/a/{}"},
    {"it gives no path for a bare host", normal_path, "http://host", ""},
    {"it marks literals of SQL", normal_sql, "SELECT a FROM t WHERE b = 'x' AND c = 12",
     "SELECT a FROM t WHERE b = ? AND c = ?"},
    {"it marks a doubled quote as one literal", normal_sql, "SELECT 'it''s'", "SELECT ?"},
    {"it makes one mark of a list", normal_sql, "a IN (1, 2,3 , 'x')", "a IN (?)"},
    {"it marks parameters of every style", normal_sql, "a = $1 AND b = :name AND c = @p",
     "a = ? AND b = ? AND c = ?"},
    {"it keeps digits within names", normal_sql, "SELECT t1.c2 FROM t1", "SELECT t1.c2 FROM t1"},
    {"it folds blanks", normal_sql, "SELECT\n\t a   FROM t", "SELECT a FROM t"},
    {"it ends at a quote that nobody closes", normal_sql, "SELECT 'abc", "SELECT ?"},
    {"it marks a fraction as one literal", normal_sql, "x > 1.5", "x > ?"},
};

static void check_normal(void **state)
{
    const struct normal_row *row = *state;
    const size_t length = strlen(row->input);
    struct guard guard = guard_copy(row->input, length);
    char out[100];
    const struct text input = {(const char *)guard.bytes, length};
    assert_int_equal(row->normalise(input, out, sizeof(out)), strlen(row->output));
    assert_string_equal(out, row->output);
    /* Cut, it is the beginning of the same. */
    for (size_t size = 1; size < 12; size++) {
        struct guard small = guard_copy(out, size);
        assert_true(row->normalise(input, (char *)small.bytes, size) < size);
        guard_release(&small);
    }
    guard_release(&guard);
}

struct route_row {
    const char *it;
    const char *a, *b;
    bool match;
};

static const struct route_row route_rows[] = {
    {"it matches equal routes", "/a/b", "/a/b", true},
    {"it matches two styles of parameter", "/a/{id}", "/a/:x", true},
    {"it matches a parameter with a value", "/a/{id}", "/a/17", true},
    {"it does not match other words", "/a/b", "/a/c", false},
    {"it does not match fewer segments", "/a/{id}", "/a", false},
    {"it does not match more segments", "/a", "/a/{id}", false},
    {"it passes over a last slash", "/a/", "/a", true},
    {"it matches roots", "/", "/", true},
};

static void check_route(void **state)
{
    const struct route_row *row = *state;
    assert_int_equal(normal_routes_match(text_of(row->a), text_of(row->b)), row->match);
}

static void check_words(void **state)
{
    (void)state;
    assert_true(normal_contains(text_of("POST /Sessions/VERIFY"), "verify"));
    assert_false(normal_contains(text_of("POST /ver"), "verify"));
    assert_true(text_is(normal_first_word(text_of("SELECT a")), "SELECT"));
    assert_true(text_is(normal_first_word(text_of("COMMIT")), "COMMIT"));
}

int main(void)
{
    struct rows all = {0};
    ROWS(&all, normal_rows, check_normal);
    ROWS(&all, route_rows, check_route);
    rows_one(&all, "it looks for words in any case", check_words);
    return rows_run("normal", &all);
}
