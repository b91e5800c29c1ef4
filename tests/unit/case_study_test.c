/* All detectors together on the simulated shop: each fault by itself and several at once, with and
 * without sqlite's counters, and what they say that fixing would save against what it saves. */
#include <math.h>
#include <stdio.h>

#include "diagnose/diagnose.h"
#include "tests/unit/rows.h"
#include "tests/unit/shop.h"

/* What is the same in both windows: a healthy shop of that kind. */
#define SHOP .round_trip_ms = 3, .mail_ms = 60
#define HEALTHY                                                                                    \
    {                                                                                              \
        SHOP, .history_ms = 0.4, .requests = 200                                                   \
    }

#define QUOTES  "sequential_calls pricing POST /quotes"
#define LINES   "n_plus_one_queries inventory POST /reservations"
#define HISTORY "missing_index orders SELECT history"
#define MAIL    "synchronous_side_work orders POST /notifications"
#define TAX     "slow_dependency pricing GET /vat"

struct story_row {
    const char *it;
    struct shop_options now;
    const char *wanted; /* "kind service operation" of what counts against the baseline */
};

static const struct story_row rows[] = {
    {"it finds nothing in a healthy shop", HEALTHY, ""},
    {"it finds nothing with late threads",
     {SHOP, .history_ms = 0.4, .noise = 0.2, .requests = 200},
     ""},
    {"it names the loop over the lines",
     {SHOP, .history_ms = 0.4, .each_line = true, .requests = 200},
     LINES},
    {"it names the history without an index", {SHOP, .history_ms = 45, .requests = 200}, HISTORY},
    {"it names the mail that the customer waits for",
     {SHOP, .history_ms = 0.4, .call_letters = true, .requests = 200},
     MAIL},
    {"it names the slow partner", {SHOP, .history_ms = 0.4, .tax_ms = 150, .requests = 200}, TAX},
    {"it names quotes one after another",
     {SHOP, .history_ms = 0.4, .serial = 1, .requests = 200},
     QUOTES},
    {"it names four faults at once",
     {SHOP, .history_ms = 45, .each_line = true, .call_letters = true, .serial = 1,
      .requests = 200},
     QUOTES "; " LINES "; " MAIL "; " HISTORY},
    {"it names three that are left",
     {SHOP, .history_ms = 45, .each_line = true, .call_letters = true, .requests = 200},
     LINES "; " MAIL "; " HISTORY},
    {"it names two that are left",
     {SHOP, .history_ms = 45, .call_letters = true, .requests = 200},
     MAIL "; " HISTORY},
    {"it names a slow partner beside them",
     {SHOP, .history_ms = 45, .each_line = true, .tax_ms = 300, .requests = 200},
     TAX "; " LINES "; " HISTORY},
    {"it names a slow partner that is asked one after another",
     {SHOP, .history_ms = 0.4, .tax_ms = 150, .serial = 1, .requests = 200},
     QUOTES "; " TAX},
};

static void write_counted(const struct diagnosis *diagnosis, char *out, size_t size)
{
    size_t length = 0;
    out[0] = 0;
    for (size_t i = 0; i < diagnosis->finding_count && length < size; i++) {
        const struct finding *finding = &diagnosis->findings[i];
        if (finding_counts(finding, true))
            length += (size_t)snprintf(out + length, size - length, "%s%s %.*s %.*s",
                                       length ? "; " : "", finding_kind_word(finding->kind),
                                       TEXT_ARGS(finding->service), TEXT_ARGS(finding->operation));
    }
}

/* What the findings foretell, and what the shop takes longer; one seed's medians differ by some ms
 * anyhow, so that all seeds are judged together. */
struct sums {
    double foretold_ms, true_ms;
};

static void add_sums(struct sums *sums, const struct diagnosis *diagnosis)
{
    for (size_t i = 0; i < diagnosis->finding_count; i++) {
        if (finding_counts(&diagnosis->findings[i], true))
            sums->foretold_ms += diagnosis->findings[i].saving_ms;
    }
    sums->true_ms += diagnosis->entry_p50_ms - diagnosis->baseline_p50_ms;
}

static void check_at(const struct story_row *row, uint64_t seed, struct sums *sums)
{
    struct builder now, before;
    struct diagnosis diagnosis;
    struct shop_options faulty = row->now, healthy = HEALTHY;
    char first[600], again[600];
    faulty.seed = seed;
    healthy.seed = seed + 5000;
    healthy.noise = faulty.noise;
    builder_init(&now);
    builder_init(&before);
    shop_run(&now, &faulty, NULL);
    shop_run(&before, &healthy, NULL);
    const struct diagnose_window current = {&now.spans, 0, 0}, baseline = {&before.spans, 0, 0};
    assert_int_equal(diagnose_run(&current, &baseline, &diagnosis, NULL), STATUS_OK);
    write_counted(&diagnosis, first, sizeof(first));
    assert_string_equal(first, row->wanted);
    add_sums(sums, &diagnosis);
    diagnosis_release(&diagnosis);
    builder_shuffle(&now, seed);
    builder_shuffle(&before, seed + 1);
    assert_int_equal(diagnose_run(&current, &baseline, &diagnosis, NULL), STATUS_OK);
    write_counted(&diagnosis, again, sizeof(again));
    assert_string_equal(again, first);
    diagnosis_release(&diagnosis);
    builder_release(&now);
    builder_release(&before);
}

static void check(void **state)
{
    const struct story_row *row = *state;
    struct sums sums = {0};
    for (uint64_t seed = 1; seed <= 5; seed++)
        check_at(row, seed, &sums);
    /* Savings add up where what they save lies in series. */
    const bool in_series = row->now.serial <= 0 || row->now.tax_ms <= 0;
    if (row->wanted[0] && in_series)
        assert_true(fabs(sums.foretold_ms - sums.true_ms) <= 0.1 * sums.true_ms);
}

/* Neither with a baseline nor without, at any rate, with small latencies and large. */
static void check_healthy(void **state)
{
    (void)state;
    static const double partners_ms[] = {1, 5, 40, 240}, rates[] = {5, 50, 200};
    for (uint64_t seed = 1; seed <= ROWS_SEEDS(100); seed++) {
        struct shop_options options = HEALTHY;
        options.requests = 100;
        options.partner_ms = partners_ms[seed % 4];
        options.mail_ms = seed % 5 == 0 ? 600 : 5;
        options.rate = rates[seed % 3];
        options.noise = 0.05 * (double)(seed % 5);
        for (int with_baseline = 0; with_baseline < 2; with_baseline++) {
            struct builder now, before;
            struct diagnosis diagnosis;
            builder_init(&now);
            builder_init(&before);
            options.seed = seed;
            shop_run(&now, &options, NULL);
            options.seed = seed + 5000;
            shop_run(&before, &options, NULL);
            const struct diagnose_window current = {&now.spans, 0, 0};
            const struct diagnose_window baseline = {&before.spans, 0, 0};
            assert_int_equal(
                diagnose_run(&current, with_baseline ? &baseline : NULL, &diagnosis, NULL),
                STATUS_OK);
            for (size_t i = 0; i < diagnosis.finding_count; i++)
                assert_false(finding_counts(&diagnosis.findings[i], with_baseline));
            diagnosis_release(&diagnosis);
            builder_release(&now);
            builder_release(&before);
        }
    }
}

int main(void)
{
    struct rows all = {0};
    ROWS(&all, rows, check);
    rows_one(&all, "it finds nothing in many healthy shops", check_healthy);
    return rows_run("case_study", &all);
}
