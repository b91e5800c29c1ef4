/* Fingerprints, windows and the order of calls: what detectors read. */
#include <stdio.h>

#include "diagnose/order.h"
#include "diagnose/window.h"
#include "tests/unit/rows.h"
#include "tests/unit/span_builder.h"

#define S OTLP_KIND_SERVER
#define C OTLP_KIND_CLIENT

/* ---- fingerprints of one span under a root */

struct print_row {
    const char *it;
    enum otlp_kind kind;
    const char *name;
    const char *attributes[8]; /* key, value, ... */
    bool server;               /* a server span "far" hangs below */
    const char *wanted;        /* "name|peer|method|route|flags" */
};

static const struct print_row print_rows[] = {
    {"it takes a client's peer from server.address",
     C,
     "GET /a",
     {"server.address", "tax", "url.template", "/a"},
     false,
     "GET /a|tax|GET|/a|rh"},
    {"it takes it so even when the server is known",
     C,
     "GET /a",
     {"server.address", "tax"},
     true,
     "GET /a|tax|GET|/a|rh"},
    {"it takes the server's service where no address is given",
     C,
     "GET /a",
     {0},
     true,
     "GET /a|far|GET|/a|rh"},
    {"it knows the method by attribute",
     C,
     "call",
     {"http.request.method", "POST", "url.full", "http://x/a/7?q"},
     false,
     "call||POST|/a/{}|h"},
    {"it drops ids from the name", C, "GET /a/17", {0}, false, "GET /a/{}||GET|/a/{}|rh"},
    {"it knows a query",
     C,
     "SELECT stock",
     {"db.system.name", "sqlite", "db.namespace", "stock"},
     false,
     "SELECT stock|stock|||rd"},
    {"it knows a query by its text",
     C,
     "query",
     {"db.system", "pg", "db.statement", "select 1"},
     false,
     "query|pg|||rd"},
    {"it knows a writing query",
     C,
     "INSERT stock",
     {"db.system.name", "sqlite"},
     false,
     "INSERT stock|sqlite|||d"},
    {"it knows where a transaction begins",
     C,
     "BEGIN",
     {"db.system.name", "sqlite"},
     false,
     "BEGIN|sqlite|||db"},
    {"it knows where a transaction ends",
     C,
     "COMMIT",
     {"db.system.name", "sqlite"},
     false,
     "COMMIT|sqlite|||de"},
    {"it is wary of checks",
     C,
     "POST /sessions/verify",
     {0},
     false,
     "POST /sessions/verify||POST|/sessions/verify|gh"},
    {"it is wary of paging",
     C,
     "GET /a",
     {"url.full", "http://x/a?page=2"},
     false,
     "GET /a||GET|/a|rph"},
    {"it takes a server's route",
     S,
     "GET /a",
     {"http.route", "/a/{id}"},
     false,
     "GET /a||GET|/a/{id}|rh"},
    {"it takes a producer's queue",
     OTLP_KIND_PRODUCER,
     "send q",
     {"messaging.destination.name", "q"},
     false,
     "send q|q||q|"},
};

static void write_print(const struct fingerprint *print, char *out, size_t size)
{
    static const struct {
        uint32_t flag;
        char letter;
    } letters[] = {{FINGERPRINT_READS, 'r'}, {FINGERPRINT_DATABASE, 'd'}, {FINGERPRINT_GUARDS, 'g'},
                   {FINGERPRINT_PAGES, 'p'}, {FINGERPRINT_BEGINS, 'b'},   {FINGERPRINT_ENDS, 'e'},
                   {FINGERPRINT_HTTP, 'h'}};
    char flags[8] = "";
    size_t count = 0;
    for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
        if (print->flags & letters[i].flag)
            flags[count++] = letters[i].letter;
    }
    snprintf(out, size, "%.*s|%.*s|%.*s|%.*s|%s", TEXT_ARGS(print->name), TEXT_ARGS(print->peer),
             TEXT_ARGS(print->method), TEXT_ARGS(print->route), flags);
}

struct bench {
    struct builder builder;
    struct arena arena;
    struct fingerprints prints;
    struct window window;
};

static void bench_init(struct bench *bench)
{
    builder_init(&bench->builder);
    arena_init(&bench->arena, 64 << 20);
    fingerprint_init(&bench->prints, &bench->arena);
}

