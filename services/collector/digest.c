#include "services/collector/digest.h"

#include <string.h>

#include "base/otlp_fields.h"

enum {
    BYTES_MAX = 256 * 1024 * 1024,
    SPANS_MAX = 1 << 22,
    KEPT_BYTES_MAX = 1024 * 1024,
    KEPT_SLOTS_MAX = 1024,
};

void digest_init(struct digest *digest)
{
    *digest = (struct digest){0};
    buffer_init(&digest->spans, BYTES_MAX);
    buffer_init(&digest->operations, BYTES_MAX);
    buffer_init(&digest->edges, BYTES_MAX);
    map_init(&digest->by_id, SPANS_MAX);
}

void digest_release(struct digest *digest)
{
    buffer_release(&digest->spans);
    buffer_release(&digest->operations);
    buffer_release(&digest->edges);
    map_release(&digest->by_id);
}

static struct digest_span *spans_of(const struct digest *digest)
{
    return (struct digest_span *)(void *)digest->spans.data;
}

static struct digest_operation *operations_of(const struct digest *digest)
{
    return (struct digest_operation *)(void *)digest->operations.data;
}

size_t digest_operation_count(const struct digest *digest)
{
    return digest->operations.length_bytes / sizeof(struct digest_operation);
}

const struct digest_operation *digest_operations(const struct digest *digest)
{
    return operations_of(digest);
}

size_t digest_edge_count(const struct digest *digest)
{
    return digest->edges.length_bytes / sizeof(struct digest_edge);
}

const struct digest_edge *digest_edges(const struct digest *digest)
{
    return (const struct digest_edge *)(const void *)digest->edges.data;
}

/* Resources are read once a group; spans of one come in runs. */
static enum status read_spans(struct digest *digest, const struct open_trace *trace)
{
    struct text service = {"", 0};
    uint32_t group = UINT32_MAX;
    buffer_reserve(&digest->spans, trace->span_count * sizeof(struct digest_span));
    for (uint32_t i = 0; i < trace->span_count; i++) {
        struct digest_span span = {.bytes = open_trace_span(trace, i)};
        if (trace->spans[i].group != group) {
            group = trace->spans[i].group;
            (void)light_read_resource(open_trace_resource(trace, group), &service);
        }
        span.service = service;
        if (light_read(span.bytes, &span.light))
            buffer_append(&digest->spans, &span, sizeof(span));
    }
    return digest->spans.failed;
}

static enum status index_spans(struct digest *digest, size_t count)
{
    struct digest_span *spans = spans_of(digest);
    for (size_t i = 0; i < count; i++) {
        uint64_t *slot =
            map_put(&digest->by_id, spans[i].light.span_id, sizeof(spans[i].light.span_id), NULL);
        if (!slot)
            return STATUS_NO_MEMORY;
        *slot = i;
    }
    return STATUS_OK;
}

static uint64_t duration_of(const struct light_span *span)
{
    return span->end_ns > span->start_ns ? span->end_ns - span->start_ns : 0;
}

/* The operation's place, made when new. Few differ within a trace, and those of one service mostly
 * follow one another: the last ones are looked at, and what is missed is listed twice. */
static struct digest_operation *operation_of(struct digest *digest, const struct digest_span *span)
{
    enum { LOOKED_AT = 48 };
    const size_t count = digest_operation_count(digest);
    struct digest_operation *operations = operations_of(digest);
    for (size_t i = count, looked = 0; i-- > 0 && looked < LOOKED_AT; looked++) {
        if (operations[i].kind == span->light.kind &&
            text_equal(operations[i].name, span->light.name) &&
            text_equal(operations[i].service, span->service))
            return &operations[i];
    }
    const uint64_t duration = duration_of(&span->light);
    const struct digest_operation operation = {span->service, span->light.name, span->light.kind,
                                               duration, duration};
    if (buffer_append(&digest->operations, &operation, sizeof(operation)) != STATUS_OK)
        return NULL;
    return &operations_of(digest)[count];
}

