#include <math.h>
#include <stdio.h>

#include "loadgen/threshold/threshold_kinds.h"

/* {"metric": "arrived", "at_least": 0.99} */

static const char *const coverages[THRESHOLD_COVERAGES] = {
    [THRESHOLD_ARRIVED] = "arrived",
    [THRESHOLD_CONNECTED] = "connected",
    [THRESHOLD_AS_EXPECTED] = "as_expected",
    [THRESHOLD_SPANS_DROPPED] = "spans_dropped",
};

static enum status read_coverage(struct fields *fields, void *into)
{
    for (int i = 0; i < THRESHOLD_COVERAGES; i++) {
        if (fields->reader.token != JSON_STRING || !json_reader_is(&fields->reader, coverages[i]))
            continue;
        *(enum threshold_coverage *)into = (enum threshold_coverage)i;
        return STATUS_OK;
    }
    return fields_fail(fields, "must be arrived, connected, as_expected or spans_dropped");
}

enum status threshold_coverage_read(struct fields *fields, void *into)
{
    static const struct field table[] = {
        {"metric", read_coverage, offsetof(struct threshold, coverage), true},
        {"at_most", threshold_read_at_most, 0, false},
        {"at_least", threshold_read_at_least, 0, false},
    };
    return fields_object(fields, FIELDS_OF(table), into, NULL);
}

/* Traces that do not hang together; what is not there at all has no id to show. */
static enum status note_broken_traces(struct threshold_facts *facts,
                                      struct threshold_judgement *out)
{
    enum status status = threshold_facts_forest(facts, out);
    for (size_t i = 0; status == STATUS_OK && i < facts->forest.count; i++)
        if (!tree_is_complete(&facts->forest.trees[i]))
            threshold_note_trace(out, facts->forest.trees[i].trace_id);
    return status;
}

enum status threshold_coverage_judge(const struct threshold *threshold,
                                     struct threshold_facts *facts, struct threshold_judgement *out)
{
    out->value = facts->evidence->coverage[threshold->coverage];
    if (isnan(out->value)) {
        snprintf(out->why, sizeof(out->why), "nobody knows: no request is known of");
        return STATUS_NOT_FOUND;
    }
    return threshold->coverage == THRESHOLD_CONNECTED ? note_broken_traces(facts, out) : STATUS_OK;
}

void threshold_coverage_describe(const struct threshold *threshold, char *out, size_t size)
{
    snprintf(out, size, "%s", coverages[threshold->coverage]);
}
