#include "diagnose/slow_dependency.h"

#include <math.h>
#include <stdio.h>

#include "diagnose/diagnose.h"
#include "tests/unit/rows.h"
#include "tests/unit/span_builder.h"

enum { CALLS = 5 };

/* Milliseconds of the page's calls in one window; 0: the call is not made. */
struct times {
    double vat, duty; /* of the peer tax */
    double rate;      /* of fx */
    double coupon;    /* of promo */
    double mail;      /* of mail, behind a queue */
};

struct slow_row {
    const char *it;
    struct times now, before; /* before.rate 0: no baseline */
    const char *wanted;       /* "kind confidence operation peer; ..." of what counts, and hints */
    bool serial, serial_before;
    bool inside;  /* tax sends server spans */
    bool twice;   /* another service calls tax, too, at 40 ms */
    double slow;  /* share of the requests in which tax is as it is now; 0: all */
    int requests; /* 0: 60 */
};

#define USUAL                                                                                      \
    {                                                                                              \
        .vat = 40, .duty = 40, .rate = 40, .coupon = 40, .mail = 5                                 \
    }
#define VAT "slow_dependency strong GET /vat tax"

static const struct slow_row rows[] = {
    {.it = "it names a peer whose routes all slowed down, once, where it is called first",
     .now = {.vat = 200, .duty = 200, .rate = 40, .coupon = 40, .mail = 5},
     .before = USUAL,
     .wanted = VAT},
    {.it = "it names the route that slowed down most",
     .now = {.vat = 150, .duty = 300, .rate = 40, .coupon = 40, .mail = 5},
     .before = USUAL,
     .wanted = "slow_dependency strong GET /duty tax"},
    {.it = "it names a peer with one route",
     .now = {.vat = 40, .duty = 40, .rate = 200, .coupon = 40, .mail = 5},
     .before = USUAL,
     .wanted = "slow_dependency strong GET /rate fx"},
    {.it = "it names a peer of calls one after another",
     .now = {.vat = 80, .duty = 80, .rate = 40, .coupon = 40},
     .before = USUAL,
     .serial = true,
     .serial_before = true,
     .wanted = VAT},
    {.it = "it names a peer of 5 ms that takes 50",
     .now = {.vat = 50, .duty = 50, .rate = 5, .coupon = 5},
     .before = {.vat = 5, .duty = 5, .rate = 5, .coupon = 5},
     .wanted = VAT},
    {.it = "it names it from 20 requests",
     .now = {.vat = 200, .duty = 200, .rate = 40, .coupon = 40},
     .before = USUAL,
     .requests = 20,
     .wanted = VAT},
    {.it = "it names two peers that slowed down one after another",
     .now = {.vat = 120, .duty = 120, .rate = 120, .coupon = 40},
     .before = USUAL,
     .serial = true,
     .serial_before = true,
     .wanted = VAT "; slow_dependency strong GET /rate fx"},
    {.it = "it leaves the order of the calls to those who look at orders",
     .now = {.vat = 200, .duty = 200, .rate = 40, .coupon = 40},
     .before = USUAL,
     .serial = true,
     .wanted = VAT "; sequential_calls proved GET /page tax,fx,promo"},
    {.it = "it guesses without a baseline at ten times the others",
     .now = {.vat = 600, .duty = 600, .rate = 40, .coupon = 40},
     .wanted = "slow_dependency hint GET /vat tax"},

    {.it = "it does not take partners of 40 ms for slow",
     .now = USUAL,
     .before = USUAL,
     .wanted = ""},
    {.it = "it does not take partners of 40 ms for slow without a baseline",
     .now = USUAL,
     .wanted = ""},
    {.it = "it does not take a slower one than the others for slow without a baseline",
     .now = {.vat = 200, .duty = 200, .rate = 40, .coupon = 40},
     .wanted = ""},
    {.it = "it does not take a peer that always took 240 ms",
     .now = {.vat = 240, .duty = 240, .rate = 40, .coupon = 40},
     .before = {.vat = 240, .duty = 240, .rate = 40, .coupon = 40},
     .wanted = ""},
    {.it = "it does not take a third more",
     .now = {.vat = 53, .duty = 53, .rate = 40, .coupon = 40},
     .before = USUAL,
     .wanted = ""},
    {.it = "it does not take half a millisecond more",
     .now = {.vat = 1.2, .duty = 1.2, .rate = 0.7, .coupon = 0.7},
     .before = {.vat = 0.7, .duty = 0.7, .rate = 0.7, .coupon = 0.7},
     .wanted = ""},
    {.it = "it does not take what hides behind a longer call",
     .now = {.vat = 40, .duty = 40, .rate = 15, .coupon = 40},
     .before = {.vat = 40, .duty = 40, .rate = 5, .coupon = 40},
     .wanted = ""},
    {.it = "it does not take one route of two",
     .now = {.vat = 200, .duty = 40, .rate = 40, .coupon = 40},
     .before = USUAL,
     .wanted = ""},
    {.it = "it does not take one caller of two",
     .now = {.vat = 200, .duty = 200, .rate = 40, .coupon = 40},
     .before = USUAL,
     .twice = true,
     .wanted = ""},
    {.it = "it does not blame one of the peers when all slowed down",
     .now = {.vat = 200, .duty = 200, .rate = 200, .coupon = 200},
     .before = USUAL,
     .wanted = ""},
    {.it = "it only guesses when all slowed down one after another",
     .now = {.vat = 80, .duty = 80, .rate = 80, .coupon = 80},
     .before = USUAL,
     .serial = true,
     .serial_before = true,
     .wanted = "slow_dependency hint GET /vat tax; slow_dependency hint GET /coupon promo; "
               "slow_dependency hint GET /rate fx"},
    {.it = "it does not take a service of the system",
     .now = {.vat = 200, .duty = 200, .rate = 40, .coupon = 40},
     .before = USUAL,
     .inside = true,
     .wanted = ""},
    {.it = "it does not take a peer that nobody waits for",
     .now = {.vat = 40, .duty = 40, .rate = 40, .coupon = 40, .mail = 600},
     .before = USUAL,
     .wanted = ""},
    {.it = "it does not take answers that are slow now and then",
     .now = {.vat = 400, .duty = 400, .rate = 40, .coupon = 40},
     .before = USUAL,
     .slow = 0.3,
     .wanted = ""},
    {.it = "it needs five requests",
     .now = {.vat = 200, .duty = 200, .rate = 40, .coupon = 40},
     .before = USUAL,
     .requests = 4,
     .wanted = ""},
};

