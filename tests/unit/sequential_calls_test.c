#include "diagnose/sequential_calls.h"

#include <stdio.h>

#include "tests/unit/rows.h"
#include "tests/unit/span_builder.h"

enum { CALLS_MAX = 6 };

/* A call of the page: an address that is no service is outside. */
struct call {
    const char *name; /* "GET /x", or SQL where `peer` begins with "db:" */
    const char *peer;
    double ms;
    const char *url; /* url.full, or NULL */
};

/* How often a window has the page's calls one after another, the other way round, side by side. */
struct mix {
    int serial, inverted, parallel;
};

struct guard_row {
    const char *it;
    struct call calls[CALLS_MAX];
    struct mix now, before;
    double gap_us;      /* between calls; 0: 30 */
    const char *wanted; /* "confidence state count-of-calls", or "" */
    double own_ms;      /* of the page besides; 0: 4 */
    int other;          /* pages without the calls */
    bool inside;        /* the peers send server spans */
    bool early_only;    /* the calls are in the first third of the window only */
};

#define GETS                                                                                       \
    {"GET /vat", "tax", 20, 0}, {"GET /rate", "fx", 22, 0},                                        \
    {                                                                                              \
        "GET /coupon", "promo", 18, 0                                                              \
    }

static const struct guard_row guard_rows[] = {
    /* what proves that calls do not need each other */
    {"it takes an overlap in the baseline for a proof",
     {GETS},
     {50, 0, 0},
     {0, 0, 50},
     0,
     "proved regression three",
     0,
     0,
     false,
     false},
    {"it takes an overlap in some requests of the window for a proof",
     {GETS},
     {60, 0, 4},
     {0},
     0,
     "proved standing three",
     0,
     0,
     false,
     false},
    {"it takes the other order in some requests for a proof",
     {GETS},
     {45, 5, 0},
     {0},
     0,
     "proved standing three",
     0,
     0,
     false,
     false},
    {"it takes two requests for chance, not for a proof",
     {{"GET /a", "one", 20, 0}, {"GET /b", "two", 20, 0}},
     {60, 0, 2},
     {0},
     0,
     "hint standing two",
     0,
     0,
     true,
     false},
    {"it holds two calls to the proof as it does six",
     {{"GET /a", "one", 20, 0}, {"GET /b", "two", 20, 0}},
     {50, 0, 0},
     {0, 0, 50},
     0,
     "proved regression two",
     0,
     0,
     true,
     false},
    {"it proves writes by an overlap in the baseline",
     {{"POST /a", "one", 20, 0}, {"POST /b", "two", 20, 0}},
     {50, 0, 0},
     {0, 0, 50},
     0,
     "proved regression two",
     0,
     0,
     true,
     false},
    {"it does not prove writes by another order",
     {{"POST /a", "one", 20, 0}, {"POST /b", "two", 20, 0}},
     {30, 20, 0},
     {0},
     0,
     "",
     0,
     0,
     true,
     false},
    {"it says standing where the baseline was the same",
     {GETS},
     {45, 5, 0},
     {45, 5, 0},
     0,
     "proved standing three",
     0,
     0,
     false,
     false},

    /* three reads of peers outside */
    {"it takes three reads of peers outside for strong",
     {GETS},
     {50, 0, 0},
     {0},
     0,
     "strong standing three",
     0,
     0,
     false,
     false},
    {"it takes two reads of peers outside for a hint",
     {{"GET /vat", "tax", 20, 0}, {"GET /rate", "fx", 22, 0}},
     {50, 0, 0},
     {0},
     0,
     "hint standing two",
     0,
     0,
     false,
     false},
    {"it takes three reads of one peer for a hint",
     {{"GET /a", "tax", 20, 0}, {"GET /b", "tax", 22, 0}, {"GET /c", "tax", 18, 0}},
     {50, 0, 0},
     {0},
     0,
     "hint standing three",
     0,
     0,
     false,
     false},
    {"it takes three reads of peers inside for a hint",
     {GETS},
     {50, 0, 0},
     {0},
     0,
     "hint standing three",
     0,
     0,
     true,
     false},
    {"it takes three reads with work between for a hint",
     {GETS},
     {50, 0, 0},
     {0},
     2500,
     "hint standing three",
     0,
     0,
     false,
     false},
    {"it takes more work between than a quarter of a call for a reason",
     {GETS},
     {50, 0, 0},
     {0},
     7000,
     "",
     0,
     0,
     false,
     false},
    {"it does not take a check of who asks for independent",
     {{"GET /token", "idp", 20, 0}, {"GET /rate", "fx", 22, 0}, {"GET /coupon", "promo", 18, 0}},
     {50, 0, 0},
     {0},
     0,
     "hint standing three",
     0,
     0,
     false,
     false},

    /* what is never taken */
    {"it does not take writes whose order never varies",
     {{"POST /a", "one", 20, 0}, {"POST /b", "two", 20, 0}, {"POST /c", "three", 20, 0}},
     {50, 0, 0},
     {50, 0, 0},
     0,
     "",
     0,
     0,
     true,
     false},
    {"it does not take writes outside either",
     {{"POST /a", "one", 20, 0}, {"POST /b", "two", 20, 0}, {"POST /c", "three", 20, 0}},
     {50, 0, 0},
     {0},
     0,
     "",
     0,
     0,
     false,
     false},
    {"it does not take one call repeated",
     {{"GET /a", "one", 20, 0}, {"GET /a", "one", 20, 0}, {"GET /a", "one", 20, 0}},
     {50, 0, 0},
     {0},
     0,
     "",
     0,
     0,
     false,
     false},
    {"it does not take calls of the same route with different ids",
     {{"GET /a/17", "one", 20, 0}, {"GET /a/18", "one", 20, 0}, {"GET /a/19", "one", 20, 0}},
     {50, 0, 0},
     {0},
     0,
     "",
     0,
     0,
     false,
     false},
    {"it does not take pages of one answer",
     {{"GET /a", "one", 20, "http://one/a?cursor=x"},
      {"GET /b", "two", 20, "http://two/b?cursor=y"},
      {"GET /c", "three", 20, "http://three/c?cursor=z"}},
     {50, 0, 0},
     {0},
     0,
     "",
     0,
     0,
     false,
     false},
    {"it does not take queries of one database",
     {{"SELECT a", "db:shop", 20, 0}, {"SELECT b", "db:shop", 20, 0}},
     {50, 0, 0},
     {0},
     0,
     "",
     0,
     0,
     false,
     false},
    {"it takes queries of two databases for a hint",
     {{"SELECT a", "db:shop", 20, 0}, {"SELECT b", "db:stock", 20, 0}},
     {50, 0, 0},
     {0},
     0,
     "hint standing two",
     0,
     0,
     false,
     false},
    {"it does not take queries of a transaction",
     {{"BEGIN", "db:shop", 1, 0},
      {"SELECT a", "db:shop", 20, 0},
      {"SELECT b", "db:stock", 20, 0},
      {"COMMIT", "db:shop", 1, 0}},
     {50, 0, 0},
     {0},
     0,
     "",
     0,
     0,
     false,
     false},
    {"it does not take calls that another call parts",
     {{"GET /a", "one", 20, 0}, {"POST /w", "three", 2, 0}, {"GET /b", "two", 20, 0}},
     {50, 0, 0},
     {0},
     0,
     "",
     0,
     0,
     true,
     false},

    /* gates */
    {"it does not take parallel code", {GETS}, {0, 0, 50}, {0, 0, 50}, 0, "", 0, 0, false, false},
    {"it does not take parallel code that was late in every second request",
     {GETS},
     {25, 0, 25},
     {0},
     0,
     "",
     0,
     0,
     false,
     false},
    {"it does not take parallel code that was late as often before",
     {GETS},
     {30, 0, 20},
     {30, 0, 20},
     0,
     "",
     0,
     0,
     false,
     false},
    {"it does not take a saving below 5 % of the request",
     {GETS},
     {50, 0, 0},
     {0, 0, 50},
     0,
     "",
     2000,
     0,
     false,
     false},
    {"it does not take a saving in the noise of the clock",
     {{"GET /a", "one", 0.1, 0}, {"GET /b", "two", 0.1, 0}},
     {50, 0, 0},
     {0, 0, 50},
     3,
     "",
     0.2,
     0,
     false,
     false},
    {"it needs five requests", {GETS}, {4, 0, 0}, {0, 0, 50}, 0, "", 0, 0, false, false},
    {"it takes five of five",
     {GETS},
     {5, 0, 0},
     {0, 0, 50},
     0,
     "proved regression three",
     0,
     0,
     false,
     false},
    {"it needs more than 5 % of the requests",
     {GETS},
     {8, 0, 0},
     {0, 0, 50},
     0,
     "",
     0,
     150,
     false,
     false},
    {"it takes a fifth of the requests",
     {GETS},
     {40, 0, 0},
     {0, 0, 50},
     0,
     "proved regression three",
     0,
     160,
     false,
     false},
    {"it needs both halves of the window",
     {GETS},
     {40, 0, 0},
     {0, 0, 50},
     0,
     "",
     0,
     120,
     false,
     true},
};

