/* A page that makes a call for each item of a list: windows of it for the tests of
 * n_plus_one_queries and n_plus_one_calls. Numbers of items follow a fixed pattern, so that what a
 * call for all would save is known. */
#ifndef CULPRIT_TESTS_UNIT_LOOP_PAGE_H
#define CULPRIT_TESTS_UNIT_LOOP_PAGE_H

#include <math.h>
#include <stdio.h>

#include "diagnose/diagnose.h"
#include "tests/unit/rows.h"
#include "tests/unit/span_builder.h"

enum loop_before {
    LOOP_NONE,    /* no baseline */
    LOOP_BATCH,   /* one call for all */
    LOOP_SAME,    /* as now */
    LOOP_ONE,     /* the same call, once */
    LOOP_TWO,     /* the same call, twice */
    LOOP_NOTHING, /* no call */
};

struct loop_row {
    const char *it;
    const char *name; /* "SELECT stock", or "GET /items/{id}" where `peer` is a service */
    const char *peer; /* "db:NAME", a service, or "~NAME" for one that sends no spans */
    int least, most;  /* items of a page */
    double call_ms;   /* 0: 3 */
    enum loop_before before;
    const char *wanted;  /* "confidence state", or "" */
    double gap_ms;       /* between the calls; 0: 0.03 */
    int failing;         /* of ten calls */
    bool parallel, rows; /* rows: a query before it returns as many rows as there are items */
    bool transaction, literal, same; /* literal: values in the SQL; same: all ask for one thing */
    const char *second;              /* another call in the body of the loop */
    int pages;                       /* 0: 60 */
    int without;                     /* pages without the loop */
};

static inline void loop_number(struct builder *builder, const char *key, int64_t value)
{
    builder_attribute(builder, key, "");
    struct otlp_attributes *attributes = &builder_last(builder)->attributes;
    struct otlp_attribute *items = (struct otlp_attribute *)(uintptr_t)attributes->items;
    items[attributes->count - 1].value = (struct otlp_value){.type = OTLP_I64, .i64 = value};
}

struct loop_page {
    struct builder *builder;
    const struct loop_row *row;
    bool helpers; /* sqlite's own counters on every query */
    uint64_t id;
    double at_us;
};

static inline void loop_query(struct loop_page *page, const char *name, const char *sql, double ms,
                              int rows)
{
    builder_call(page->builder, page->id, "shop", OTLP_KIND_CLIENT, name, page->at_us,
                 page->at_us + ms * 1000);
    builder_attribute(page->builder, "db.system.name", "sqlite");
    builder_attribute(page->builder, "db.namespace",
                      page->row->peer[0] == 'd' ? page->row->peer + 3 : "shop");
    builder_attribute(page->builder, "db.query.text", sql);
    loop_number(page->builder, "db.response.returned_rows", rows);
    if (page->helpers) {
        loop_number(page->builder, "sqlite.fullscan_steps", 0);
        loop_number(page->builder, "sqlite.vm_steps", 12 * rows);
    }
}

static inline void loop_request(struct loop_page *page, const char *name, double ms, int item)
{
    const bool inside = page->row->peer[0] != '~';
    const char *peer = page->row->peer + !inside;
    char url[80];
    snprintf(url, sizeof(url), "http://%s/items%s%d", peer,
             strstr(name, "cursor") ? "?cursor=" : "/", page->row->same ? 7 : item);
    const uint64_t id = builder_call(page->builder, page->id, "shop", OTLP_KIND_CLIENT, name,
                                     page->at_us, page->at_us + ms * 1000);
    builder_attribute(page->builder, "server.address", peer);
    builder_attribute(page->builder, "url.full", url);
    builder_attribute(page->builder, "url.template", strchr(name, ' ') + 1);
    if (item % 10 < page->row->failing)
        builder_last(page->builder)->status = OTLP_STATUS_ERROR;
    if (inside)
        builder_call(page->builder, id, peer, OTLP_KIND_SERVER, name, page->at_us + 100 * ms,
                     page->at_us + 900 * ms);
}

static inline void loop_call(struct loop_page *page, const char *name, double ms, int item)
{
    char sql[120];
    if (page->row->peer[0] != 'd') {
        loop_request(page, name, ms, item);
        return;
    }
    if (page->row->literal)
        snprintf(sql, sizeof(sql), "%s WHERE sku = 'sku-%d'", name, page->row->same ? 7 : item);
    else
        snprintf(sql, sizeof(sql), "%s WHERE sku = ?", name);
    loop_query(page, name, sql, ms, 1);
    if (item % 10 < page->row->failing)
        builder_last(page->builder)->status = OTLP_STATUS_ERROR;
}

/* The calls of a page; returns when the last has ended. */
static inline double loop_calls(struct loop_page *page, int items, int number)
{
    const struct loop_row *row = page->row;
    const double ms = row->call_ms > 0 ? row->call_ms : 3;
    const double gap_us = row->gap_ms > 0 ? row->gap_ms * 1000 : 30;
    double end_us = page->at_us;
    for (int i = 0; i < items; i++) {
        const double one_ms = ms * (0.9 + 0.2 * ((i * 7 + number) % 11) / 10);
        loop_call(page, row->name, one_ms, i);
        end_us = fmax(end_us, page->at_us + one_ms * 1000);
        page->at_us = row->parallel ? page->at_us + 5 : end_us + gap_us;
        if (row->second) {
            loop_call(page, row->second, one_ms / 2, i);
            end_us = fmax(end_us, page->at_us + one_ms * 500);
            page->at_us = row->parallel ? page->at_us + 5 : end_us + gap_us;
        }
    }
    return end_us;
}