static const struct {
    const char *name, *peer;
} calls[CALLS - 1] = {
    {"GET /vat", "tax"}, {"GET /duty", "tax"}, {"GET /rate", "fx"}, {"GET /coupon", "promo"}};

struct page {
    struct builder *builder;
    const struct slow_row *row;
    uint64_t id;
};

static void add_call(struct page *page, const char *service, size_t call, double start_us,
                     double end_us)
{
    const uint64_t id = builder_call(page->builder, page->id, service, OTLP_KIND_CLIENT,
                                     calls[call].name, start_us, end_us);
    builder_attribute(page->builder, "server.address", calls[call].peer);
    builder_attribute(page->builder, "url.template", strchr(calls[call].name, ' ') + 1);
    if (page->row->inside && text_is(text_of(calls[call].peer), "tax"))
        builder_call(page->builder, id, "tax", OTLP_KIND_SERVER, calls[call].name, start_us + 100,
                     end_us - 100);
}

/* A trace of its own, of a service that finds tax as usual. */
static void add_other_caller(struct page *page, int i, double start_us)
{
    page->builder->trace++;
    page->id = builder_call(page->builder, 0, "billing", OTLP_KIND_SERVER, "GET /bill", start_us,
                            start_us + 42000);
    add_call(page, "billing", 0, start_us + 500, start_us + 40000 + (i * 7 % 11) * 100);
}