static void add_call(struct builder *builder, uint64_t page, const struct call *call,
                     double start_us, bool inside)
{
    const double end_us = start_us + call->ms * 1000;
    const uint64_t id =
        builder_call(builder, page, "shop", OTLP_KIND_CLIENT, call->name, start_us, end_us);
    if (strncmp(call->peer, "db:", 3) == 0) {
        builder_attribute(builder, "db.system.name", "sqlite");
        builder_attribute(builder, "db.namespace", call->peer + 3);
        return;
    }
    builder_attribute(builder, "server.address", call->peer);
    if (call->url)
        builder_attribute(builder, "url.full", call->url);
    if (inside)
        builder_call(builder, id, call->peer, OTLP_KIND_SERVER, call->name,
                     start_us + 0.1 * call->ms * 1000, end_us - 0.1 * call->ms * 1000);
}

enum order { SERIAL, INVERTED, PARALLEL, WITHOUT };

static void add_page(struct builder *builder, const struct guard_row *row, enum order order,
                     double at_us)
{
    const double own_us = (row->own_ms > 0 ? row->own_ms : 4) * 1000;
    const double gap_us = row->gap_us > 0 ? row->gap_us : 30;
    double next_us = at_us + own_us / 2, end_us = next_us;
    size_t count = 0;
    builder->trace++;
    const uint64_t page =
        builder_call(builder, 0, "shop", OTLP_KIND_SERVER, "GET /page", at_us, at_us);
    const size_t place = builder->spans.count - 1;
    while (count < CALLS_MAX && row->calls[count].name)
        count++;
    for (size_t i = 0; i < count && order != WITHOUT; i++) {
        const struct call *call = &row->calls[order == INVERTED ? count - 1 - i : i];
        add_call(builder, page, call, next_us, row->inside);
        if (next_us + call->ms * 1000 > end_us)
            end_us = next_us + call->ms * 1000;
        next_us = order == PARALLEL ? next_us + 5 : end_us + gap_us;
    }
    builder->spans.items[place].end_ns = BUILDER_BASE_NS + (uint64_t)((end_us + own_us / 2) * 1000);
}

