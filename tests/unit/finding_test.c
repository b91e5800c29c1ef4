#include "diagnose/diagnose.h"

#include "diagnose/findings.h"
#include "tests/unit/rows.h"

struct count_row {
    const char *it;
    enum finding_state state;
    enum finding_confidence confidence;
    bool with, without;
};

static const struct count_row count_rows[] = {
    {"it counts a proved regression with a baseline", FINDING_REGRESSION, FINDING_PROVED, true,
     false},
    {"it counts a strong regression with a baseline", FINDING_REGRESSION, FINDING_STRONG, true,
     false},
    {"it counts what stands only without a baseline", FINDING_STANDING, FINDING_STRONG, false,
     true},
    {"it never counts a hint", FINDING_REGRESSION, FINDING_HINT, false, false},
    {"it never counts a standing hint either", FINDING_STANDING, FINDING_HINT, false, false},
};

static void check_count(void **state)
{
    const struct count_row *row = *state;
    const struct finding finding = {.state = row->state, .confidence = row->confidence};
    assert_int_equal(finding_counts(&finding, true), row->with);
    assert_int_equal(finding_counts(&finding, false), row->without);
}

static void check_words(void **state)
{
    (void)state;
    for (unsigned i = 0; i < FINDING_KIND_COUNT; i++) {
        enum finding_kind kind;
        assert_true(finding_kind_of(text_of(finding_kind_word((enum finding_kind)i)), &kind));
        assert_int_equal(kind, i);
    }
    enum finding_kind kind;
    assert_false(finding_kind_of(text_of("sequential"), &kind));
    assert_string_equal(finding_kind_word(FINDING_SEQUENTIAL_CALLS), "sequential_calls");
    assert_string_equal(finding_state_word(FINDING_REGRESSION), "regression");
    assert_string_equal(finding_confidence_word(FINDING_PROVED), "proved");
}

static void check_json(void **state)
{
    (void)state;
    struct finding finding = {.kind = FINDING_BROKEN_PROPAGATION,
                              .service = text_of("a"),
                              .operation = text_of("POST /\"x\""),
                              .peer = text_of("b"),
                              .entry = text_of("a GET /y"),
                              .confidence = FINDING_STRONG,
                              .prevalence = 0.5,
                              .support = 7,
                              .cost_ms = 12.3456,
                              .traces = {{.trace_id = {1, 0xab}, .span_id = {2}, .before_ms = 3}},
                              .trace_count = 1,
                              .gates = {{"gate", 0.25, 0.05}},
                              .gate_count = 1,
                              .ruled_out = {text_of("chance")},
                              .ruled_out_count = 1,
                              .summary = text_of("words")};
    struct buffer out;
    struct json_writer writer;
    buffer_init(&out, 1 << 16);
    json_writer_init(&writer, &out, 0);
    finding_write_json(&finding, &writer);
    assert_string_equal(
        buffer_text(&out),
        "{\"kind\":\"broken_propagation\",\"service\":\"a\",\"operation\":\"POST /\\\"x\\\"\","
        "\"peer\":\"b\",\"entry\":\"a GET /y\",\"state\":\"standing\",\"confidence\":\"strong\","
        "\"prevalence\":0.500,\"support\":7,\"cost_ms\":12.346,\"saving_ms\":0.000,"
        "\"saving_p90_ms\":0.000,\"summary\":\"words\","
        "\"traces\":[\"01ab0000000000000000000000000000\"],"
        "\"evidence\":{\"gates\":[{\"name\":\"gate\",\"value\":0.250,\"threshold\":0.050}],"
        "\"spans\":[{\"trace_id\":\"01ab0000000000000000000000000000\","
        "\"span_id\":\"0200000000000000\",\"before_ms\":3.000,\"after_ms\":0.000}]},"
        "\"ruled_out\":[\"chance\"]}");
    buffer_release(&out);
}

struct join_row {
    const char *it;
    const char *texts[4];
    size_t size;
    const char *wanted;
};

static const struct join_row join_rows[] = {
    {"it joins nothing to nothing", {0}, 40, ""},
    {"it leaves one as it is", {"tax"}, 40, "tax"},
    {"it puts and between two", {"tax", "fx"}, 40, "tax and fx"},
    {"it puts commas before that", {"tax", "fx", "promo"}, 40, "tax, fx and promo"},
    {"it says nothing rather than half", {"tax", "fx", "promo"}, 17, ""},
    {"it uses all of its room", {"tax", "fx", "promo"}, 18, "tax, fx and promo"},
};

static void check_join(void **state)
{
    const struct join_row *row = *state;
    struct text texts[4];
    size_t count = 0;
    char out[40];
    for (; count < 4 && row->texts[count]; count++)
        texts[count] = text_of(row->texts[count]);
    findings_join(texts, count, out, row->size);
    assert_string_equal(out, row->wanted);
}

static void check_bounds(void **state)
{
    (void)state;
    struct arena arena;
    struct findings findings;
    arena_init(&arena, 1 << 20);
    assert_int_equal(findings_init(&findings, &arena), STATUS_OK);
    struct finding finding = {.saving_ms = 1};
    for (int i = 0; i < FINDINGS_MAX + 3; i++) {
        finding.saving_ms = i;
        findings_add(&findings, &finding);
        findings_gate(&finding, "gate", 1, 1);
        findings_rule_out(&finding, text_of("x"));
    }
    assert_int_equal(findings.count, FINDINGS_MAX);
    assert_int_equal(findings.dropped, 3);
    assert_int_equal(finding.gate_count, FINDING_NOTES_MAX);
    assert_int_equal(finding.ruled_out_count, FINDING_NOTES_MAX);
    findings_sort(&findings);
    assert_true(findings.items[0].saving_ms == FINDINGS_MAX - 1);
    arena.max_bytes = arena.used_bytes;
    for (int i = 0; i < 10000; i++)
        findings_text(&findings, "%d words that need some memory", i);
    assert_int_equal(findings.failed, STATUS_NO_MEMORY);
    arena_release(&arena);
}

int main(void)
{
    struct rows all = {0};
    ROWS(&all, count_rows, check_count);
    ROWS(&all, join_rows, check_join);
    rows_one(&all, "it has a word for each kind, and each kind for its word", check_words);
    rows_one(&all, "it writes what scripts rely on", check_json);
    rows_one(&all, "it keeps to its maxima and says what it dropped", check_bounds);
    return rows_run("finding", &all);
}
