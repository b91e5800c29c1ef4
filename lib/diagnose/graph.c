#include "diagnose/graph.h"

#include <stdlib.h>
#include <string.h>

#include "diagnose/window.h"

/* One call, or one span served, before they are summed up. */
struct record {
    struct text left, right; /* caller and callee, or service and operation */
    bool error, outside;
    double ms;
    const uint8_t *trace_id;
};

static int order_texts(struct text a, struct text b)
{
    if (a.data == b.data && a.length == b.length)
        return 0;
    const size_t shorter = a.length < b.length ? a.length : b.length;
    const int order = shorter > 0 ? memcmp(a.data, b.data, shorter) : 0;
    return order ? order : (a.length > b.length) - (a.length < b.length);
}

static int order_records(const void *left, const void *right)
{
    const struct record *a = left, *b = right;
    int order = order_texts(a->left, b->left);
    if (!order)
        order = order_texts(a->right, b->right);
    if (!order)
        order = (a->ms > b->ms) - (a->ms < b->ms);
    return order ? order : memcmp(a->trace_id, b->trace_id, 16);
}

static bool same(const struct record *a, const struct record *b)
{
    return order_texts(a->left, b->left) == 0 && order_texts(a->right, b->right) == 0;
}

static bool failed(const struct otlp_span *span)
{
    return span->status == OTLP_STATUS_ERROR;
}

static double duration_ms(const struct tree_node *node)
{
    return (double)tree_duration_ns(node) / 1e6;
}

/* A span of another service than its parent's is a call between the two. */
static bool is_crossing(const struct tree *tree, const struct tree_node *node)
{
    return node->parent != TREE_NONE &&
           !text_equal(tree->nodes[node->parent].span->resource->service,
                       node->span->resource->service);
}

static bool crosses_below(const struct tree *tree, const struct tree_node *node)
{
    for (uint32_t i = 0; i < node->child_count; i++) {
        if (is_crossing(tree, &tree->nodes[node->first_child + i]))
            return true;
    }
    return false;
}

/* A database is often named after the service that has it, and is not the service. */
static struct text database_name(struct text peer, struct arena *arena)
{
    static const char suffix[] = " (database)";
    char *name = arena_alloc(arena, peer.length + sizeof(suffix));
    if (!name)
        return (struct text){"", 0};
    memcpy(name, peer.data, peer.length);
    memcpy(name + peer.length, suffix, sizeof(suffix));
    return (struct text){name, peer.length + sizeof(suffix) - 1};
}

/* By fingerprint: what a call without the other side's span leads to. */
static struct record *far_ends(const struct fingerprints *prints, struct arena *arena)
{
    struct record *ends = arena_alloc_array(arena, prints->count, sizeof(*ends));
    for (uint32_t i = 1; ends && i < prints->count; i++) {
        const struct fingerprint *print = &prints->items[i];
        if (print->peer.length == 0)
            continue;
        const bool database = print->flags & FINGERPRINT_DATABASE;
        struct text service = {0};
        if (!database)
            service = fingerprint_service_of(prints, print->peer);
        ends[i].outside = service.length == 0;
        ends[i].right = service.length > 0 ? service : print->peer;
        if (database)
            ends[i].right = database_name(print->peer, arena);
    }
    return ends;
}

static bool edge_of(const struct tree *tree, const struct tree_node *node,
                    const struct record *ends, struct record *out)
{
    const struct otlp_span *span = node->span;
    if (is_crossing(tree, node)) {
        const struct otlp_span *above = tree->nodes[node->parent].span;
        *out = (struct record){
            above->resource->service, span->resource->service, failed(above) || failed(span), false,
            duration_ms(node),        span->trace_id};
        return true;
    }
    const bool leads_away = span->kind == OTLP_KIND_CLIENT || span->kind == OTLP_KIND_PRODUCER;
    if (!leads_away || ends[node->print].right.length == 0 || crosses_below(tree, node) ||
        tree_far_side(tree, (uint32_t)(node - tree->nodes)) != TREE_NONE)
        return false;
    *out = ends[node->print];
    out->left = span->resource->service;
    out->error = failed(span);
    out->ms = duration_ms(node);
    out->trace_id = span->trace_id;
    return true;
}

/* A crossing below a client and a client without one exclude each other, so no span gives two. */
static size_t gather_edges(const struct forest *forest, const struct record *ends,
                           struct record *out)
{
    size_t count = 0;
    for (size_t t = 0; t < forest->count; t++) {
        for (uint32_t i = 0; i < forest->trees[t].count; i++)
            count += edge_of(&forest->trees[t], &forest->trees[t].nodes[i], ends, &out[count]);
    }
    return count;
}

static size_t gather_operations(const struct forest *forest, const struct fingerprints *prints,
                                struct record *out)
{
    size_t count = 0;
    for (size_t t = 0; t < forest->count; t++) {
        for (uint32_t i = 0; i < forest->trees[t].count; i++) {
            const struct tree_node *node = &forest->trees[t].nodes[i];
            if ((node->span->kind == OTLP_KIND_SERVER || node->span->kind == OTLP_KIND_CONSUMER) &&
                node->print != 0)
                out[count++] = (struct record){node->span->resource->service,
                                               prints->items[node->print].name,
                                               failed(node->span),
                                               false,
                                               duration_ms(node),
                                               node->span->trace_id};
        }
    }
    return count;
}

