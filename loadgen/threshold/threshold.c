#include "loadgen/threshold/threshold.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "loadgen/load/load_figures.h"
#include "loadgen/threshold/threshold_kinds.h"

#define FACTS_MAX_BYTES ((size_t)512 << 20)

static const struct threshold_row rows[THRESHOLD_KINDS] = {
    [THRESHOLD_LOAD] = {"load", threshold_load_read, threshold_load_judge, threshold_load_describe,
                        "", true},
    [THRESHOLD_COVERAGE] = {"coverage", threshold_coverage_read, threshold_coverage_judge,
                            threshold_coverage_describe, "", false},
    [THRESHOLD_FINDINGS] = {"findings", threshold_findings_read, threshold_findings_judge,
                            threshold_findings_describe, "", false},
    [THRESHOLD_SPANS] = {"spans", threshold_spans_read, threshold_spans_judge,
                         threshold_spans_describe, " a trace", false},
    [THRESHOLD_DURATIONS] = {"durations", threshold_durations_read, threshold_durations_judge,
                             threshold_durations_describe, "", false},
    [THRESHOLD_EDGES] = {"edges", threshold_edges_read, threshold_edges_judge,
                         threshold_edges_describe, NULL, false},
};

const struct threshold_row *threshold_row(enum threshold_kind kind)
{
    return &rows[kind];
}

/* ---- facts */

enum status threshold_facts_forest(struct threshold_facts *facts, struct threshold_judgement *out)
{
    const struct spans *spans = facts->evidence->spans;
    enum status status = STATUS_OK;
    if (!facts->has_forest && spans != NULL && spans->count > 0)
        status = tree_forest_build(&facts->forest, spans, 0, 0, &facts->arena);
    facts->has_forest = status == STATUS_OK;
    if (status == STATUS_OK && facts->forest.count == 0) {
        snprintf(out->why, sizeof(out->why), "there is no trace");
        return STATUS_NOT_FOUND;
    }
    return status;
}

enum status threshold_facts_graph(struct threshold_facts *facts, struct threshold_judgement *out)
{
    const uint64_t all_ns[2] = {0, 0};
    enum status status = threshold_facts_forest(facts, out);
    if (status == STATUS_OK && !facts->has_graph)
        status = graph_build(&facts->graph, facts->evidence->spans, all_ns, &facts->arena);
    facts->has_graph |= status == STATUS_OK;
    return status == STATUS_TOO_LARGE ? STATUS_NO_MEMORY : status;
}

void threshold_note_trace(struct threshold_judgement *out, const uint8_t trace_id[16])
{
    for (size_t i = 0; i < out->trace_count; i++)
        if (memcmp(out->trace_ids[i], trace_id, 16) == 0)
            return;
    if (out->trace_count < THRESHOLD_TRACES_MAX)
        memcpy(out->trace_ids[out->trace_count++], trace_id, 16);
}

/* ---- words */

void threshold_describe_place(const struct span_pattern *place, char *out, size_t size)
{
    const char *service = place->service[0] ? place->service : "*";
    snprintf(out, size, "%s%s%s", service, place->operation[0] ? " " : "", place->operation);
}

/* Of one whole threshold. */
static void write_words(const struct threshold *threshold, char out[THRESHOLD_WORDS_MAX])
{
    const struct threshold_row *row = &rows[threshold->kind];
    char subject[THRESHOLD_WORDS_MAX - 80];
    row->describe(threshold, subject, sizeof(subject));
    if (row->unit == NULL)
        snprintf(out, THRESHOLD_WORDS_MAX, "%s: %s", row->section, subject);
    else
        snprintf(out, THRESHOLD_WORDS_MAX, "%s: %s at %s %.6g%s", row->section, subject,
                 threshold->is_lower ? "least" : "most", threshold->limit, row->unit);
}

const char *threshold_outcome_word(enum threshold_outcome outcome)
{
    static const char *const words[] = {
        [THRESHOLD_HOLDS] = "holds", [THRESHOLD_BROKEN] = "broken", [THRESHOLD_UNSURE] = "unsure"};
    return words[outcome];
}

void threshold_line(const struct threshold_judgement *judgement, char out[THRESHOLD_LINE_MAX])
{
    const char *word = judgement->outcome == THRESHOLD_BROKEN
                           ? "BROKEN"
                           : threshold_outcome_word(judgement->outcome);
    char traces[THRESHOLD_TRACES_MAX * 34 + 16] = "";
    size_t used = 0;
    for (size_t i = 0; i < judgement->trace_count; i++) {
        char id[33] = "";
        hex_encode(judgement->trace_ids[i], 16, id);
        used += (size_t)snprintf(traces + used, sizeof(traces) - used, "%s%s",
                                 i > 0 ? ", " : " (trace ", id);
    }
    snprintf(out, THRESHOLD_LINE_MAX, "%s: %s, %s%s%s", word, judgement->words, judgement->why,
             traces, used > 0 ? ")" : "");
}

