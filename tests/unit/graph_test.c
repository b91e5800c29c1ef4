#include "diagnose/graph.h"

#include <math.h>
#include <stdio.h>

#include "tests/unit/rows.h"
#include "tests/unit/shop.h"

enum { SPANS_MAX = 8 };

#define S OTLP_KIND_SERVER
#define C OTLP_KIND_CLIENT
#define P OTLP_KIND_PRODUCER
#define Q OTLP_KIND_CONSUMER
#define I OTLP_KIND_INTERNAL

struct graph_row {
    const char *it;
    struct {
        uint64_t parent;
        const char *service;
        enum otlp_kind kind;
        const char *name;
        int ms;
        const char *key, *value; /* an attribute, or "error" */
    } spans[SPANS_MAX];
    const char *edges, *operations;
};

static const struct graph_row graph_rows[] = {
    {"it pairs a client with its server",
     {{0, "a", C, "GET /x", 10, 0, 0}, {1, "b", S, "GET /x", 8, 0, 0}},
     "a>b 1/0",
     "b GET /x 1/0 8"},
    {"it has no edge into a server that nobody called",
     {{0, "a", S, "GET /x", 10, 0, 0}},
     "",
     "a GET /x 1/0 10"},
    {"it leads a call without a server to its peer outside",
     {{0, "a", S, "GET /x", 10, 0, 0}, {1, "a", C, "GET /vat", 5, "server.address", "tax"}},
     "a>tax! 1/0",
     "a GET /x 1/0 10"},
    {"it leads a call whose server dropped its parent to the service",
     {{0, "a", C, "GET /x", 10, "server.address", "b"}, {0, "b", S, "GET /x", 10, 0, 0}},
     "a>b 1/0",
     "b GET /x 1/0 10"},
    {"it leads a query to its database",
     {{0, "a", C, "SELECT", 5, "db.namespace", "stock"}},
     "a>stock (database)! 1/0",
     ""},
    {"it pairs a producer with its consumer",
     {{0, "a", P, "send q", 1, "messaging.destination.name", "q"},
      {1, "n", Q, "process q", 4, 0, 0}},
     "a>n 1/0",
     "n process q 1/0 4"},
    {"it counts a call as failed when either side says so",
     {{0, "a", C, "GET /x", 10, 0, 0},
      {1, "b", S, "GET /x", 8, "error", 0},
      {0, "a", C, "GET /x", 10, "error", 0},
      {3, "b", S, "GET /x", 8, 0, 0}},
     "a>b 2/2",
     "b GET /x 2/1 8"},
    {"it takes a server right below a foreign parent for a call",
     {{0, "a", I, "job", 10, 0, 0}, {1, "b", S, "GET /x", 8, 0, 0}},
     "a>b 1/0",
     "b GET /x 1/0 8"},
    {"it counts calls of one operation with different ids together",
     {{0, "a", S, "GET /x/17", 10, 0, 0},
      {0, "a", S, "GET /x/18", 20, 0, 0},
      {0, "a", S, "GET /x/19", 30, 0, 0}},
     "",
     "a GET /x/{} 3/0 20"},
    {"it gives nothing for no spans", {{0}}, "", ""},
};

static void fill(struct builder *builder, const struct graph_row *row)
{
    for (size_t i = 0; i < SPANS_MAX && row->spans[i].service; i++) {
        builder_call(builder, row->spans[i].parent, row->spans[i].service, row->spans[i].kind,
                     row->spans[i].name, (double)i, (double)i + row->spans[i].ms * 1000);
        const char *key = row->spans[i].key;
        if (key && strcmp(key, "error") == 0)
            builder_last(builder)->status = OTLP_STATUS_ERROR;
        else if (key)
            builder_attribute(builder, key, row->spans[i].value);
        if (key && strncmp(key, "db.", 3) == 0)
            builder_attribute(builder, "db.system.name", "sqlite");
    }
}

static void write_graph(const struct graph *graph, char edges[1000], char operations[2000])
{
    size_t length = 0;
    edges[0] = operations[0] = 0;
    for (size_t i = 0; i < graph->edge_count && length < 1000; i++)
        length += (size_t)snprintf(
            edges + length, 1000 - length, "%s%.*s>%.*s%s %llu/%llu", i ? ", " : "",
            TEXT_ARGS(graph->edges[i].caller), TEXT_ARGS(graph->edges[i].callee),
            graph->edges[i].outside ? "!" : "", (unsigned long long)graph->edges[i].calls,
            (unsigned long long)graph->edges[i].errors);
    length = 0;
    for (size_t i = 0; i < graph->operation_count && length < 2000; i++)
        length += (size_t)snprintf(
            operations + length, 2000 - length, "%s%.*s %.*s %llu/%llu %.0f", i ? ", " : "",
            TEXT_ARGS(graph->operations[i].service), TEXT_ARGS(graph->operations[i].operation),
            (unsigned long long)graph->operations[i].calls,
            (unsigned long long)graph->operations[i].errors, graph->operations[i].p50_ms);
}