static size_t run_end(const struct record *sorted, size_t count, size_t first)
{
    size_t end = first + 1;
    while (end < count && same(&sorted[end], &sorted[first]))
        end++;
    return end;
}

static size_t count_runs(const struct record *sorted, size_t count)
{
    size_t runs = 0;
    for (size_t first = 0; first < count; first = run_end(sorted, count, first))
        runs++;
    return runs;
}

static uint64_t count_errors(const struct record *records, size_t count)
{
    uint64_t errors = 0;
    for (size_t i = 0; i < count; i++)
        errors += records[i].error;
    return errors;
}

/* Of records that are sorted by duration. */
static double quantile_ms(const struct record *sorted, size_t count, double q)
{
    const double rank = q * (double)count;
    size_t at = (size_t)rank;
    at -= at > 0 && (double)at == rank ? 1 : 0; /* nearest rank */
    return sorted[at < count ? at : count - 1].ms;
}

static double mean_ms(const struct record *records, size_t count)
{
    double sum_ms = 0;
    for (size_t i = 0; i < count; i++)
        sum_ms += records[i].ms;
    return sum_ms / (double)count;
}

static enum status sum_edges(struct graph *graph, struct record *records, size_t count,
                             struct arena *arena)
{
    qsort(records, count, sizeof(*records), order_records);
    struct graph_edge *edges = arena_alloc_array(arena, count_runs(records, count), sizeof(*edges));
    if (!edges)
        return STATUS_NO_MEMORY;
    for (size_t first = 0, end; first < count; first = end) {
        end = run_end(records, count, first);
        const struct record *run = records + first;
        const size_t calls = end - first;
        edges[graph->edge_count++] = (struct graph_edge){
            run->left,
            run->right,
            calls,
            count_errors(run, calls),
            run->outside,
            mean_ms(run, calls),
            quantile_ms(run, calls, 0.5),
            quantile_ms(run, calls, 0.99),
            run[calls - 1].trace_id,
        };
    }
    graph->edges = edges;
    return STATUS_OK;
}

static enum status sum_operations(struct record *records, size_t count, struct arena *arena,
                                  const struct graph_operation **out, size_t *out_count)
{
    qsort(records, count, sizeof(*records), order_records);
    struct graph_operation *all =
        arena_alloc_array(arena, count_runs(records, count), sizeof(*all));
    if (!all)
        return STATUS_NO_MEMORY;
    *out = all;
    for (size_t first = 0, end; first < count; first = end) {
        end = run_end(records, count, first);
        const struct record *run = records + first;
        const size_t calls = end - first;
        all[(*out_count)++] = (struct graph_operation){
            run->left,
            run->right,
            calls,
            count_errors(run, calls),
            quantile_ms(run, calls, 0.5),
            quantile_ms(run, calls, 0.95),
            quantile_ms(run, calls, 0.99),
            run[calls - 1].ms,
        };
    }
    return STATUS_OK;
}

static enum status sum_served(struct graph *graph, struct record *records, size_t count,
                              struct arena *arena)
{
    enum status status =
        sum_operations(records, count, arena, &graph->operations, &graph->operation_count);
    for (size_t i = 0; i < count; i++)
        records[i].right = (struct text){"", 0};
    if (status == STATUS_OK)
        status = sum_operations(records, count, arena, &graph->services, &graph->service_count);
    return status;
}

static enum status fill(struct graph *graph, struct forest *forest, struct fingerprints *prints,
                        struct arena *arena)
{
    enum status status = fingerprint_assign(prints, forest);
    if (status != STATUS_OK || forest->count == 0)
        return status;
    graph->trace_count = forest->count;
    graph->first_ns = forest->trees[0].base_ns;
    graph->last_ns = forest->trees[forest->count - 1].base_ns;
    const struct record *ends = far_ends(prints, arena);
    /* One more, since the place behind the last edge is tried, too. */
    struct record *records = arena_alloc_array(arena, forest->node_count + 1, sizeof(*records));
    if (!ends || !records)
        return STATUS_NO_MEMORY;
    status = sum_edges(graph, records, gather_edges(forest, ends, records), arena);
    if (status != STATUS_OK)
        return status;
    return sum_served(graph, records, gather_operations(forest, prints, records), arena);
}

enum status graph_build(struct graph *graph, const struct spans *spans, const uint64_t range_ns[2],
                        struct arena *arena)
{
    struct forest forest;
    struct fingerprints prints;
    *graph = (struct graph){0};
    fingerprint_init(&prints, arena);
    enum status status = tree_forest_build(&forest, spans, range_ns[0], range_ns[1], arena);
    if (status == STATUS_OK)
        status = fill(graph, &forest, &prints, arena);
    fingerprint_release(&prints);
    return status;
}
