#include "diagnose/diagnose.h"

#include <math.h>
#include <stdio.h>

#include "tests/unit/rows.h"
#include "tests/unit/shop.h"

struct run {
    struct builder now, before;
    struct shop shop, old;
    struct diagnosis diagnosis;
};

static void run_start(struct run *run, const struct shop_options *now,
                      const struct shop_options *before)
{
    builder_init(&run->now);
    builder_init(&run->before);
    shop_run(&run->now, now, &run->shop);
    if (before)
        shop_run(&run->before, before, &run->old);
    const struct diagnose_window current = {&run->now.spans, 0, 0};
    const struct diagnose_window baseline = {&run->before.spans, 0, 0};
    struct error error = {0};
    assert_int_equal(diagnose_run(&current, before ? &baseline : NULL, &run->diagnosis, &error),
                     STATUS_OK);
}

static void run_release(struct run *run)
{
    diagnosis_release(&run->diagnosis);
    builder_release(&run->now);
    builder_release(&run->before);
}

/* Everything that would count for a verdict, as "kind service operation peer". */
static void write_counted(const struct diagnosis *diagnosis, bool with_baseline, char *out,
                          size_t size)
{
    size_t length = 0;
    out[0] = 0;
    for (size_t i = 0; i < diagnosis->finding_count && length < size; i++) {
        const struct finding *finding = &diagnosis->findings[i];
        if (!finding_counts(finding, with_baseline))
            continue;
        length += (size_t)snprintf(out + length, size - length, "%s%s %.*s %.*s %.*s %s",
                                   length ? "; " : "", finding_kind_word(finding->kind),
                                   TEXT_ARGS(finding->service), TEXT_ARGS(finding->operation),
                                   TEXT_ARGS(finding->peer),
                                   finding_confidence_word(finding->confidence));
    }
}

/* ---- which faults are named, with a baseline and without */

struct fault_row {
    const char *it;
    struct shop_options now;
    const char *with, *without; /* what counts; NULL: not asked */
    struct shop_options before; /* requests 0: healthy, the same otherwise */
};

#define SEQUENTIAL "sequential_calls pricing POST /quotes tax,fx,promo "
#define DROPPED    "broken_propagation checkout POST /payments payment "

