#include "diagnose/span_path.h"

#include <math.h>
#include <stdio.h>

#include "tests/unit/rows.h"
#include "tests/unit/span_builder.h"

/* ---- names */

struct glob_row {
    const char *it;
    const char *pattern, *text;
    bool fits;
};

static const struct glob_row glob_rows[] = {
    {"it takes the same name", "GET /x", "GET /x", true},
    {"it refuses a longer name", "GET /x", "GET /xy", false},
    {"it refuses a shorter name", "GET /xy", "GET /x", false},
    {"it takes any name for an empty one", "", "GET /x", true},
    {"it takes any name for a star", "*", "", true},
    {"it takes a beginning", "SELECT*", "SELECT stock", true},
    {"it takes an end", "*stock", "SELECT stock", true},
    {"it takes the middle", "S*C*stock", "SELECT stock", true},
    {"it tries the star again further on", "*aab", "aaaaab", true},
    {"it refuses what is missing behind a star", "S*x", "SELECT stock", false},
    {"it takes several stars in a row", "***", "x", true},
    {"it refuses another letter case", "select*", "SELECT stock", false},
    {"it refuses an empty text for a name", "a", "", false},
};

static void check_glob(void **state)
{
    const struct glob_row *row = *state;
    assert_int_equal(span_pattern_has(row->pattern, text_of(row->text)), row->fits);
}

/* Stars that all could begin anywhere must not cost more and more. */
static void check_many_stars(void **state)
{
    (void)state;
    char text[5000];
    memset(text, 'a', sizeof(text));
    assert_false(span_pattern_has("*a*a*a*a*a*a*a*a*a*a*a*a*b", (struct text){text, sizeof(text)}));
}

/* ---- paths */

/* One trace: a > b > q, q (10 to 14 and 12 to 20 ms), and under a directly one more q. */
static void build(struct builder *builder)
{
    uint64_t a = builder_call(builder, 0, "a", OTLP_KIND_SERVER, "GET /x", 0, 100000);
    uint64_t out = builder_call(builder, a, "a", OTLP_KIND_CLIENT, "GET /y", 5000, 50000);
    uint64_t b = builder_call(builder, out, "b", OTLP_KIND_SERVER, "GET /y", 6000, 49000);
    builder_call(builder, b, "b", OTLP_KIND_CLIENT, "SELECT one", 10000, 14000);
    builder_call(builder, b, "b", OTLP_KIND_CLIENT, "SELECT two", 12000, 20000);
    builder_call(builder, b, "b", OTLP_KIND_CLIENT, "SELECT two", 30000, 31000);
    builder_call(builder, a, "a", OTLP_KIND_CLIENT, "SELECT one", 60000, 65000);
}

struct made {
    struct builder builder;
    struct arena arena;
    struct forest forest;
    struct span_path_readings readings;
};

static void grow(struct made *made)
{
    assert_int_equal(tree_forest_build(&made->forest, &made->builder.spans, 0, 0, &made->arena),
                     STATUS_OK);
}

static void make(struct made *made, uint64_t seed)
{
    builder_init(&made->builder);
    arena_init(&made->arena, 16 << 20);
    build(&made->builder);
    if (seed > 0)
        builder_shuffle(&made->builder, seed);
    grow(made);
}

static void release(struct made *made)
{
    arena_release(&made->arena);
    builder_release(&made->builder);
}

static enum status read_path(struct made *made, const struct span_path *path)
{
    return span_path_read(path, &made->forest, &made->arena, &made->readings);
}

struct path_row {
    const char *it;
    struct span_path path;
    bool leads_there;
    uint64_t count;
    double covered_ms;
};

static const struct path_row path_rows[] = {
    {"it counts a service's spans anywhere", {{{"b", ""}}, 1}, true, 4, 43},
    {"it counts an operation's spans of all services", {{{"", "SELECT *"}}, 1}, true, 4, 16},
    {"it counts what lies below", {{{"b", ""}, {"", "SELECT *"}}, 2}, true, 3, 11},
    {"it passes over spans in between", {{{"a", "GET /x"}, {"b", "SELECT two"}}, 2}, true, 2, 9},
    {"it goes down three steps",
     {{{"a", "GET /x"}, {"b", "GET*"}, {"b", "SELECT*"}}, 3},
     true,
     3,
     11},
    {"it does not go up", {{{"b", ""}, {"a", ""}}, 2}, true, 0, 0},
    {"it takes no span for two steps", {{{"a", "GET /x"}, {"a", "GET /x"}}, 2}, true, 0, 0},
    {"it counts a span below one of the same name",
     {{{"a", "GET*"}, {"a", "GET*"}}, 2},
     true,
     1,
     45},
    {"it leaves out a trace without the steps above", {{{"c", ""}, {"b", ""}}, 2}, false, 0, 0},
    {"it gives 0 of what is not there", {{{"c", ""}}, 1}, true, 0, 0},
};

static void check_path(void **state)
{
    const struct path_row *row = *state;
    for (uint64_t seed = 0; seed < 4; seed++) {
        struct made made;
        make(&made, seed);
        assert_int_equal(read_path(&made, &row->path), STATUS_OK);
        assert_int_equal(made.readings.count, row->leads_there);
        if (row->leads_there) {
            assert_int_equal(made.readings.items[0].count, row->count);
            assert_true(fabs(made.readings.items[0].covered_ms - row->covered_ms) < 1e-6);
            assert_true(made.readings.items[0].is_whole);
            assert_int_equal(made.readings.items[0].trace_id[15], 1);
        }
        release(&made);
    }
}

static void check_partial(void **state)
{
    (void)state;
    struct made made;
    const struct span_path path = {{{"b", "GET*"}}, 1};
    make(&made, 0);
    made.builder.trace = 2;
    builder_call(&made.builder, 99, "b", OTLP_KIND_SERVER, "GET /y", 200000, 201000);
    grow(&made);
    assert_int_equal(read_path(&made, &path), STATUS_OK);
    assert_int_equal(made.readings.count, 2);
    assert_true(made.readings.items[0].is_whole);
    /* a server whose caller sends no spans is a root; one whose caller does is not */
    made.builder.trace = 2;
    builder_call(&made.builder, 98, "a", OTLP_KIND_SERVER, "GET /x", 200000, 201000);
    grow(&made);
    assert_int_equal(read_path(&made, &path), STATUS_OK);
    assert_int_equal(made.readings.count, 2);
    assert_false(made.readings.items[1].is_whole);
    release(&made);
}

static void check_no_memory(void **state)
{
    (void)state;
    struct made made;
    struct arena small;
    const struct span_path path = {{{"b", ""}}, 1};
    make(&made, 0);
    arena_init(&small, 1);
    assert_int_equal(span_path_read(&path, &made.forest, &small, &made.readings), STATUS_NO_MEMORY);
    arena_release(&small);
    release(&made);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, glob_rows, check_glob);
    rows_one(&all, "it does not go mad at many stars", check_many_stars);
    ROWS(&all, path_rows, check_path);
    rows_one(&all, "it tells traces that lost spans", check_partial);
    rows_one(&all, "it says so when there is no memory", check_no_memory);
    return rows_run("span_path", &all);
}
