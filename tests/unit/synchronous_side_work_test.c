#include "diagnose/synchronous_side_work.h"

#include <math.h>
#include <stdio.h>

#include "diagnose/diagnose.h"
#include "tests/unit/rows.h"
#include "tests/unit/span_builder.h"

enum { WAYS = 5 };

/* Pages of a window by the way in which the mail goes out. */
struct mix {
    int queue;  /* a message; notification sends the mail behind it */
    int called; /* notification is called, and sends the mail inside of that */
    int both;   /* a message, and a call besides that sends no mail */
    int direct; /* the mail partner is called, without notification */
    int none;
};

struct side_row {
    const char *it;
    struct mix now, before;
    const char *wanted; /* "confidence state operation peer", or "" */
    const char *method; /* of the call; NULL: POST */
    double mail_ms;     /* 0: 30 */
    bool other_job;     /* what is called sends no mail */
    bool needed;        /* a call after it: it is not the last */
};

#define CALL " POST /notifications notification"

static const struct side_row rows[] = {
    {"it names a call that was a message before",
     {.called = 50},
     {.queue = 50},
     "proved regression" CALL,
     NULL,
     0,
     false,
     false},
    {"it names a call of half a second",
     {.called = 50},
     {.queue = 50},
     "proved regression" CALL,
     NULL,
     600,
     false,
     false},
    {"it names it when it is not the last call",
     {.called = 50},
     {.queue = 50},
     "proved regression" CALL,
     NULL,
     0,
     false,
     true},
    {"it names a call of the partner behind the queue",
     {.direct = 50},
     {.queue = 50},
     "strong regression POST /messages mail",
     NULL,
     0,
     false,
     false},
    {"it is less sure when the call does another job",
     {.called = 50},
     {.queue = 50},
     "strong regression" CALL,
     NULL,
     0,
     true,
     false},
    {"it names it when half of the requests call",
     {.called = 25, .queue = 25},
     {.queue = 50},
     "proved regression" CALL,
     NULL,
     0,
     false,
     false},
    {"it names it from 20 requests",
     {.called = 20},
     {.queue = 20},
     "proved regression" CALL,
     NULL,
     0,
     false,
     false},
    {"it guesses without a baseline where others send a message",
     {.called = 25, .queue = 25},
     {0},
     "hint standing" CALL,
     NULL,
     0,
     false,
     false},

    {"it says nothing without a baseline where all call",
     {.called = 50},
     {0},
     "",
     NULL,
     0,
     false,
     false},
    {"it does not take a message for a call",
     {.queue = 50},
     {.queue = 50},
     "",
     NULL,
     0,
     false,
     false},
    {"it does not take a call that was always made",
     {.called = 50},
     {.called = 50},
     "",
     NULL,
     0,
     false,
     false},
    {"it does not take a call beside the message",
     {.both = 50},
     {.queue = 50},
     "",
     NULL,
     0,
     false,
     false},
    {"it does not take a call that was made beside the message before",
     {.called = 50},
     {.both = 50},
     "",
     NULL,
     0,
     false,
     false},
    {"it does not take a call that is new, without a message before",
     {.called = 50},
     {.none = 50},
     "",
     NULL,
     0,
     false,
     false},
    {"it does not take a read", {.called = 50}, {.queue = 50}, "", "GET", 0, false, false},
    {"it does not take a call that takes next to no time",
     {.called = 50},
     {.queue = 50},
     "",
     NULL,
     0.05,
     false,
     false},
    {"it does not take messages that only few requests sent",
     {.called = 50},
     {.queue = 10, .none = 40},
     "",
     NULL,
     0,
     false,
     false},
    {"it needs five requests", {.called = 4}, {.queue = 50}, "", NULL, 0, false, false},
    {"it needs more than 5 % of the requests",
     {.called = 7, .queue = 150},
     {.queue = 50},
     "",
     NULL,
     0,
     false,
     false},
};

struct page {
    struct builder *builder;
    const struct side_row *row;
    uint64_t id;
    double at_us;
};

static double mail_us(const struct side_row *row, int i)
{
    return (row->mail_ms > 0 ? row->mail_ms : 30) * 1000 * (0.9 + 0.2 * (i * 7 % 11) / 10);
}

static void add_mail(struct page *page, uint64_t parent, const char *service, double start_us,
                     double us)
{
    builder_call(page->builder, parent, service, OTLP_KIND_CLIENT, "POST /messages", start_us,
                 start_us + us);
    builder_attribute(page->builder, "http.request.method", "POST");
    builder_attribute(page->builder, "server.address", "mail");
    builder_attribute(page->builder, "url.template", "/messages");
}