static void bench_build(struct bench *bench)
{
    assert_int_equal(window_build(&bench->window, &bench->prints, &bench->builder.spans,
                                  (const uint64_t[]){0, 0}, &bench->arena),
                     STATUS_OK);
}

static void bench_release(struct bench *bench)
{
    fingerprint_release(&bench->prints);
    arena_release(&bench->arena);
    builder_release(&bench->builder);
}

static void check_print(void **state)
{
    const struct print_row *row = *state;
    struct bench bench;
    bench_init(&bench);
    const uint64_t root = builder_call(&bench.builder, 0, "shop", OTLP_KIND_INTERNAL, "root", 0, 9);
    const uint64_t id = builder_call(&bench.builder, root, "shop", row->kind, row->name, 1, 8);
    for (size_t i = 0; row->attributes[i]; i += 2)
        builder_attribute(&bench.builder, row->attributes[i], row->attributes[i + 1]);
    if (row->server)
        builder_call(&bench.builder, id, "far", S, "GET /a", 2, 7);
    bench_build(&bench);
    const struct tree_node *node = &bench.window.forest.trees[0].nodes[1];
    char words[200];
    write_print(&bench.prints.items[node->print], words, sizeof(words));
    assert_string_equal(words, row->wanted);
    assert_int_equal(bench.prints.items[node->print].far_side_count, row->server);
    bench_release(&bench);
}

static void check_address(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    struct otlp_attribute port = {text_of("server.port"), {.type = OTLP_I64, .i64 = 8101}};
    builder_call(&bench.builder, 0, "shop", C, "GET /a", 0, 9);
    builder_attribute(&bench.builder, "server.address", "127.0.0.1");
    ((struct otlp_attribute *)(uintptr_t)builder_last(&bench.builder)->attributes.items)[1] = port;
    builder_last(&bench.builder)->attributes.count = 2;
    bench_build(&bench);
    assert_true(text_is(bench.prints.items[1].peer, "127.0.0.1:8101"));
    bench_release(&bench);
}

static void check_many(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    char name[32];
    for (int i = 0; i < FINGERPRINTS_MAX + 10; i++) {
        snprintf(name, sizeof(name), "work x%dy", i);
        builder_call(&bench.builder, 0, "shop", S, name, i, i + 1);
    }
    bench.arena.max_bytes = (size_t)1 << 30;
    bench_build(&bench);
    assert_int_equal(bench.prints.count, FINGERPRINTS_MAX);
    bench_release(&bench);
}

/* ---- entries and halves */

static void check_entries(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    for (int i = 0; i < 10; i++) {
        bench.builder.trace++;
        const uint64_t sent =
            builder_call(&bench.builder, 0, "gen", C, "POST /x", i * 100.0, i * 100 + 50 + i);
        builder_call(&bench.builder, sent, "web", S, "POST /x", i * 100 + 1, i * 100 + 40);
    }
    bench.builder.trace++;
    builder_call(&bench.builder, 0, "web", S, "GET /y", 2000, 2010);
    bench.builder.trace++;
    builder_call(&bench.builder, 999, "web", OTLP_KIND_INTERNAL, "lost", 3000, 3500);
    bench_build(&bench);
    const struct window *window = &bench.window;
    assert_int_equal(window->complete_count, 11);
    assert_int_equal(window->partial_count, 1);
    assert_int_equal(window->entry_count, 2);
    const struct window_entry *first = &window->entries[0];
    const struct fingerprint *print = &bench.prints.items[first->print];
    assert_true(text_is(print->service, "web") && text_is(print->name, "POST /x"));
    assert_int_equal(first->tree_count, 10);
    assert_true(first->p50_ms > 0.0535 && first->p50_ms < 0.0545); /* the fifth of ten */
    assert_false(window_is_late(window, first, 4));
    assert_true(window_is_late(window, first, 5));
    assert_ptr_equal(window_find_entry(window, first->print), first);
    assert_null(window_find_entry(window, 0));
    bench_release(&bench);
}

/* ---- the order of two calls over a few pages */

struct service_row {
    const char *it;
    const char *peer, *service;
};

