#include "diagnose/missing_index.h"

#include <math.h>
#include <stdio.h>

#include "diagnose/diagnose.h"
#include "tests/unit/rows.h"
#include "tests/unit/span_builder.h"

/* One statement of a page in one window; times vary by a tenth around what is said. */
struct statement_of {
    double ms;       /* 0: there is no such window */
    int64_t steps;   /* rows that it scans; -1: it makes an index of its own out of them */
    int64_t rows;    /* that it returns */
    double other_ms; /* the page's other reads of the database; 0: 0.2 */
    int fast;        /* of ten executions: take 0.2 ms */
    double crowd_ms; /* six pages at once, each waits so long for the one before */
    int times;       /* a page; 0: once */
};

struct index_row {
    const char *it;
    struct statement_of now, before;
    const char *with, *without; /* sqlite's counters: "confidence state", or "" */
    const char *sql;
    bool no_others; /* no other statement of the database */
    int pages;      /* 0: 60 */
};

static const struct index_row rows[] = {
    {"it names a scan by its counters and the baseline",
     {.ms = 10, .steps = 200000, .rows = 12},
     {.ms = 0.4, .rows = 12},
     "proved regression",
     "strong regression",
     NULL,
     false,
     0},
    {"it names a scan of half a second",
     {.ms = 400, .steps = 8000000, .rows = 40},
     {.ms = 1, .rows = 40},
     "proved regression",
     "strong regression",
     NULL,
     false,
     0},
    {"it names an index that is made for each request",
     {.ms = 40, .steps = -1, .rows = 12},
     {.ms = 0.4, .rows = 12},
     "proved regression",
     "strong regression",
     NULL,
     false,
     0},
    {"it names a scan without a baseline; without counters it is a guess",
     {.ms = 10, .steps = 200000, .rows = 12},
     {.ms = 0},
     "proved standing",
     "hint standing",
     NULL,
     false,
     0},
    {"it names a scan where nothing else is asked of the database",
     {.ms = 10, .steps = 200000, .rows = 12},
     {.ms = 0},
     "proved standing",
     "",
     NULL,
     true,
     0},
    {"it names a scan by the baseline where nothing else is asked of the database",
     {.ms = 10, .steps = 200000, .rows = 12},
     {.ms = 0.4, .rows = 12},
     "proved regression",
     "strong regression",
     NULL,
     true,
     0},
    {"it calls a scan standing that the baseline has too",
     {.ms = 10, .steps = 200000, .rows = 12},
     {.ms = 10, .steps = 200000, .rows = 12},
     "proved standing",
     "",
     NULL,
     false,
     0},
    {"it names it from 20 requests",
     {.ms = 10, .steps = 200000, .rows = 12},
     {.ms = 0.4, .rows = 12},
     "proved regression",
     "strong regression",
     NULL,
     false,
     20},

    {"it does not take a statement below 5 ms",
     {.ms = 3, .steps = 60000, .rows = 1},
     {.ms = 0.3, .rows = 1},
     "",
     "",
     NULL,
     false,
     0},
    {"it does not take a statement that was as slow before",
     {.ms = 10, .rows = 12},
     {.ms = 9, .rows = 12},
     "",
     "",
     NULL,
     false,
     0},
    {"it does not take a large answer",
     {.ms = 30, .steps = 200000, .rows = 100000},
     {.ms = 1, .rows = 200},
     "",
     "",
     NULL,
     false,
     0},
    {"it does not take a sum over a whole table",
     {.ms = 30, .steps = 200000, .rows = 1},
     {.ms = 1, .rows = 1},
     "",
     "",
     "SELECT sum(total) FROM history",
     false,
     0},
    {"it does not take a wait that comes now and then",
     {.ms = 12, .rows = 12, .fast = 4},
     {.ms = 0.2, .rows = 12},
     "",
     "",
     NULL,
     false,
     0},
    {"it does not take a wait for others who use the database",
     {.ms = 0.5, .rows = 12, .crowd_ms = 8},
     {.ms = 0.5, .rows = 12},
     "",
     "",
     NULL,
     false,
     0},
    {"it only guesses when waiting for others explains it just as well",
     {.ms = 8, .rows = 12, .crowd_ms = 8},
     {.ms = 0.5, .rows = 12},
     "",
     "hint regression",
     NULL,
     false,
     0},
    {"it does not take a database that is slow altogether",
     {.ms = 10, .rows = 12, .other_ms = 9},
     {.ms = 0.5, .rows = 12, .other_ms = 0.4},
     "",
     "",
     NULL,
     false,
     0},
    {"it does not take a loop of statements without counters",
     {.ms = 10, .rows = 1, .times = 4},
     {.ms = 0.5, .rows = 1, .times = 4},
     "",
     "",
     NULL,
     false,
     0},
    {"it needs five requests",
     {.ms = 10, .steps = 200000, .rows = 12},
     {.ms = 0.4, .rows = 12},
     "",
     "",
     NULL,
     false,
     4},
};