static void add_mail(struct page *page, double start_us, double ms)
{
    const uint64_t sent = builder_call(page->builder, page->id, "shop", OTLP_KIND_PRODUCER, "send",
                                       start_us, start_us + 50);
    builder_attribute(page->builder, "messaging.destination.name", "placed");
    const uint64_t taken = builder_call(page->builder, sent, "letters", OTLP_KIND_CONSUMER,
                                        "process", start_us + 900, start_us + ms * 1000 + 1000);
    builder_attribute(page->builder, "messaging.destination.name", "placed");
    builder_call(page->builder, taken, "letters", OTLP_KIND_CLIENT, "POST /messages",
                 start_us + 950, start_us + ms * 1000 + 950);
    builder_attribute(page->builder, "server.address", "mail");
    builder_attribute(page->builder, "url.template", "/messages");
}

static double add_page(struct page *page, const struct times *times, bool serial, int i,
                       double start_us)
{
    struct builder *builder = page->builder;
    const double ms[CALLS - 1] = {times->vat, times->duty, times->rate, times->coupon};
    builder->trace++;
    page->id = builder_call(builder, 0, "shop", OTLP_KIND_SERVER, "GET /page", start_us, start_us);
    const size_t place = builder->spans.count - 1;
    double next_us = start_us + 1000, end_us = next_us;
    for (size_t k = 0; k < CALLS - 1; k++) {
        const double vary = 0.95 + 0.1 * ((i * 7 + (int)k * 5) % 11) / 10;
        if (ms[k] <= 0)
            continue;
        add_call(page, "shop", k, next_us, next_us + ms[k] * 1000 * vary);
        end_us = fmax(end_us, next_us + ms[k] * 1000 * vary);
        next_us = serial ? end_us + 30 : next_us + 8;
    }
    if (times->mail > 0)
        add_mail(page, end_us + 100, times->mail);
    end_us += 1500;
    builder->spans.items[place].end_ns = BUILDER_BASE_NS + (uint64_t)(end_us * 1000);
    return (end_us - start_us) / 1000;
}

/* The mean page, in ms. */
static double add_window(struct builder *builder, const struct slow_row *row, bool now)
{
    static const struct times usual = USUAL;
    struct page page = {.builder = builder, .row = row};
    const int requests = now && row->requests > 0 ? row->requests : 60;
    double sum_ms = 0;
    for (int i = 0; i < requests && (now || row->before.rate > 0); i++) {
        const bool slow = now && (row->slow <= 0 || i % 10 < row->slow * 10);
        const struct times *times = slow ? &row->now : now ? &usual : &row->before;
        sum_ms += add_page(&page, times, now ? row->serial : row->serial_before, i, i * 1500000.0);
        if (row->twice)
            add_other_caller(&page, i, i * 1500000.0 + 900000);
    }
    return sum_ms / requests;
}

static void check(void **state)
{
    const struct slow_row *row = *state;
    struct builder now, before;
    builder_init(&now);
    builder_init(&before);
    const double now_ms = add_window(&now, row, true);
    const double before_ms = add_window(&before, row, false);
    const struct diagnose_window current = {&now.spans, 0, 0}, baseline = {&before.spans, 0, 0};
    struct diagnosis diagnosis;
    assert_int_equal(
        diagnose_run(&current, before.spans.count ? &baseline : NULL, &diagnosis, NULL), STATUS_OK);
    char found[300] = "";
    for (size_t i = 0; i < diagnosis.finding_count; i++) {
        const struct finding *finding = &diagnosis.findings[i];
        const bool ours = finding->kind == FINDING_SLOW_DEPENDENCY;
        if (!ours && !finding_counts(finding, before.spans.count > 0))
            continue;
        assert_true(text_is(finding->service, "shop"));
        if (diagnosis.finding_count == 1 && finding->confidence == FINDING_STRONG)
            assert_true(fabs(finding->saving_ms - (now_ms - before_ms)) <=
                        0.1 * (now_ms - before_ms));
        snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s%s %s %.*s %.*s",
                 found[0] ? "; " : "", finding_kind_word(finding->kind),
                 finding_confidence_word(finding->confidence), TEXT_ARGS(finding->operation),
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
    return rows_run("slow_dependency", &all);
}