/* The kinds of page mixed evenly through the window. */
static void add_window(struct builder *builder, const struct guard_row *row, struct mix mix,
                       int other)
{
    const int counts[] = {mix.serial, mix.inverted, mix.parallel, other};
    const int total = mix.serial + mix.inverted + mix.parallel + other;
    int due[4] = {0};
    for (int i = 0; i < total; i++) {
        int kind = 0;
        if (row->early_only && other > 0)
            kind = i < mix.serial ? SERIAL : WITHOUT;
        else
            for (int k = 0; k < 4; k++) {
                due[k] += counts[k];
                kind = due[k] > due[kind] ? k : kind;
            }
        due[kind] -= total;
        add_page(builder, row, (enum order)kind, i * 20000);
    }
}

static void check_guard(void **state)
{
    const struct guard_row *row = *state;
    struct builder now, before;
    builder_init(&now);
    builder_init(&before);
    add_window(&now, row, row->now, row->other);
    add_window(&before, row, row->before, 0);
    const struct diagnose_window current = {&now.spans, 0, 0}, baseline = {&before.spans, 0, 0};
    struct diagnosis diagnosis;
    assert_int_equal(
        diagnose_run(&current, before.spans.count ? &baseline : NULL, &diagnosis, NULL), STATUS_OK);
    char found[200] = "";
    for (size_t i = 0; i < diagnosis.finding_count; i++) {
        const struct finding *finding = &diagnosis.findings[i];
        assert_int_equal(finding->kind, FINDING_SEQUENTIAL_CALLS);
        assert_true(text_is(finding->service, "shop") && text_is(finding->operation, "GET /page"));
        const char *number = strstr(finding->summary.data, ": ") + 2;
        snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s%s %s %.*s",
                 i ? "; " : "", finding_confidence_word(finding->confidence),
                 finding_state_word(finding->state), (int)strcspn(number, " "), number);
    }
    assert_string_equal(found, row->wanted);
    diagnosis_release(&diagnosis);
    builder_release(&now);
    builder_release(&before);
}

int main(void)
{
    struct rows all = {0};
    ROWS(&all, guard_rows, check_guard);
    return rows_run("sequential_calls", &all);
}
