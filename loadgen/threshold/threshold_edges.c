#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "loadgen/threshold/threshold_kinds.h"

/* {"from": "checkout", "to": "payment", "present": true}: as an amount of calls, at least one or at
 * most none. */

static enum status read_service(struct fields *fields, void *into)
{
    return fields_text(fields, into, SPAN_PATTERN_SERVICE_MAX);
}

static enum status read_present(struct fields *fields, void *into)
{
    struct threshold *threshold = into;
    enum status status = fields_read_bool(fields, &threshold->is_lower);
    threshold->limit = threshold->is_lower ? 1 : 0;
    threshold->limit_count++;
    return status;
}

enum status threshold_edges_read(struct fields *fields, void *into)
{
    static const struct field table[] = {
        {"from", read_service, offsetof(struct threshold, edge.from), true},
        {"to", read_service, offsetof(struct threshold, edge.to), true},
        {"present", read_present, 0, true},
    };
    return fields_object(fields, table, sizeof(table) / sizeof(table[0]), into, NULL);
}

enum status threshold_edges_judge(const struct threshold *threshold, struct threshold_facts *facts,
                                  struct threshold_judgement *out)
{
    enum status status = threshold_facts_graph(facts, out);
    uint64_t calls = 0;
    for (size_t i = 0; status == STATUS_OK && i < facts->graph.edge_count; i++) {
        const struct graph_edge *edge = &facts->graph.edges[i];
        if (!span_pattern_has(threshold->edge.from, edge->caller) ||
            !span_pattern_has(threshold->edge.to, edge->callee))
            continue;
        calls += edge->calls;
        threshold_note_trace(out, edge->trace_id);
    }
    if (status != STATUS_OK)
        return status;
    out->value = (double)calls;
    if (calls > 0)
        snprintf(out->why, sizeof(out->why), "%" PRIu64 " call%s in %" PRIu64 " traces", calls,
                 calls > 1 ? "s" : "", facts->graph.trace_count);
    else
        snprintf(out->why, sizeof(out->why), "no call in %" PRIu64 " traces",
                 facts->graph.trace_count);
    return STATUS_OK;
}

void threshold_edges_describe(const struct threshold *threshold, char *out, size_t size)
{
    snprintf(out, size, "%s -> %s must%s be there", threshold->edge.from, threshold->edge.to,
             threshold->is_lower ? "" : " not");
}