/* ---- judging */

static bool is_doubtful(const struct load_threshold *threshold,
                        const struct threshold_evidence *evidence)
{
    return load_threshold_is_doubtful(threshold, evidence->figures) ||
           (evidence->has_late_generator && load_threshold_is_latency(threshold->metric));
}

static void settle(const struct threshold *threshold, const struct threshold_evidence *evidence,
                   struct threshold_judgement *out)
{
    bool holds =
        threshold->is_lower ? out->value >= threshold->limit : out->value <= threshold->limit;
    size_t used = strlen(out->why);
    if (used > 0)
        (void)used; /* the kind said it in words of its own */
    else if (isinf(out->value))
        used = (size_t)snprintf(out->why, sizeof(out->why), "requests were not answered");
    else
        used = (size_t)snprintf(out->why, sizeof(out->why), "it is %.6g", out->value);
    out->outcome = holds ? THRESHOLD_HOLDS : THRESHOLD_BROKEN;
    if (holds)
        out->trace_count = 0;
    else if (threshold->kind == THRESHOLD_LOAD && is_doubtful(&threshold->load, evidence)) {
        out->outcome = THRESHOLD_UNSURE;
        snprintf(out->why + used, sizeof(out->why) - used, ", but the generator was late itself");
    }
}

static enum status judge_one(const struct threshold *threshold, struct threshold_facts *facts,
                             struct threshold_judgement *out)
{
    *out = (struct threshold_judgement){.value = NAN};
    write_words(threshold, out->words);
    enum status status = rows[threshold->kind].judge(threshold, facts, out);
    if (status == STATUS_OK)
        settle(threshold, facts->evidence, out);
    if (status != STATUS_NOT_FOUND)
        return status;
    out->outcome = THRESHOLD_UNSURE;
    out->value = NAN;
    return STATUS_OK;
}

enum status threshold_judge(const struct thresholds *thresholds,
                            const struct threshold_evidence *evidence,
                            struct threshold_judgement *out, struct error *error)
{
    struct threshold_facts facts = {.evidence = evidence};
    enum status status = STATUS_OK;
    arena_init(&facts.arena, FACTS_MAX_BYTES);
    for (size_t i = 0; i < thresholds->count && status == STATUS_OK; i++)
        status = judge_one(&thresholds->items[i], &facts, &out[i]);
    arena_release(&facts.arena);
    return status == STATUS_OK ? status
                               : error_set(error, STATUS_NO_MEMORY, "thresholds: out of memory");
}

bool threshold_is_about_errors(const struct thresholds *thresholds)
{
    for (size_t i = 0; i < thresholds->count; i++)
        if (thresholds->items[i].kind == THRESHOLD_LOAD &&
            thresholds->items[i].load.metric == LOAD_METRIC_ERROR_SHARE)
            return true;
    return false;
}

/* ---- JSON */

static void write_one(const struct threshold *threshold,
                      const struct threshold_judgement *judgement, struct json_writer *writer)
{
    json_begin_object(writer);
    json_field_cstring(writer, "kind", rows[threshold->kind].section);
    json_field_cstring(writer, "threshold", judgement->words);
    json_field_double(writer, threshold->is_lower ? "at_least" : "at_most", threshold->limit);
    json_key(writer, "value");
    if (isfinite(judgement->value))
        json_double(writer, judgement->value);
    else
        json_nil(writer);
    json_field_cstring(writer, "outcome", threshold_outcome_word(judgement->outcome));
    json_field_cstring(writer, "why", judgement->why);
    json_key(writer, "traces");
    json_begin_array(writer);
    for (size_t i = 0; i < judgement->trace_count; i++) {
        char id[33] = "";
        hex_encode(judgement->trace_ids[i], 16, id);
        json_cstring(writer, id);
    }
    json_end_array(writer);
    json_end_object(writer);
}

void threshold_write_json(const struct thresholds *thresholds,
                          const struct threshold_judgement *judgements, struct json_writer *writer)
{
    json_key(writer, "thresholds");
    json_begin_array(writer);
    for (size_t i = 0; i < thresholds->count; i++) {
        struct threshold_judgement none = {
            .outcome = THRESHOLD_UNSURE, .value = NAN, .why = "not measured"};
        if (judgements == NULL)
            write_words(&thresholds->items[i], none.words);
        write_one(&thresholds->items[i], judgements == NULL ? &none : &judgements[i], writer);
    }
    json_end_array(writer);
}
