#include <stdio.h>
#include <string.h>

#include "loadgen/threshold/threshold_kinds.h"

/* {"kind": "n_plus_one_queries", "service": "inventory", "at_most": 0} */

static const char *const metrics[] = {
    [THRESHOLD_FINDING_COUNT] = "count",
    [THRESHOLD_FINDING_COST_MS] = "cost_ms",
    [THRESHOLD_FINDING_SAVING_MS] = "saving_ms",
};

static enum status read_kind(struct fields *fields, void *into)
{
    struct threshold *threshold = into;
    if (fields->reader.token != JSON_STRING ||
        !finding_kind_of(fields->reader.text, &threshold->finding.kind))
        return fields_fail(fields, "must be a kind of finding");
    threshold->finding.is_of_kind = true;
    return STATUS_OK;
}

static enum status read_metric(struct fields *fields, void *into)
{
    for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++) {
        if (fields->reader.token != JSON_STRING || !json_reader_is(&fields->reader, metrics[i]))
            continue;
        *(enum threshold_finding_metric *)into = (enum threshold_finding_metric)i;
        return STATUS_OK;
    }
    return fields_fail(fields, "must be count, cost_ms or saving_ms");
}

enum status threshold_findings_read(struct fields *fields, void *into)
{
    static const struct field table[] = {
        {"kind", read_kind, 0, false},
        {"service", threshold_read_service, offsetof(struct threshold, finding.place), false},
        {"operation", threshold_read_operation, offsetof(struct threshold, finding.place), false},
        {"metric", read_metric, offsetof(struct threshold, finding.metric), false},
        {"at_most", threshold_read_at_most, 0, false},
        {"at_least", threshold_read_at_least, 0, false},
    };
    return fields_object(fields, table, sizeof(table) / sizeof(table[0]), into, NULL);
}

static bool is_meant(const struct threshold *threshold, const struct finding *finding)
{
    return finding->confidence >= FINDING_STRONG &&
           (!threshold->finding.is_of_kind || threshold->finding.kind == finding->kind) &&
           span_pattern_matches(&threshold->finding.place, finding->service, finding->operation);
}

/* The second diagnosis of the same traces names some findings once more. */
static bool is_told_before(const struct diagnosis *before, const struct finding *finding)
{
    for (size_t i = 0; before != NULL && i < before->finding_count; i++) {
        const struct finding *other = &before->findings[i];
        if (other->kind == finding->kind && other->confidence >= FINDING_STRONG &&
            text_equal(other->service, finding->service) &&
            text_equal(other->operation, finding->operation) &&
            text_equal(other->peer, finding->peer))
            return true;
    }
    return false;
}

static void count(const struct threshold *threshold, const struct threshold_evidence *evidence,
                  const struct finding *finding, struct threshold_judgement *out)
{
    enum threshold_finding_metric metric = threshold->finding.metric;
    double ms = metric == THRESHOLD_FINDING_COST_MS ? finding->cost_ms : finding->saving_ms;
    if (metric == THRESHOLD_FINDING_COUNT) {
        if (evidence->expects != NULL && evidence->expects(evidence->context, finding))
            return;
        out->value++;
    } else if (ms > out->value) {
        out->value = ms;
        out->trace_count = 0; /* the worst one's traces are shown */
    } else {
        return;
    }
    for (size_t i = 0; i < finding->trace_count; i++)
        threshold_note_trace(out, finding->traces[i].trace_id);
}

enum status threshold_findings_judge(const struct threshold *threshold,
                                     struct threshold_facts *facts, struct threshold_judgement *out)
{
    const struct diagnosis *const *diagnoses = facts->evidence->diagnoses;
    const struct spans *spans = facts->evidence->spans;
    out->value = 0;
    if (spans == NULL || spans->count == 0) { /* nothing was found in nothing */
        snprintf(out->why, sizeof(out->why), "there is no trace");
        return STATUS_NOT_FOUND;
    }
    for (size_t d = 0; d < 2 && diagnoses[d] != NULL; d++) {
        for (size_t i = 0; i < diagnoses[d]->finding_count; i++) {
            const struct finding *finding = &diagnoses[d]->findings[i];
            if (is_meant(threshold, finding) && !(d > 0 && is_told_before(diagnoses[0], finding)))
                count(threshold, facts->evidence, finding, out);
        }
    }
    return STATUS_OK;
}

void threshold_findings_describe(const struct threshold *threshold, char *out, size_t size)
{
    const struct span_pattern *place = &threshold->finding.place;
    bool has_place = place->service[0] != '\0' || place->operation[0] != '\0';
    char where[SPAN_PATTERN_SERVICE_MAX + SPAN_PATTERN_OPERATION_MAX] = "";
    if (has_place)
        threshold_describe_place(place, where, sizeof(where));
    bool is_count = threshold->finding.metric == THRESHOLD_FINDING_COUNT;
    snprintf(out, size, "%s%s%s%s%s", is_count ? "" : metrics[threshold->finding.metric],
             is_count ? "" : " of ",
             threshold->finding.is_of_kind ? finding_kind_word(threshold->finding.kind)
                                           : "any kind",
             has_place ? " at " : "", where);
}