static const struct service_row service_rows[] = {
    {"it knows a service by its name", "web", "web"},
    {"it knows it with a domain", "web.shop.svc", "web"},
    {"it knows it with a port", "web:80", "web"},
    {"it knows one whose name has a dot", "pay.eu.svc", "pay.eu"},
    {"it does not know a longer name", "webs", ""},
    {"it does not know a shorter name", "we", ""},
    {"it does not know who only calls", "gen", ""},
    {"it knows nobody by no name", "", ""},
};

static void check_service(void **state)
{
    const struct service_row *row = *state;
    struct bench bench;
    bench_init(&bench);
    const uint64_t sent = builder_call(&bench.builder, 0, "gen", C, "POST /x", 0, 10);
    builder_call(&bench.builder, sent, "web", S, "POST /x", 1, 9);
    builder_call(&bench.builder, sent, "pay.eu", S, "POST /y", 2, 8);
    bench_build(&bench);
    assert_true(text_is(fingerprint_service_of(&bench.prints, text_of(row->peer)), row->service));
    bench_release(&bench);
}

struct order_row {
    const char *it;
    double pages[5][4]; /* start and end of the first call and of the second; 0, 0: not made */
    struct order_pair wanted;
};

static const struct order_row order_rows[] = {
    {"it counts one after another", {{1, 10, 10, 20}, {1, 10, 11, 20}}, {2, 2, 0, 0}},
    {"it counts the other way round", {{11, 20, 1, 10}, {1, 10, 11, 20}}, {2, 1, 1, 0}},
    {"it counts overlaps", {{1, 10, 5, 20}, {1, 30, 5, 20}}, {2, 0, 0, 2}},
    {"it forgives two microseconds", {{1, 10, 9, 20}, {1, 10, 8, 20}}, {2, 2, 0, 0}},
    {"it does not count pages with one of them",
     {{1, 10, 0, 0}, {1, 10, 11, 20}, {0, 0, 5, 8}},
     {1, 1, 0, 0}},
};

static void check_order(void **state)
{
    const struct order_row *row = *state;
    struct bench bench;
    bench_init(&bench);
    for (size_t i = 0; i < 5 && (row->pages[i][1] > 0 || row->pages[i][3] > 0); i++) {
        bench.builder.trace++;
        const uint64_t page = builder_call(&bench.builder, 0, "web", S, "GET /", 0, 40);
        for (int k = 0; k < 2; k++) {
            if (row->pages[i][2 * k + 1] > 0)
                builder_call(&bench.builder, page, "web", C, k ? "GET /b" : "GET /a",
                             row->pages[i][2 * k], row->pages[i][2 * k + 1]);
        }
        builder_call(&bench.builder, page, "web", C, "GET /c", 30, 35);
        builder_call(&bench.builder, page, "web", C, "GET /twice", 35, 36);
        builder_call(&bench.builder, page, "web", C, "GET /twice", 36, 37);
    }
    bench_build(&bench);
    assert_int_equal(bench.window.site_count, 1);
    struct order order;
    assert_int_equal(order_learn(&order, &bench.window, &bench.window.sites[0], &bench.arena),
                     STATUS_OK);
    assert_int_equal(order.count, 3); /* a call that is made twice has no place in an order */
    size_t a = 0, b = 0;
    for (size_t i = 0; i < order.count; i++) {
        const struct text name = bench.prints.items[order.calls[i].print].name;
        a = text_is(name, "GET /a") ? i : a;
        b = text_is(name, "GET /b") ? i : b;
    }
    const struct order_pair *pair = order_between(&order, a, b),
                            *back = order_between(&order, b, a);
    assert_memory_equal(pair, &row->wanted, sizeof(*pair));
    assert_int_equal(back->before, pair->after);
    assert_int_equal(back->overlap, pair->overlap);
    bench_release(&bench);
}

int main(void)
{
    struct rows all = {0};
    ROWS(&all, print_rows, check_print);
    ROWS(&all, service_rows, check_service);
    ROWS(&all, order_rows, check_order);
    rows_one(&all, "it tells peers of one address apart by port", check_address);
    rows_one(&all, "it keeps to its maximum of fingerprints", check_many);
    rows_one(&all, "it sorts requests by what they enter", check_entries);
    return rows_run("site", &all);
}
