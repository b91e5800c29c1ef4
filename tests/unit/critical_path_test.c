#include "diagnose/critical_path.h"

#include <stdio.h>

#include "tests/unit/rows.h"
#include "tests/unit/span_builder.h"

enum { SPANS_MAX = 7 };

struct span_row {
    uint64_t parent; /* ids count from 1 */
    const char *service;
    enum otlp_kind kind;
    int start_us, end_us;
};

struct path_row {
    const char *it;
    struct span_row spans[SPANS_MAX];
    const char *path; /* "id:start-end" */
};

#define I OTLP_KIND_INTERNAL
#define S OTLP_KIND_SERVER
#define C OTLP_KIND_CLIENT

static const struct path_row path_rows[] = {
    {"it gives a lone span all of its time", {{0, "a", I, 0, 30}}, "1:0-30"},
    {"it follows calls one after another, where ends touch beginnings",
     {{0, "a", I, 0, 30}, {1, "a", C, 0, 10}, {1, "a", C, 10, 20}, {1, "a", C, 20, 30}},
     "2:0-10 3:10-20 4:20-30"},
    {"it gives gaps to the parent",
     {{0, "a", I, 0, 100}, {1, "a", C, 10, 40}, {1, "a", C, 50, 90}},
     "1:0-10 2:10-40 1:40-50 3:50-90 1:90-100"},
    {"it leaves out a parallel call that ended earlier",
     {{0, "a", I, 0, 100}, {1, "a", C, 10, 40}, {1, "a", C, 12, 90}},
     "1:0-12 3:12-90 1:90-100"},
    {"it goes down into the child that held it up",
     {{0, "a", I, 0, 100}, {1, "a", C, 10, 90}, {2, "b", S, 20, 80}, {3, "b", I, 30, 70}},
     "1:0-10 2:10-20 3:20-30 4:30-70 3:70-80 2:80-90 1:90-100"},
    {"it looks at a child's part of the path only",
     {{0, "a", I, 0, 100}, {1, "a", C, 0, 60}, {1, "a", C, 50, 100}, {2, "b", S, 0, 55}},
     "1:0-50 3:50-100"},
    {"it starts at time zero as anywhere else", {{0, "a", I, 0, 10}, {1, "a", C, 0, 10}}, "2:0-10"},
    {"it leaves a consumer's work out",
     {{0, "a", S, 0, 100},
      {1, "a", OTLP_KIND_PRODUCER, 80, 90},
      {2, "n", OTLP_KIND_CONSUMER, 95, 500}},
     "1:0-80 2:80-90 1:90-100"},
    {"it forgives clocks of two hosts a hundredth of the parent",
     {{0, "a@x", I, 0, 1000}, {1, "b@y", S, 0, 505}, {1, "c@z", S, 500, 1000}},
     "2:0-500 3:500-1000"},
    {"it forgives nothing on one host",
     {{0, "a@x", I, 0, 1000}, {1, "b@x", S, 0, 505}, {1, "c@x", S, 500, 1000}},
     "1:0-500 3:500-1000"},
};

static struct tree *build(struct builder *builder, struct arena *arena, struct forest *forest)
{
    assert_int_equal(tree_forest_build(forest, &builder->spans, 0, 0, arena), STATUS_OK);
    assert_int_equal(forest->count, 1);
    return &forest->trees[0];
}

static void check_path(void **state)
{
    const struct path_row *row = *state;
    struct builder builder;
    builder_init(&builder);
    for (size_t i = 0; i < SPANS_MAX && row->spans[i].service; i++)
        builder_call(&builder, row->spans[i].parent, row->spans[i].service, row->spans[i].kind,
                     "work", row->spans[i].start_us, row->spans[i].end_us);
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct forest forest;
    const struct tree *tree = build(&builder, &arena, &forest);
    struct critical_path path;
    assert_int_equal(critical_path_init(&path, tree->count, &arena), STATUS_OK);
    critical_path_find(&path, tree, 0);
    char words[256] = "";
    size_t length = 0;
    for (uint32_t i = 0; i < path.count; i++)
        length += (size_t)snprintf(
            words + length, sizeof(words) - length, "%s%d:%d-%d", i ? " " : "",
            tree->nodes[path.segments[i].node].span->span_id[7],
            (int)(path.segments[i].start_ns / 1000), (int)(path.segments[i].end_ns / 1000));
    assert_string_equal(words, row->path);
    arena_release(&arena);
    builder_release(&builder);
}