struct page {
    struct builder *builder;
    const struct index_row *row;
    const struct statement_of *what;
    bool counters;
    uint64_t id;
    double at_us;
};

static void number(struct builder *builder, const char *key, int64_t value)
{
    builder_attribute(builder, key, "");
    struct otlp_attributes *attributes = &builder_last(builder)->attributes;
    struct otlp_attribute *items = (struct otlp_attribute *)(uintptr_t)attributes->items;
    items[attributes->count - 1].value = (struct otlp_value){.type = OTLP_I64, .i64 = value};
}

static void add_query(struct page *page, const char *name, const char *sql, double ms,
                      int64_t steps, int64_t returned)
{
    builder_call(page->builder, page->id, "orders", OTLP_KIND_CLIENT, name, page->at_us,
                 page->at_us + ms * 1000);
    builder_attribute(page->builder, "db.system.name", "sqlite");
    builder_attribute(page->builder, "db.namespace", "orders.db");
    builder_attribute(page->builder, "db.query.text", sql);
    number(page->builder, "db.response.returned_rows", returned);
    if (page->counters) {
        number(page->builder, "sqlite.fullscan_steps", steps > 0 ? steps : 0);
        number(page->builder, "sqlite.autoindex_rows", steps < 0 ? 200000 : 0);
    }
    page->at_us += ms * 1000 + 30;
}

static double add_page(struct page *page, int i, double start_us)
{
    const struct statement_of *what = page->what;
    /* A crowd queues up in the order in which it comes. */
    const double vary = what->crowd_ms > 0 ? 1 + 0.001 * (i % 6) : 0.9 + 0.2 * (i * 7 % 11) / 10;
    page->builder->trace++;
    page->id = builder_call(page->builder, 0, "orders", OTLP_KIND_SERVER, "POST /orders", start_us,
                            start_us);
    const size_t place = page->builder->spans.count - 1;
    page->at_us = start_us + 300;
    const double other_ms = (what->other_ms > 0 ? what->other_ms : 0.2) * vary;
    if (!page->row->no_others)
        add_query(page, "SELECT orders", "SELECT id FROM orders WHERE key = ?", other_ms, 0, 1);
    for (int n = 0; n < (what->times > 0 ? what->times : 1); n++) {
        const double waited_ms = what->crowd_ms * (i % 6);
        const double ms = i % 10 < what->fast ? 0.2 : what->ms * vary + waited_ms;
        add_query(page, "SELECT history",
                  page->row->sql
                      ? page->row->sql
                      : "SELECT h.at FROM json_each(?) l JOIN history h ON h.sku = l.value",
                  ms, what->steps, what->rows);
    }
    page->at_us += 700;
    page->builder->spans.items[place].end_ns = BUILDER_BASE_NS + (uint64_t)(page->at_us * 1000);
    return (page->at_us - start_us) / 1000;
}

static double add_window(struct builder *builder, const struct index_row *row,
                         const struct statement_of *what, bool counters)
{
    struct page page = {.builder = builder, .row = row, .what = what, .counters = counters};
    double sum_ms = 0;
    const int pages = row->pages > 0 ? row->pages : 60;
    for (int i = 0; i < pages && what->ms > 0; i++)
        sum_ms += add_page(&page, i, what->crowd_ms > 0 ? i / 6 * 600000.0 : i * 600000.0);
    return sum_ms / pages;
}

static void check_with(const struct index_row *row, bool counters)
{
    struct builder now, before;
    builder_init(&now);
    builder_init(&before);
    const double now_ms = add_window(&now, row, &row->now, counters);
    const double before_ms = add_window(&before, row, &row->before, counters);
    const struct diagnose_window current = {&now.spans, 0, 0}, baseline = {&before.spans, 0, 0};
    struct diagnosis diagnosis;
    assert_int_equal(
        diagnose_run(&current, row->before.ms > 0 ? &baseline : NULL, &diagnosis, NULL), STATUS_OK);
    char found[200] = "";
    for (size_t i = 0; i < diagnosis.finding_count; i++) {
        const struct finding *finding = &diagnosis.findings[i];
        assert_int_equal(finding->kind, FINDING_MISSING_INDEX);
        assert_true(text_is(finding->service, "orders") &&
                    text_is(finding->operation, "SELECT history") &&
                    text_is(finding->peer, "orders.db"));
        if (finding_counts(finding, true))
            assert_true(fabs(finding->saving_ms - (now_ms - before_ms)) <=
                        0.1 * (now_ms - before_ms));
        snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s%s %s", i ? "; " : "",
                 finding_confidence_word(finding->confidence), finding_state_word(finding->state));
    }
    assert_string_equal(found, counters ? row->with : row->without);
    diagnosis_release(&diagnosis);
    builder_release(&now);
    builder_release(&before);
}

static void check(void **state)
{
    check_with(*state, true);
    check_with(*state, false);
}

int main(void)
{
    struct rows all = {0};
    ROWS(&all, rows, check);
    return rows_run("missing_index", &all);
}
