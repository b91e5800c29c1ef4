#include "diagnose/tree.h"

#include <stdio.h>

#include "tests/unit/rows.h"
#include "tests/unit/span_builder.h"

enum { SPANS_MAX = 8 };

/* A span of a built trace: ids count from 1, parent 0 is none, 99 is one that nobody has. */
struct span_row {
    uint64_t id, parent;
    const char *service;
    enum otlp_kind kind;
    int start_us, end_us;
};

struct shape_row {
    const char *it;
    struct span_row spans[SPANS_MAX];
    bool complete;
    uint32_t roots, orphans, cycles, duplicates, inverted, clipped, shifted;
    const char *nodes; /* "id:start-end" in order of the tree, "~" where nobody waits */
};

#define S OTLP_KIND_SERVER
#define C OTLP_KIND_CLIENT
#define I OTLP_KIND_INTERNAL
#define P OTLP_KIND_PRODUCER
#define Q OTLP_KIND_CONSUMER

static const struct shape_row shape_rows[] = {
    {"it puts children behind their parent by start",
     {{1, 0, "a", I, 0, 100},
      {2, 1, "a", I, 60, 90},
      {3, 1, "a", I, 10, 50},
      {4, 2, "a", I, 60, 70}},
     true,
     1,
     0,
     0,
     0,
     0,
     0,
     0,
     "1:0-100 3:10-50 2:60-90 4:60-70"},
    {"it counts two roots and is not complete",
     {{1, 0, "a", I, 0, 100}, {2, 0, "a", I, 10, 20}},
     false,
     2,
     0,
     0,
     0,
     0,
     0,
     0,
     "1:0-100 2:10-20"},
    {"it counts an orphan beside a root",
     {{1, 0, "a", I, 0, 100}, {2, 99, "b", S, 10, 20}, {3, 2, "b", I, 12, 15}},
     false,
     1,
     1,
     0,
     0,
     0,
     0,
     0,
     "1:0-100 2:10-20 3:12-15"},
    {"it accepts a server whose caller sends no spans as the root",
     {{1, 99, "a", S, 0, 100}, {2, 1, "a", I, 10, 20}},
     true,
     1,
     0,
     0,
     0,
     0,
     0,
     0,
     "1:0-100 2:10-20"},
    {"it does not take an inner orphan for a root",
     {{1, 99, "a", I, 0, 100}, {2, 1, "a", I, 10, 20}},
     false,
     0,
     1,
     0,
     0,
     0,
     0,
     0,
     "1:0-100 2:10-20"},
    {"it does not take one of two parentless servers for a root",
     {{1, 99, "a", S, 0, 100}, {2, 98, "a", S, 10, 20}},
     false,
     0,
     2,
     0,
     0,
     0,
     0,
     0,
     "1:0-100 2:10-20"},
    {"it cuts a span that is its own parent",
     {{1, 0, "a", I, 0, 100}, {2, 2, "a", I, 10, 20}},
     false,
     1,
     0,
     1,
     0,
     0,
     0,
     0,
     "1:0-100 2:10-20"},
    {"it cuts a ring of two",
     {{1, 0, "a", I, 0, 100}, {2, 3, "a", I, 10, 40}, {3, 2, "a", I, 20, 30}},
     false,
     1,
     0,
     1,
     0,
     0,
     0,
     0,
     "1:0-100 2:10-40 3:20-30"},
    {"it cuts a ring with a tail, and no root anywhere",
     {{1, 2, "a", I, 0, 50}, {2, 3, "a", I, 10, 40}, {3, 2, "a", I, 20, 30}},
     false,
     0,
     0,
     1,
     0,
     0,
     1,
     0,
     "2:10-40 1:10-40 3:20-30"},
    {"it keeps one of two spans with the same id",
     {{1, 0, "a", I, 0, 100}, {2, 1, "a", I, 10, 20}, {2, 1, "a", I, 12, 30}},
     true,
     1,
     0,
     0,
     1,
     0,
     0,
     0,
     "1:0-100 2:10-20"},
    {"it takes a span that ended before it began for one of zero length",
     {{1, 0, "a", I, 0, 100}, {2, 1, "a", I, 30, 20}},
     true,
     1,
     0,
     0,
     0,
     1,
     0,
     0,
     "1:0-100 2:30-30"},
    {"it cuts children to their parent",
     {{1, 0, "a", I, 10, 100},
      {2, 1, "a", I, 0, 50},
      {3, 1, "a", I, 90, 120},
      {4, 3, "a", I, 95, 110}},
     true,
     1,
     0,
     0,
     0,
     0,
     3,
     0,
     "1:10-100 2:10-50 3:90-100 4:95-100"},
    {"it leaves nothing of a child that is all outside",
     {{1, 0, "a", I, 0, 100}, {2, 1, "a", I, 150, 170}},
     true,
     1,
     0,
     0,
     0,
     0,
     1,
     0,
     "1:0-100 2:100-100"},
    {"it centres a server of another host that lies outside its client",
     {{1, 0, "a@x", C, 0, 100}, {2, 1, "b@y", S, 500, 580}, {3, 2, "b@y", I, 520, 530}},
     true,
     1,
     0,
     0,
     0,
     0,
     0,
     2,
     "1:0-100 2:10-90 3:30-40"},
    {"it does not shift on one host",
     {{1, 0, "a@x", C, 0, 100}, {2, 1, "b@x", S, 50, 130}},
     true,
     1,
     0,
     0,
     0,
     0,
     1,
     0,
     "1:0-100 2:50-100"},
    {"it does not shift where no host is named",
     {{1, 0, "a", C, 0, 100}, {2, 1, "b", S, 50, 130}},
     true,
     1,
     0,
     0,
     0,
     0,
     1,
     0,
     "1:0-100 2:50-100"},
    {"it moves a longer child of another host only to its parent's start",
     {{1, 0, "a@x", C, 100, 200}, {2, 1, "b@y", S, 0, 150}},
     true,
     1,
     0,
     0,
     0,
     0,
     1,
     1,
     "1:100-200 2:100-200"},
    {"it leaves a child of another host that fits where it is",
     {{1, 0, "a@x", C, 0, 100}, {2, 1, "b@y", S, 5, 85}},
     true,
     1,
     0,
     0,
     0,
     0,
     0,
     0,
     "1:0-100 2:5-85"},
    {"it waits for a producer, but not for what its consumer does",
     {{1, 0, "a", S, 0, 100},
      {2, 1, "a", P, 10, 20},
      {3, 2, "n", Q, 300, 400},
      {4, 3, "n", C, 310, 390}},
     true,
     1,
     0,
     0,
     0,
     0,
     0,
     0,
     "1:0-100 2:10-20 3:300-400~ 4:310-390~"},
    {"it does not take a consumer's delay for skew",
     {{1, 0, "a@x", P, 0, 10}, {2, 1, "n@y", Q, 300, 305}},
     true,
     1,
     0,
     0,
     0,
     0,
     0,
     0,
     "1:0-10 2:300-305~"},
};