/* Any tree at all: spans hang anywhere, overlap, stick out, go backwards. */
static void fill_wild(struct builder *builder, struct rng *rng)
{
    const uint64_t count = 1 + rng_below(rng, 40);
    builder_call(builder, 0, "a@x", S, "root", 1000, 2000);
    static const char *const services[] = {"a@x", "b@y", "c", "d@x"};
    for (uint64_t i = 1; i < count; i++) {
        const double start_us = 900 + (double)rng_below(rng, 1200);
        const double end_us = start_us - 20 + (double)rng_below(rng, 1 + rng_below(rng, 800));
        builder_call(builder, 1 + rng_below(rng, builder->last_id), services[rng_below(rng, 4)],
                     (enum otlp_kind)rng_below(rng, 6), "work", start_us, end_us);
    }
}

static void check_cover(const struct critical_path *path, const struct tree_node *root)
{
    int64_t at_ns = root->start_ns;
    for (uint32_t i = 0; i < path->count; i++) {
        assert_true(path->segments[i].start_ns == at_ns);
        assert_true(path->segments[i].end_ns > at_ns);
        at_ns = path->segments[i].end_ns;
    }
    assert_true(at_ns == root->end_ns);
}

static void check_wild(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 7);
    for (int round = 0; round < 5000; round++) {
        struct builder builder;
        builder_init(&builder);
        fill_wild(&builder, &rng);
        struct arena arena;
        arena_init(&arena, 1 << 20);
        struct forest forest;
        const struct tree *tree = build(&builder, &arena, &forest);
        struct critical_path path;
        assert_int_equal(critical_path_init(&path, tree->count, &arena), STATUS_OK);
        critical_path_find(&path, tree, 0);
        check_cover(&path, &tree->nodes[0]);
        for (uint32_t i = 0; i < path.count; i++) {
            const struct tree_node *node = &tree->nodes[path.segments[i].node];
            assert_false(node->flags & TREE_ASYNC);
            assert_true(node->start_ns <= path.segments[i].start_ns);
            assert_true(node->end_ns >= path.segments[i].end_ns);
        }
        arena_release(&arena);
        builder_release(&builder);
    }
}

struct big_row {
    const char *it;
    bool chain;
};

static const struct big_row big_rows[] = {
    {"it walks a chain 100,000 deep", true},
    {"it walks 100,000 children of one span", false},
};

static void check_big(void **state)
{
    const struct big_row *row = *state;
    struct builder builder;
    builder_init(&builder);
    uint64_t parent = builder_call(&builder, 0, "a", S, "root", 0, 200001);
    for (int i = 1; i < 100000; i++) {
        const uint64_t id =
            builder_call(&builder, parent, "a", I, "work", i, row->chain ? 200001 - i : i + 1.5);
        parent = row->chain ? id : parent;
    }
    struct arena arena;
    arena_init(&arena, (size_t)1 << 30);
    struct forest forest;
    const struct tree *tree = build(&builder, &arena, &forest);
    struct critical_path path;
    assert_int_equal(critical_path_init(&path, tree->count, &arena), STATUS_OK);
    critical_path_find(&path, tree, 0);
    check_cover(&path, &tree->nodes[0]);
    arena_release(&arena);
    builder_release(&builder);
}

int main(void)
{
    struct rows all = {0};
    ROWS(&all, path_rows, check_path);
    ROWS(&all, big_rows, check_big);
    rows_one(&all, "it covers the root exactly, whatever the tree", check_wild);
    return rows_run("critical_path", &all);
}