static void add_message(struct page *page, int i)
{
    struct builder *builder = page->builder;
    const double later_us = page->at_us + 8000;
    const uint64_t sent = builder_call(builder, page->id, "orders", OTLP_KIND_PRODUCER,
                                       "send order.placed", page->at_us, page->at_us + 100);
    builder_attribute(builder, "messaging.destination.name", "order.placed");
    const uint64_t taken =
        builder_call(builder, sent, "notification", OTLP_KIND_CONSUMER, "process order.placed",
                     later_us, later_us + mail_us(page->row, i) + 200);
    builder_attribute(builder, "messaging.destination.name", "order.placed");
    add_mail(page, taken, "notification", later_us + 100, mail_us(page->row, i));
    page->at_us += 150;
}

static void add_call(struct page *page, int i, bool mails)
{
    char name[40];
    struct builder *builder = page->builder;
    const double us = mail_us(page->row, i);
    snprintf(name, sizeof(name), "%s /notifications",
             page->row->method ? page->row->method : "POST");
    const uint64_t call = builder_call(builder, page->id, "orders", OTLP_KIND_CLIENT, name,
                                       page->at_us, page->at_us + us + 60);
    builder_attribute(builder, "server.address", "notification");
    builder_attribute(builder, "url.template", "/notifications");
    const uint64_t server = builder_call(builder, call, "notification", OTLP_KIND_SERVER, name,
                                         page->at_us + 20, page->at_us + us + 40);
    if (mails)
        add_mail(page, server, "notification", page->at_us + 30, us);
    page->at_us += us + 100;
}

static double add_page(struct page *page, int way, int i, double start_us)
{
    struct builder *builder = page->builder;
    builder->trace++;
    page->id =
        builder_call(builder, 0, "orders", OTLP_KIND_SERVER, "POST /orders", start_us, start_us);
    const size_t place = builder->spans.count - 1;
    builder_call(builder, page->id, "orders", OTLP_KIND_CLIENT, "INSERT orders", start_us + 300,
                 start_us + 600);
    builder_attribute(builder, "db.system.name", "sqlite");
    builder_attribute(builder, "db.namespace", "orders.db");
    page->at_us = start_us + 700;
    if (way == 0 || way == 2)
        add_message(page, i);
    if (way == 1 || way == 2)
        add_call(page, i, way == 1 && !page->row->other_job);
    if (way == 3) {
        add_mail(page, page->id, "orders", page->at_us, mail_us(page->row, i));
        page->at_us += mail_us(page->row, i) + 50;
    }
    if (page->row->needed) {
        builder_call(builder, page->id, "orders", OTLP_KIND_CLIENT, "SELECT orders", page->at_us,
                     page->at_us + 200);
        builder_attribute(builder, "db.system.name", "sqlite");
        page->at_us += 250;
    }
    page->at_us += 1500;
    builder->spans.items[place].end_ns = BUILDER_BASE_NS + (uint64_t)(page->at_us * 1000);
    return (page->at_us - start_us) / 1000;
}

/* The ways mixed evenly; the mean page, in ms. */
static double add_window(struct builder *builder, const struct side_row *row, struct mix mix)
{
    const int counts[WAYS] = {mix.queue, mix.called, mix.both, mix.direct, mix.none};
    struct page page = {.builder = builder, .row = row};
    int due[WAYS] = {0}, total = 0;
    double sum_ms = 0;
    for (int k = 0; k < WAYS; k++)
        total += counts[k];
    for (int i = 0; i < total; i++) {
        int way = 0;
        for (int k = 0; k < WAYS; k++) {
            due[k] += counts[k];
            way = due[k] > due[way] ? k : way;
        }
        due[way] -= total;
        sum_ms += add_page(&page, way, i, i * 1000000.0);
    }
    return total > 0 ? sum_ms / total : 0;
}

static void check(void **state)
{
    const struct side_row *row = *state;
    struct builder now, before;
    builder_init(&now);
    builder_init(&before);
    const double now_ms = add_window(&now, row, row->now);
    const double before_ms = add_window(&before, row, row->before);
    const struct diagnose_window current = {&now.spans, 0, 0}, baseline = {&before.spans, 0, 0};
    struct diagnosis diagnosis;
    assert_int_equal(
        diagnose_run(&current, before.spans.count ? &baseline : NULL, &diagnosis, NULL), STATUS_OK);
    char found[200] = "";
    for (size_t i = 0; i < diagnosis.finding_count; i++) {
        const struct finding *finding = &diagnosis.findings[i];
        assert_int_equal(finding->kind, FINDING_SYNCHRONOUS_SIDE_WORK);
        assert_true(text_is(finding->service, "orders"));
        if (finding->prevalence > 0.99)
            assert_true(fabs(finding->saving_ms - (now_ms - before_ms)) <=
                        0.1 * (now_ms - before_ms));
        snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s%s %s %.*s %.*s",
                 i ? "; " : "", finding_confidence_word(finding->confidence),
                 finding_state_word(finding->state), TEXT_ARGS(finding->operation),
                 TEXT_ARGS(finding->peer));
    }
    assert_string_equal(found, row->wanted);
    diagnosis_release(&diagnosis);
    builder_release(&now);
    builder_release(&before);
}

int main(void)
{
    struct rows all = {0};
    ROWS(&all, rows, check);
    return rows_run("synchronous_side_work", &all);
}
