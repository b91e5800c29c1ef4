#include "loadgen/window/complete.h"

#include <stdio.h>
#include <string.h>

enum { DEPTH_MAX = 16 };

struct builder {
    struct plan *plan;
    struct error *error;
    unsigned depth;
};

static void name_span(struct plan_span *span, uint8_t kind, const char *service, const char *verb,
                      const char *object)
{
    span->kind = kind;
    text_copy(text_of(service), span->service, sizeof span->service);
    snprintf(span->name, sizeof span->name, "%s %s", verb, object);
}

static enum status add_calls(struct builder *builder, const struct topology_service *service,
                             const struct topology_route *route, int parent);

static enum status add_call(struct builder *builder, const struct topology_service *service,
                            const struct topology_call *call, int parent)
{
    struct plan *plan = builder->plan;
    if (plan->count == PLAN_EDGES_MAX || builder->depth == DEPTH_MAX)
        return error_set(builder->error, STATUS_TOO_LARGE, "topology: too many calls behind %s",
                         service->name);
    int index = (int)plan->count++;
    struct plan_edge *edge = &plan->edges[index];
    *edge = (struct plan_edge){
        .parent = parent,
        .count = call->count,
        .per_line = call->per_line,
        .is_asynchronous = call->queued || plan->edges[parent].is_asynchronous,
        .has_callee = call->callee->kind == TOPOLOGY_SERVICE,
        .to = call->callee,
    };
    if (call->queued) {
        name_span(&edge->caller, OTLP_KIND_PRODUCER, service->name, "send", call->path);
        name_span(&edge->callee, OTLP_KIND_CONSUMER, call->callee->name, "process", call->path);
    } else {
        name_span(&edge->caller, OTLP_KIND_CLIENT, service->name, call->method, call->path);
        name_span(&edge->callee, OTLP_KIND_SERVER, call->callee->name, call->method, call->path);
    }
    const struct topology_route *route =
        topology_find_route(call->callee, call->queued ? "PROCESS" : call->method, call->path);
    return route && edge->has_callee ? add_calls(builder, call->callee, route, index) : STATUS_OK;
}

static enum status add_calls(struct builder *builder, const struct topology_service *service,
                             const struct topology_route *route, int parent)
{
    enum status status = STATUS_OK;
    builder->depth++;
    for (size_t i = 0; i < route->call_count && status == STATUS_OK; i++)
        status = add_call(builder, service, &route->calls[i], parent);
    builder->depth--;
    return status;
}

enum status plan_build(struct plan *plan, const struct topology *topology, const char *entry,
                       const char *method, const char *path, struct error *error)
{
    const struct topology_service *service = topology_find(topology, entry);
    const struct topology_route *route =
        service ? topology_find_route(service, method, path) : NULL;
    if (!route)
        return error_set(error, STATUS_NOT_FOUND, "topology: %s has no route %s %s", entry, method,
                         path);
    plan->count = 1;
    plan->edges[0] =
        (struct plan_edge){.parent = -1, .count = 1, .has_callee = true, .to = service};
    plan->edges[0].caller.kind = OTLP_KIND_CLIENT; /* the generator's root: of any name */
    name_span(&plan->edges[0].callee, OTLP_KIND_SERVER, entry, method, path);
    struct builder builder = {.plan = plan, .error = error};
    return add_calls(&builder, service, route, 0);
}

static bool matches(const struct plan_span *wanted, const struct otlp_span *span)
{
    return span->kind == wanted->kind && text_is(span->name, wanted->name) &&
           text_is(span->resource->service, wanted->service);
}

static void count_span(const struct plan *plan, const struct otlp_span *span,
                       struct plan_found *found)
{
    if (otlp_span_is_root(span) && span->kind == OTLP_KIND_CLIENT) {
        found->caller[0]++;
        return;
    }
    for (size_t e = 0; e < plan->count; e++) {
        const struct plan_edge *edge = &plan->edges[e];
        if (e > 0 && matches(&edge->caller, span)) {
            found->caller[e]++;
            return;
        }
        if (edge->has_callee && matches(&edge->callee, span)) {
            found->callee[e]++;
            return;
        }
    }
}

void complete_count(const struct plan *plan, const struct spans *spans, size_t first, size_t count,
                    struct plan_found *found)
{
    for (size_t i = first; i < first + count; i++)
        count_span(plan, &spans->items[i], found);
}

static bool has_id(const struct spans *spans, const uint8_t id[8], size_t before)
{
    for (size_t i = 0; i < before; i++)
        if (memcmp(spans->items[i].span_id, id, 8) == 0)
            return true;
    return false;
}

/* Shape and counts of what is there. */
static void look(const struct plan *plan, const struct spans *spans, struct plan_found *found,
                 struct completeness *out)
{
    for (size_t i = 0; i < spans->count; i++) {
        const struct otlp_span *span = &spans->items[i];
        if (has_id(spans, span->span_id, i)) {
            out->duplicates++;
            continue;
        }
        out->spans++;
        if (otlp_span_is_root(span))
            out->roots++;
        else if (!has_id(spans, span->parent_id, spans->count))
            out->orphans++;
        count_span(plan, span, found);
    }
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t without(uint32_t a, uint32_t b)
{
    return a > b ? a - b : 0;
}

/* One edge. `wanted`: how often the call should have been made; `unknown`: of those, how many lie
 * behind a callee that was not seen, so that nobody can say whether they were made. */
static void judge_edge(const struct plan_edge *edge, size_t index, uint32_t wanted,
                       uint32_t unknown, const struct plan_found *found, struct completeness *out)
{
    uint32_t sides = edge->has_callee ? 2 : 1;
    uint32_t caller = found->caller[index], callee = found->callee[index];
    uint32_t seen = caller > callee ? caller : callee;
    uint32_t made = least(seen, wanted);
    uint32_t gap = wanted - made;
    uint32_t open = index == 0 ? gap : least(gap, unknown);
    out->expected += wanted * sides;
    out->found += least(caller, wanted) + (edge->has_callee ? least(callee, wanted) : 0);
    out->extra += without(caller, wanted) + (edge->has_callee ? without(callee, wanted) : 0);
    out->never_made += (gap - open) * sides;
    out->missing.caller[index] = without(made, caller) + open;
    out->missing.callee[index] = edge->has_callee ? without(made, callee) + open : 0;
    out->lost += out->missing.caller[index] + out->missing.callee[index];
}

void complete_check(const struct plan *plan, unsigned cart_lines, const struct spans *spans,
                    struct completeness *out)
{
    struct plan_found found = {0};
    uint32_t wanted[PLAN_EDGES_MAX];
    *out = (struct completeness){0};
    look(plan, spans, &found, out);
    for (size_t e = 0; e < plan->count; e++) {
        const struct plan_edge *edge = &plan->edges[e];
        uint32_t times = edge->count + edge->per_line * cart_lines;
        uint32_t unknown = 0;
        wanted[e] = times;
        if (edge->parent >= 0) {
            wanted[e] = times * wanted[edge->parent];
            unknown = times * out->missing.callee[edge->parent];
        }
        judge_edge(edge, e, wanted[e], unknown, &found, out);
    }
}

bool complete_has_arrived(const struct completeness *completeness)
{
    return completeness->lost == 0;
}

bool complete_is_connected(const struct completeness *completeness)
{
    return completeness->roots == 1 && completeness->orphans == 0;
}

bool complete_is_as_expected(const struct completeness *completeness)
{
    return completeness->never_made == 0 && completeness->extra == 0;
}