static enum status gather_operations(struct digest *digest, size_t count)
{
    const struct digest_span *spans = spans_of(digest);
    for (size_t i = 0; i < count; i++) {
        struct digest_operation *operation = operation_of(digest, &spans[i]);
        const uint64_t duration = duration_of(&spans[i].light);
        if (!operation)
            return digest->operations.failed;
        if (duration < operation->shortest_ns)
            operation->shortest_ns = duration;
        if (duration > operation->longest_ns)
            operation->longest_ns = duration;
    }
    return STATUS_OK;
}

/* ---- calls between services */

static void add_edge(struct digest *digest, struct text parent, struct text child)
{
    const struct digest_edge edge = {parent, child};
    if (parent.length > 0 && child.length > 0 && !text_equal(parent, child))
        buffer_append(&digest->edges, &edge, sizeof(edge));
}

struct answer {
    struct digest *digest;
    const struct digest_span *callee;
    bool found;
};

/* The span `id` is answered by the callee. */
static void answer(void *context, const uint8_t id[8])
{
    struct answer *at = context;
    const uint64_t *index = map_find(&at->digest->by_id, id, 8);
    if (!index || at->found)
        return;
    struct digest_span *caller = &spans_of(at->digest)[*index];
    if (caller == at->callee)
        return;
    caller->has_callee = true;
    at->found = true;
    add_edge(at->digest, caller->service, at->callee->service);
}

/* A consumer's producer is its parent, or what it links to. */
static void match_callee(struct digest *digest, const struct digest_span *span,
                         const uint8_t trace_id[16])
{
    struct answer at = {digest, span, false};
    if (span->light.kind != OTLP_KIND_SERVER && span->light.kind != OTLP_KIND_CONSUMER)
        return;
    answer(&at, span->light.parent_id);
    if (!at.found && span->light.kind == OTLP_KIND_CONSUMER)
        light_each_link(span->bytes, trace_id, answer, &at);
}

/* A call that nobody here answers: to a partner, known by its address. Databases are no services.
 */
static void match_partner(struct digest *digest, const struct digest_span *span)
{
    static const char *const database_keys[] = {"db.system.name", "db.system", "db.statement",
                                                "db.query.text"};
    if (span->light.kind != OTLP_KIND_CLIENT || span->has_callee)
        return;
    const struct text peer = light_attribute(span->bytes, OTLP_SPAN_ATTRIBUTES, "server.address");
    if (peer.length == 0)
        return;
    for (size_t i = 0; i < sizeof(database_keys) / sizeof(database_keys[0]); i++) {
        if (light_attribute(span->bytes, OTLP_SPAN_ATTRIBUTES, database_keys[i]).length > 0)
            return;
    }
    add_edge(digest, span->service, peer);
}

/* What one huge trace needed is not kept for the small ones. */
static void start_afresh(struct digest *digest)
{
    if (digest->spans.capacity_bytes > KEPT_BYTES_MAX || digest->by_id.capacity > KEPT_SLOTS_MAX)
        digest_release(digest);
    buffer_clear(&digest->spans);
    buffer_clear(&digest->operations);
    buffer_clear(&digest->edges);
    map_clear(&digest->by_id);
}

enum status digest_read(struct digest *digest, const struct open_trace *trace)
{
    start_afresh(digest);
    enum status status = read_spans(digest, trace);
    const size_t count = digest->spans.length_bytes / sizeof(struct digest_span);
    if (status == STATUS_OK)
        status = index_spans(digest, count);
    if (status == STATUS_OK)
        status = gather_operations(digest, count);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < count; i++)
        match_callee(digest, &spans_of(digest)[i], trace->id);
    for (size_t i = 0; i < count; i++)
        match_partner(digest, &spans_of(digest)[i]);
    return digest->edges.failed;
}