static void fill(struct builder *builder, const struct span_row *rows)
{
    for (size_t i = 0; i < SPANS_MAX && rows[i].id; i++) {
        builder->last_id = rows[i].id - 1;
        builder_call(builder, rows[i].parent, rows[i].service, rows[i].kind, "work",
                     rows[i].start_us, rows[i].end_us);
    }
}

/* Times of the row count from 0, those of the tree from its first span. */
static void write_nodes(const struct tree *tree, char *out, size_t size)
{
    const int base_us = (int)((tree->base_ns - BUILDER_BASE_NS) / 1000);
    size_t length = 0;
    out[0] = 0;
    for (uint32_t i = 0; i < tree->count && length < size; i++) {
        const struct tree_node *node = &tree->nodes[i];
        length += (size_t)snprintf(out + length, size - length, "%s%d:%d-%d%s", i ? " " : "",
                                   node->span->span_id[7], base_us + (int)(node->start_ns / 1000),
                                   base_us + (int)(node->end_ns / 1000),
                                   node->flags & TREE_ASYNC ? "~" : "");
    }
}

static void check_shape(void **state)
{
    const struct shape_row *row = *state;
    for (uint64_t seed = 0; seed < 5; seed++) {
        struct builder builder;
        builder_init(&builder);
        fill(&builder, row->spans);
        if (seed > 0)
            builder_shuffle(&builder, seed);
        struct arena arena;
        arena_init(&arena, 1 << 20);
        struct forest forest;
        assert_int_equal(tree_forest_build(&forest, &builder.spans, 0, 0, &arena), STATUS_OK);
        assert_int_equal(forest.count, 1);
        const struct tree *tree = &forest.trees[0];
        char nodes[256];
        write_nodes(tree, nodes, sizeof(nodes));
        assert_string_equal(nodes, row->nodes);
        assert_int_equal(tree_is_complete(tree), row->complete);
        assert_int_equal(tree->root_count, row->roots);
        assert_int_equal(tree->orphan_count, row->orphans);
        assert_int_equal(tree->cycle_count, row->cycles);
        assert_int_equal(tree->duplicate_count, row->duplicates);
        assert_int_equal(tree->inverted_count, row->inverted);
        assert_int_equal(tree->clipped_count, row->clipped);
        assert_int_equal(tree->shifted_count, row->shifted);
        arena_release(&arena);
        builder_release(&builder);
    }
}

struct big_row {
    const char *it;
    uint64_t count;
    int form; /* 0 chain, 1 star, 2 orphans, 3 ring with a chain */
};

static const struct big_row big_rows[] = {
    {"it builds a chain 100,000 deep", 100000, 0},
    {"it builds 100,000 children of one span", 100000, 1},
    {"it builds 100,000 orphans", 100000, 2},
    {"it cuts a ring of 100,000 spans", 100000, 3},
};

static uint64_t big_parent(const struct big_row *row, uint64_t i)
{
    if (row->form == 0)
        return i - 1;
    if (row->form == 1)
        return i == 1 ? 0 : 1;
    if (row->form == 2)
        return i + 1000000;
    return i == 1 ? row->count : i - 1;
}

