#include "loadgen/compare/compare_markdown.h"
#include "loadgen/compare/compare_say.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/rows.h"

static const struct compare_change ten_more = {.is_known = true,
                                               .counts = true,
                                               .before = 5,
                                               .after = 5.5,
                                               .effect = 0.09531018,
                                               .low = 0.0488,
                                               .high = 0.1398,
                                               .detectable = 0.0583};
static const struct compare_change nothing = {
    .is_known = true, .before = 5, .after = 5, .low = -0.01, .high = 0.01, .detectable = 0.0583};
static const struct compare_change more_hits = {
    .is_known = true, .counts = true, .before = 0.01, .after = 0.11, .effect = 0.1};

struct say_row {
    const char *it;
    enum compare_word word;
    struct compare_change body, tail, errors;
    const char *says;
    struct compare_change quick;
};

static const struct say_row say_rows[] = {
    {"it says that a median grew",
     COMPARE_SLOWER,
     ten_more,
     {0},
     {0},
     "\"pay|x\" got slower: median 5 ms before, 5.5 ms after, +10.0 % (with 95 % confidence +5.0 "
     "to "
     "+15.0 %)",
     {0}},
    {"it says that a tail grew",
     COMPARE_SLOWER,
     nothing,
     more_hits,
     {0},
     "\"pay|x\" got slower in its tail: slower than nearly all before (p99 9 ms) were 1.0 % of its "
     "requests, now 11.0 %",
     {0}},
    {"it says that more fails",
     COMPARE_WORSE,
     ten_more,
     {0},
     more_hits,
     "\"pay|x\" fails more: 1.00 % of its requests failed before, 11.00 % after",
     {0}},
    {"it says why it is unsure",
     COMPARE_UNSURE,
     nothing,
     {0},
     {0},
     "\"pay|x\" is unsure: because",
     {0}},
    {"it says that nothing changed", COMPARE_SAME, nothing, {0}, {0}, "\"pay|x\" is the same", {0}},
    {"it says that the quickest tenth grew",
     COMPARE_SLOWER,
     nothing,
     {0},
     {0},
     "\"pay|x\" got slower: the quickest tenth took 5 ms before, 5.5 ms after, +10.0 % (with 95 % "
     "confidence +5.0 to +15.0 %)",
     ten_more},
};

static struct compare_step step_of(const struct say_row *row)
{
    return (struct compare_step){.name = "pay|x",
                                 .requests = {100, 100},
                                 .p99_ms = {9, 10},
                                 .p99_range = {0.9, 1.3},
                                 .body = row->body,
                                 .quick = row->quick,
                                 .tail = row->tail,
                                 .errors = row->errors,
                                 .word = row->word,
                                 .why = "because"};
}

static void check_say(void **state)
{
    const struct say_row *row = *state;
    char words[COMPARE_SAY_MAX];
    const struct compare_step step = step_of(row);
    compare_say_step(&step, words, sizeof(words));
    assert_string_equal(words, row->says);
}

static const struct {
    const char *it;
    enum verdict verdict;
    size_t row; /* of say_rows */
    const char *why, *says;
} all_rows[] = {
    {"it concludes that there is a regression", VERDICT_FAIL, 0, "",
     "A regression: 1 step slower, 0 more failing"},
    {"it concludes what it would have seen", VERDICT_PASS, 4, "",
     "No regression: medians up by 7 % or more would have been seen"},
    {"it concludes that it cannot be said", VERDICT_INCONCLUSIVE, 3, "",
     "It cannot be said of 1 step: run each side several times, taking turns, for longer, or where "
     "less else goes on"},
    {"it concludes what keeps it from saying", VERDICT_INCONCLUSIVE, 4, "a.json is of old",
     "It cannot be said: a.json is of old"},
};

static void make_report(struct compare_report *report, struct compare_part *part, size_t row)
{
    *report = (struct compare_report){.parts = part, .part_count = 1};
    memset(part, 0, sizeof(*part));
    part->name = "healthy";
    part->result.step_count = 1;
    part->result.steps[0] = step_of(&say_rows[row]);
}

static void check_all(void **state)
{
    static struct compare_part part;
    struct compare_report report;
    char words[COMPARE_SAY_MAX];
    for (size_t i = 0; i < sizeof(all_rows) / sizeof(all_rows[0]); i++) {
        if (all_rows[i].it != *(const char *const *)*state)
            continue;
        make_report(&report, &part, all_rows[i].row);
        report.verdict = all_rows[i].verdict;
        (void)snprintf(report.why, sizeof(report.why), "%s", all_rows[i].why);
        compare_say_all(&report, words, sizeof(words));
        assert_string_equal(words, all_rows[i].says);
        return;
    }
    fail();
}

static void check_markdown(void **state)
{
    static struct compare_part part;
    struct compare_report report;
    struct buffer out;
    (void)state;
    make_report(&report, &part, 0);
    report.verdict = VERDICT_FAIL;
    buffer_init(&out, 65536);
    compare_markdown_write(&report, &out);
    assert_non_null(strstr(buffer_text(&out),
                           "\n### healthy\n\n| step | p50 ms | change (95 %) | would see |"));
    assert_non_null(
        strstr(buffer_text(&out),
               "\n| pay\\|x | 5 → 5.5 | +10.0 % (+5.0 to +15.0) | +7 % | 9 → 10 | 0 → 0 "
               "| **slower** |\n\n- \"pay\\|x\" got slower: "));
    buffer_release(&out);
}

static void check_unknown(void **state)
{
    static struct compare_part part;
    struct compare_report report;
    struct buffer out;
    struct json_writer writer;
    (void)state;
    make_report(&report, &part, 3);
    part.result.steps[0].body.is_known = false;
    part.result.steps[0].p99_ms[1] = INFINITY;
    buffer_init(&out, 65536);
    json_writer_init(&writer, &out, 0);
    compare_report_json(&report, &writer);
    assert_non_null(strstr(buffer_text(&out),
                           "\"median_ms\":null,\"p10_ms\":null,\"p99_ms\":{\"before\":9.000000,"
                           "\"after\":null,\"change\":null,"));
    buffer_clear(&out);
    compare_markdown_write(&report, &out);
    assert_non_null(
        strstr(buffer_text(&out), "| pay\\|x | - | - | - | 9 → inf | 0 → 0 | unsure |"));
    buffer_release(&out);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, say_rows, check_say);
    ROWS(&all, all_rows, check_all);
    rows_one(&all, "it writes Markdown whose cells hold", check_markdown);
    rows_one(&all, "it makes up no number", check_unknown);
    return rows_run("compare report", &all);
}