static void check_graph(void **state)
{
    const struct graph_row *row = *state;
    for (uint64_t seed = 0; seed < 4; seed++) {
        struct builder builder;
        builder_init(&builder);
        fill(&builder, row);
        if (seed > 0)
            builder_shuffle(&builder, seed);
        struct arena arena;
        arena_init(&arena, 16 << 20);
        struct graph graph;
        char edges[1000], operations[2000];
        assert_int_equal(graph_build(&graph, &builder.spans, (const uint64_t[]){0, 0}, &arena),
                         STATUS_OK);
        write_graph(&graph, edges, operations);
        assert_string_equal(edges, row->edges);
        assert_string_equal(operations, row->operations);
        arena_release(&arena);
        builder_release(&builder);
    }
}

/* Three calls of 10, 20 and 60 ms to two operations of one service; the third one fails. */
static void check_figures(void **state)
{
    static const struct graph_row calls = {"",
                                           {{0, "a", C, "GET /x", 10, 0, 0},
                                            {1, "b", S, "GET /x", 10, 0, 0},
                                            {0, "a", C, "GET /x", 20, 0, 0},
                                            {3, "b", S, "GET /x", 20, 0, 0},
                                            {0, "a", C, "GET /y", 60, 0, 0},
                                            {5, "b", S, "GET /y", 60, "error", 0}},
                                           "",
                                           ""};
    (void)state;
    struct builder builder;
    builder_init(&builder);
    fill(&builder, &calls);
    for (size_t i = 0; i < builder.spans.count; i++)
        builder.spans.items[i].trace_id[15] = (uint8_t)(i / 2 + 1);
    struct arena arena;
    arena_init(&arena, 16 << 20);
    struct graph graph;
    assert_int_equal(graph_build(&graph, &builder.spans, (const uint64_t[]){0, 0}, &arena),
                     STATUS_OK);
    assert_int_equal(graph.edge_count, 1);
    assert_true(fabs(graph.edges[0].mean_ms - 30) < 0.01);
    assert_true(fabs(graph.edges[0].p50_ms - 20) < 0.01);
    assert_true(fabs(graph.edges[0].p99_ms - 60) < 0.01);
    assert_int_equal(graph.edges[0].trace_id[15], 3);
    assert_int_equal(graph.operation_count, 2);
    assert_int_equal(graph.service_count, 1);
    assert_true(text_is(graph.services[0].service, "b"));
    assert_int_equal(graph.services[0].operation.length, 0);
    assert_int_equal(graph.services[0].calls, 3);
    assert_int_equal(graph.services[0].errors, 1);
    assert_true(fabs(graph.services[0].p50_ms - 20) < 0.01);
    assert_true(fabs(graph.services[0].max_ms - 60) < 0.01);
    arena_release(&arena);
    builder_release(&builder);
}

static void check_shop(void **state)
{
    (void)state;
    struct builder builder;
    builder_init(&builder);
    shop_run(&builder, &(struct shop_options){.requests = 10}, NULL);
    struct arena arena;
    arena_init(&arena, 16 << 20);
    struct graph graph;
    assert_int_equal(graph_build(&graph, &builder.spans, (const uint64_t[]){0, 0}, &arena),
                     STATUS_OK);
    char edges[1000], operations[2000];
    write_graph(&graph, edges, operations);
    assert_string_equal(
        edges,
        "auth>auth (database)! 10/0, cart>cart (database)! 10/0, cart>catalog 10/0, checkout>cart "
        "10/0, "
        "checkout>fraud 10/0, checkout>inventory 10/0, checkout>orders 10/0, "
        "checkout>payment 10/0, checkout>pricing 10/0, checkout>shipping 10/0, "
        "fraud>fraud (database)! 10/0, frontend>auth 10/0, frontend>checkout 10/0, "
        "inventory>inventory (database)! 40/0, loadgen>frontend 10/0, notification>mail! 10/0, "
        "orders>notification 10/0, orders>orders (database)! 10/0, payment>bank! 10/0, "
        "payment>payment (database)! 20/0, pricing>fx! 20/0, pricing>promo! 20/0, pricing>tax! "
        "20/0");
    assert_int_equal(graph.trace_count, 10);
    arena_release(&arena);
    builder_release(&builder);
}

int main(void)
{
    struct rows all = {0};
    ROWS(&all, graph_rows, check_graph);
    rows_one(&all, "it sums up a service and the durations of calls", check_figures);
    rows_one(&all, "it draws the whole shop", check_shop);
    return rows_run("graph", &all);
}