static void check_big(void **state)
{
    const struct big_row *row = *state;
    struct builder builder;
    builder_init(&builder);
    for (uint64_t i = 1; i <= row->count; i++)
        builder_call(&builder, big_parent(row, i), "a", I, "work", 0, 1000);
    struct arena arena;
    arena_init(&arena, (size_t)1 << 30);
    struct forest forest;
    assert_int_equal(tree_forest_build(&forest, &builder.spans, 0, 0, &arena), STATUS_OK);
    assert_int_equal(forest.count, 1);
    assert_int_equal(forest.trees[0].count, row->count);
    assert_int_equal(forest.trees[0].cycle_count, row->form == 3);
    arena_release(&arena);
    builder_release(&builder);
}

struct window_row {
    const char *it;
    int start_us, end_us;
    size_t traces;
};

static const struct window_row window_rows[] = {
    {"it takes all traces when no window is given", 0, 0, 3},
    {"it takes a trace that begins with the window", 100, 200, 1},
    {"it leaves out a trace that begins as the window ends", 0, 100, 1},
    {"it goes by where a trace begins, not by its later spans", 140, 260, 1},
    {"it gives nothing for a window without traces", 500, 600, 0},
};

static void check_window(void **state)
{
    const struct window_row *row = *state;
    struct builder builder;
    builder_init(&builder);
    for (builder.trace = 1; builder.trace <= 3; builder.trace++) {
        const double start_us = (double)(builder.trace - 1) * 100;
        const uint64_t root = builder_call(&builder, 0, "a", S, "x", start_us, start_us + 90);
        builder_call(&builder, root, "a", I, "y", start_us + 50, start_us + 60);
    }
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct forest forest;
    const uint64_t start_ns = row->end_us ? BUILDER_BASE_NS + (uint64_t)row->start_us * 1000 : 0;
    const uint64_t end_ns = row->end_us ? BUILDER_BASE_NS + (uint64_t)row->end_us * 1000 : 0;
    assert_int_equal(tree_forest_build(&forest, &builder.spans, start_ns, end_ns, &arena),
                     STATUS_OK);
    assert_int_equal(forest.count, row->traces);
    arena_release(&arena);
    builder_release(&builder);
}

static void check_hostile_times(void **state)
{
    (void)state;
    struct builder builder;
    builder_init(&builder);
    const uint64_t root = builder_span_ns(&builder, 0, 1, UINT64_MAX);
    builder_span_ns(&builder, root, UINT64_MAX, 0);
    builder_span_ns(&builder, root, 0, UINT64_MAX);
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct forest forest;
    assert_int_equal(tree_forest_build(&forest, &builder.spans, 0, 0, &arena), STATUS_OK);
    for (uint32_t i = 0; i < forest.trees[0].count; i++) {
        const struct tree_node *node = &forest.trees[0].nodes[i];
        assert_true(node->start_ns >= 0 && node->start_ns <= node->end_ns);
        assert_true(node->end_ns <= TREE_TIME_MAX_NS);
    }
    arena_release(&arena);
    builder_release(&builder);
}

static void check_legs(void **state)
{
    (void)state;
    struct builder builder;
    builder_init(&builder);
    const uint64_t client = builder_call(&builder, 0, "a", C, "x", 0, 100);
    builder_call(&builder, client, "b", S, "x", 30, 90);
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct forest forest;
    assert_int_equal(tree_forest_build(&forest, &builder.spans, 0, 0, &arena), STATUS_OK);
    const uint32_t server = tree_far_side(&forest.trees[0], 0);
    assert_int_equal(server, 1);
    assert_int_equal(tree_far_side(&forest.trees[0], 1), TREE_NONE);
    const struct tree_legs legs = tree_legs_of(&forest.trees[0], 0, server);
    assert_int_equal(legs.request_ns, 30000);
    assert_int_equal(legs.response_ns, 10000);
    arena_release(&arena);
    builder_release(&builder);
}

static void check_no_memory(void **state)
{
    (void)state;
    struct builder builder;
    builder_init(&builder);
    for (int i = 0; i < 1000; i++)
        builder_call(&builder, 0, "a", I, "work", 0, 1000);
    struct arena arena;
    arena_init(&arena, 10000);
    struct forest forest;
    assert_int_equal(tree_forest_build(&forest, &builder.spans, 0, 0, &arena), STATUS_NO_MEMORY);
    arena_release(&arena);
    builder_release(&builder);
}

int main(void)
{
    struct rows all = {0};
    ROWS(&all, shape_rows, check_shape);
    ROWS(&all, big_rows, check_big);
    ROWS(&all, window_rows, check_window);
    rows_one(&all, "it keeps times within bounds, whatever the spans claim", check_hostile_times);
    rows_one(&all, "it tells the way there from the way back", check_legs);
    rows_one(&all, "it gives up within its arena's maximum", check_no_memory);
    return rows_run("tree", &all);
}