static inline double loop_batch(struct loop_page *page, int items)
{
    const double ms = (page->row->call_ms > 0 ? page->row->call_ms : 3) + 0.02 * items;
    if (page->row->peer[0] == 'd')
        loop_query(page, page->row->name, "SELECT stock FROM json_each(?) JOIN stock", ms, items);
    else
        loop_request(page, "POST /items", ms, 1);
    return page->at_us + ms * 1000;
}

enum loop_way { LOOP_EACH, LOOP_ALL, LOOP_FIRST, LOOP_FIRST_TWO, LOOP_LEFT_OUT };

/* How long the page took. */
static inline double loop_page_add(struct loop_page *page, int items, int number, enum loop_way way,
                                   double start_us)
{
    struct builder *builder = page->builder;
    builder->trace++;
    page->id = builder_call(builder, 0, "shop", OTLP_KIND_SERVER, "GET /page", start_us, start_us);
    const size_t place = builder->spans.count - 1;
    page->at_us = start_us + 500;
    if (page->row->rows) {
        loop_query(page, "SELECT lines", "SELECT * FROM lines WHERE cart = ?", 0.5, items);
        page->at_us += 600;
    }
    if (page->row->transaction) {
        loop_query(page, "BEGIN", "BEGIN", 0.05, 0);
        page->at_us += 60;
    }
    double end_us = page->at_us;
    if (way == LOOP_EACH)
        end_us = loop_calls(page, items, number);
    if (way == LOOP_ALL)
        end_us = loop_batch(page, items);
    if (way == LOOP_FIRST || way == LOOP_FIRST_TWO)
        end_us = loop_calls(page, way == LOOP_FIRST ? 1 : 2, number);
    if (page->row->transaction) {
        page->at_us = end_us + 20;
        loop_query(page, "COMMIT", "COMMIT", 0.05, 0);
        end_us += 80;
    }
    end_us += 1500;
    builder->spans.items[place].end_ns = BUILDER_BASE_NS + (uint64_t)(end_us * 1000);
    return (end_us - start_us) / 1000;
}

/* The median page of a window, in ms. */
static inline double loop_window(struct builder *builder, const struct loop_row *row,
                                 enum loop_way way, bool helpers)
{
    struct loop_page page = {.builder = builder, .row = row, .helpers = helpers};
    double ms[400];
    const int pages = row->pages > 0 ? row->pages : 60;
    int count = 0, slot = 0;
    for (int i = 0; i < pages; i++) {
        const int items = row->least + (i * 7 % 13) * (row->most - row->least) / 12;
        const double took = loop_page_add(&page, items, i, way, ++slot * 400000.0);
        int at = count++;
        for (; at > 0 && ms[at - 1] > took; at--)
            ms[at] = ms[at - 1];
        ms[at] = took;
        for (int left_out = row->without / pages; left_out > 0; left_out--)
            loop_page_add(&page, 0, i, LOOP_LEFT_OUT, ++slot * 400000.0);
    }
    return ms[(pages - 1) / 2];
}

static inline void loop_check_with(const struct loop_row *row, enum finding_kind kind, bool helpers)
{
    static const enum loop_way ways[] = {LOOP_EACH,  LOOP_ALL,       LOOP_EACH,
                                         LOOP_FIRST, LOOP_FIRST_TWO, LOOP_LEFT_OUT};
    struct builder now, before;
    builder_init(&now);
    builder_init(&before);
    const double now_ms = loop_window(&now, row, LOOP_EACH, helpers);
    const double before_ms = loop_window(&before, row, ways[row->before], helpers);
    const struct diagnose_window current = {&now.spans, 0, 0}, baseline = {&before.spans, 0, 0};
    struct diagnosis diagnosis;
    assert_int_equal(
        diagnose_run(&current, row->before == LOOP_NONE ? NULL : &baseline, &diagnosis, NULL),
        STATUS_OK);
    char found[200] = "";
    for (size_t i = 0; i < diagnosis.finding_count; i++) {
        const struct finding *finding = &diagnosis.findings[i];
        assert_int_equal(finding->kind, kind);
        assert_true(text_is(finding->service, "shop") && text_is(finding->operation, "GET /page"));
        assert_true(text_is(finding->peer,
                            row->peer + (row->peer[0] == 'd' ? 3 : 0) + (row->peer[0] == '~')));
        snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s%s %s", i ? "; " : "",
                 finding_confidence_word(finding->confidence), finding_state_word(finding->state));
        if (row->before == LOOP_BATCH && row->without == 0 && row->least >= 5)
            assert_true(fabs(finding->saving_ms - (now_ms - before_ms)) <=
                        0.1 * (now_ms - before_ms));
    }
    assert_string_equal(found, row->wanted);
    diagnosis_release(&diagnosis);
    builder_release(&now);
    builder_release(&before);
}

#endif
