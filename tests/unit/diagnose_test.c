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
    for (uint64_t seed = 1; seed <= 3; seed++)
        check_fault_at(*state, seed);
}

/* ---- the same answer always, and figures that hold */

static void write_all(const struct diagnosis *diagnosis, struct buffer *out)
{
    struct json_writer writer;
    for (size_t i = 0; i < diagnosis->finding_count; i++) {
        json_writer_init(&writer, out, 0);
        finding_write_json(&diagnosis->findings[i], &writer);
    }
    assert_int_equal(out->failed, STATUS_OK);
}

static void check_order(void **state)
{
    (void)state;
    const struct shop_options now = {.seed = 3,
                                     .requests = 100,
                                     .serial = 0.9,
                                     .drop_payment = 0.9,
                                     .drop_queue = true,
                                     .rate = 200,
                                     .serial_steps = 1,
                                     .partner_ms = 5};
    const struct shop_options healthy = {.seed = 4, .requests = 100, .partner_ms = 5};
    struct buffer first, again;
    buffer_init(&first, 1 << 20);
    buffer_init(&again, 1 << 20);
    struct run run;
    run_start(&run, &now, &healthy);
    write_all(&run.diagnosis, &first);
    assert_true(run.diagnosis.finding_count >= 4);
    for (uint64_t seed = 1; seed <= 5; seed++) {
        builder_shuffle(&run.now, seed);
        builder_shuffle(&run.before, seed + 10);
        diagnosis_release(&run.diagnosis);
        const struct diagnose_window current = {&run.now.spans, 0, 0};
        const struct diagnose_window baseline = {&run.before.spans, 0, 0};
        assert_int_equal(diagnose_run(&current, &baseline, &run.diagnosis, NULL), STATUS_OK);
        buffer_clear(&again);
        write_all(&run.diagnosis, &again);
        assert_string_equal(buffer_text(&again), buffer_text(&first));
    }
    buffer_release(&first);
    buffer_release(&again);
    run_release(&run);
}

struct saving_row {
    const char *it;
    struct shop_options options;
};

static const struct saving_row saving_rows[] = {
    {"it foretells the saving with partners of 40 ms", {.serial = 1}},
    {"it foretells the saving with partners of 240 ms", {.serial = 1, .partner_ms = 240}},
    {"it foretells the saving with partners of 5 ms", {.serial = 1, .partner_ms = 5}},
    {"it foretells the saving with late threads", {.serial = 1, .noise = 0.1, .rate = 200}},
};

static void check_saving(void **state)
{
    const struct saving_row *row = *state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct shop_options now = row->options, before = row->options;
        now.requests = before.requests = 200;
        now.seed = seed;
        before.seed = seed + 100;
        before.serial = 0;
        struct run run;
        run_start(&run, &now, &before);
        const struct diagnosis *diagnosis = &run.diagnosis;
        assert_true(diagnosis->finding_count > 0);
        const double saving_ms = diagnosis->findings[0].saving_ms;
        const double truth_ms = run.shop.total_saved_ns / 1e6 / now.requests;
        assert_true(fabs(saving_ms - truth_ms) <= 0.1 * truth_ms);
        const double measured_ms = diagnosis->entry_p50_ms - diagnosis->baseline_p50_ms;
        assert_true(fabs(saving_ms - measured_ms) <= 0.1 * measured_ms);
        assert_true(diagnosis->unexplained_ms <= 0.1 * measured_ms);
        run_release(&run);
    }
}

static void check_healthy(void **state)
{
    (void)state;
    static const double partners_ms[] = {1, 5, 40, 240};
    static const double rates[] = {5, 50, 200};
    for (uint64_t seed = 1; seed <= ROWS_SEEDS(200); seed++) {
        const struct fault_row row = {.now = {.partner_ms = partners_ms[seed % 4],
                                              .rate = rates[seed % 3],
                                              .noise = 0.05 * (double)(seed % 7),
                                              .chance = seed % 5 == 0 ? 0.3 : 0.02,
                                              .no_root = seed % 6 == 0},
                                      .with = "",
                                      .without = ""};
        check_fault_at(&row, seed + 1000);
    }
}

static void check_counts(void **state)
{
    (void)state;
    struct run run;
    run_start(&run, &(struct shop_options){.requests = 50, .drop_payment = 1}, NULL);
    assert_int_equal(run.diagnosis.request_count, 100); /* and a trace of payment's for each */
    assert_int_equal(run.diagnosis.partial_count, 0);
    assert_int_equal(run.diagnosis.span_count, run.now.spans.count);
    run_release(&run);
    run_start(&run, &(struct shop_options){.requests = 50, .lose_servers = true}, NULL);
    assert_int_equal(run.diagnosis.request_count, 0);
    assert_int_equal(run.diagnosis.partial_count, 51); /* and the trace of what was not sent */
    run_release(&run);
}

static void check_unexplained(void **state)
{
    (void)state;
    struct run run;
    run_start(&run, &(struct shop_options){.requests = 100, .shipping_ms = 140},
              &(struct shop_options){.requests = 100, .shipping_ms = 4});
    const struct diagnosis *diagnosis = &run.diagnosis;
    const double growth_ms = diagnosis->entry_p50_ms - diagnosis->baseline_p50_ms;
    assert_true(growth_ms > 100);
    assert_true(fabs(diagnosis->unexplained_ms - growth_ms) < 0.001);
    run_release(&run);
}

static void check_nothing(void **state)
{
    (void)state;
    struct spans spans;
    spans_init(&spans, 1, 1 << 16);
    const struct diagnose_window window = {&spans, 0, 0};
    struct diagnosis diagnosis;
    struct error error = {0};
    assert_int_equal(diagnose_run(&window, NULL, &diagnosis, &error), STATUS_INVALID);
    assert_string_equal(error.text, "no spans in the window");
    diagnosis_release(&diagnosis);
    spans_release(&spans);
}

static void check_empty_baseline(void **state)
{
    (void)state;
    struct run run;
    const struct shop_options none = {.requests = 0};
    run_start(&run, &(struct shop_options){.requests = 50, .serial = 1}, &none);
    assert_int_equal(run.diagnosis.finding_count, 1);
    assert_int_equal(run.diagnosis.findings[0].state, FINDING_STANDING);
    run_release(&run);
}

/* 2,000 traces of some 50 spans twice, within the time limit of a test many times over: what
 * matters here is that nothing grows faster than the spans do. */
static void check_large(void **state)
{
    (void)state;
    struct run run;
    run_start(&run, &(struct shop_options){.requests = 2000, .serial = 1, .drop_payment = 1},
              &(struct shop_options){.requests = 2000, .seed = 9});
    assert_int_equal(run.diagnosis.finding_count, 2);
    assert_int_equal(run.diagnosis.findings[0].support, 2000);
    run_release(&run);
}

int main(void)
{
    struct rows all = {0};
    ROWS(&all, fault_rows, check_fault);
    ROWS(&all, saving_rows, check_saving);
    rows_one(&all, "it finds nothing in many healthy shops", check_healthy);
    rows_one(&all, "it says the same whatever the order of the spans", check_order);
    rows_one(&all, "it counts whole and partial requests", check_counts);
    rows_one(&all, "it calls growth that no finding accounts for unexplained", check_unexplained);
    rows_one(&all, "it refuses a window without spans", check_nothing);
    rows_one(&all, "it takes an empty baseline for none", check_empty_baseline);
    rows_one(&all, "it diagnoses 2,000 requests", check_large);
    return rows_run("diagnose", &all);
}