static const struct fault_row fault_rows[] = {
    {"it finds nothing in a healthy shop", {.noise = 0.02}, "", "", {0}},
    {"it finds nothing at a low rate", {.rate = 5, .noise = 0.01}, "", "", {0}},
    {"it finds nothing at a high rate with late threads", {.rate = 200, .noise = 0.3}, "", "", {0}},
    {"it finds nothing with partners of 5 ms",
     {.partner_ms = 5, .rate = 200, .noise = 0.2},
     "",
     "",
     {0}},
    {"it finds nothing with partners of 1 ms",
     {.partner_ms = 1, .rate = 200, .noise = 0.2},
     "",
     "",
     {0}},
    {"it finds nothing without the generator's span", {.no_root = true}, "", "", {0}},
    {"it finds nothing with few requests", {.requests = 20}, "", "", {0}},
    {"it does not take a tenth of late parallel calls for sequential code",
     {.chance = 0.1},
     "",
     "",
     {0}},
    {"it does not take a third of late parallel calls for sequential code",
     {.chance = 0.33},
     "",
     "",
     {0}},
    {"it does not take late parallel calls for sequential code when half are late",
     {.chance = 0.6, .partner_ms = 1},
     "",
     "",
     {.requests = 200, .chance = 0.6, .partner_ms = 1}},
    {"it does not take more late calls than before for sequential code",
     {.chance = 0.4},
     "",
     "",
     {.requests = 200, .chance = 0.1}},
    {"it names pricing that asks one after another",
     {.serial = 1},
     SEQUENTIAL "proved",
     SEQUENTIAL "strong",
     {0}},
    {"it names it with partners of 5 ms",
     {.serial = 1, .partner_ms = 5},
     SEQUENTIAL "proved",
     SEQUENTIAL "strong",
     {0}},
    {"it names it at a high rate with late threads",
     {.serial = 1, .rate = 200, .noise = 0.1},
     SEQUENTIAL "proved",
     SEQUENTIAL "strong",
     {0}},
    {"it names it without the generator's span",
     {.serial = 1, .no_root = true},
     SEQUENTIAL "proved",
     SEQUENTIAL "strong",
     {0}},
    {"it names it from 20 requests",
     {.serial = 1, .requests = 20},
     SEQUENTIAL "proved",
     SEQUENTIAL "strong",
     {0}},
    {"it names it when two requests of three suffer",
     {.serial = 0.67},
     SEQUENTIAL "proved",
     NULL,
     {0}},
    {"it calls it standing when the baseline has it too",
     {.serial = 1},
     "",
     NULL,
     {.requests = 200, .serial = 1}},
    {"it names checkout that waits for fraud before shipping only by a baseline",
     {.serial_steps = 1, .partner_ms = 5},
     "sequential_calls checkout POST /checkouts fraud,shipping proved",
     "",
     {0}},
    {"it names the caller that drops the context",
     {.drop_payment = 1},
     DROPPED "proved",
     DROPPED "proved",
     {0}},
    {"it names it at a high rate",
     {.drop_payment = 1, .rate = 200},
     DROPPED "proved",
     DROPPED "proved",
     {0}},
    {"it names it without the generator's span",
     {.drop_payment = 1, .no_root = true},
     DROPPED "proved",
     DROPPED "proved",
     {0}},
    {"it names it when a third of the calls drop it",
     {.drop_payment = 0.33},
     DROPPED "proved",
     DROPPED "proved",
     {0}},
    {"it names the producer that drops it into a queue",
     {.drop_queue = true},
     "broken_propagation orders send order.placed notification proved",
     "broken_propagation orders send order.placed notification proved",
     {0}},
    {"it does not take lost server spans for lost context", {.lose_servers = true}, "", "", {0}},
    {"it does not take a silent service for lost context", {.silent_payment = true}, "", "", {0}},
    {"it does not take refused calls for lost context", {.refuse_payment = true}, "", "", {0}},
    {"it does not take somebody else's calls for lost context",
     {.direct_payments = true},
     "",
     "",
     {0}},
    {"it does not take a silent caller's calls for those of another",
     {.direct_payments = true, .refuse_payment = true},
     "",
     "",
     {0}},
    {"it names two faults at once",
     {.serial = 1, .drop_payment = 1},
     SEQUENTIAL "proved; " DROPPED "proved",
     SEQUENTIAL "strong; " DROPPED "proved",
     {0}},
};

static void check_fault_at(const struct fault_row *row, uint64_t seed)
{
    struct shop_options now = row->now, before = row->before;
    now.seed = seed;
    now.requests = now.requests ? now.requests : 200;
    if (before.requests == 0)
        before = (struct shop_options){.requests = now.requests,
                                       .rate = now.rate,
                                       .partner_ms = now.partner_ms,
                                       .noise = now.noise,
                                       .no_root = now.no_root};
    before.seed = seed + 5000;
    const char *const wanted[] = {row->without, row->with};
    for (int with_baseline = 0; with_baseline < 2; with_baseline++) {
        struct run run;
        char counted[600];
        run_start(&run, &now, with_baseline ? &before : NULL);
        write_counted(&run.diagnosis, with_baseline, counted, sizeof(counted));
        if (wanted[with_baseline] && strcmp(counted, wanted[with_baseline]) != 0)
            print_message("seed %llu, %s baseline\n", (unsigned long long)seed,
                          with_baseline ? "with" : "without");
        if (wanted[with_baseline])
            assert_string_equal(counted, wanted[with_baseline]);
        run_release(&run);
    }
}

static void check_fault(void **state)
{
    for (uint64_t seed = 1; seed <= 8; seed++)
        check_fault_at(*state, seed);
}

int main(void)
{
    struct rows all = {0};
    ROWS(&all, fault_rows, check_fault);
    return rows_run("diagnose", &all);
}
