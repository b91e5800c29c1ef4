/* Spans with hostile ids, kinds and times: the diagnosis must end, within its memory, with times
 * and shares that make sense. Six bytes of input make a span; ids repeat, so that rings, orphans
 * and duplicates come up. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "diagnose/diagnose.h"
#include "diagnose/graph.h"

enum { SPAN_BYTES = 6, SPANS_MAX = 20000 };

static const char *const names[] = {"GET /a",       "GET /b", "POST /c", "SELECT x",  "BEGIN",
                                    "GET /p/12345", "",       "COMMIT",  "process q", "send q"};
static const char *const services[] = {"shop", "tax", "bank", "stock", "", "shop"};
static const char *const keys[] = {"server.address",
                                   "http.request.method",
                                   "url.template",
                                   "db.system.name",
                                   "db.query.text",
                                   "http.route",
                                   "host.name",
                                   "url.full",
                                   "messaging.destination.name"};
static const char *const values[] = {"tax",
                                     "GET",
                                     "/a/{id}",
                                     "sqlite",
                                     "SELECT 'it''s', ?, 12 FROM x WHERE y IN (1,2",
                                     "/a/7",
                                     "http://x/b?page=2",
                                     "shop",
                                     "127.0.0.1"};

#define PICK(list, byte) text_of((list)[(byte) % (sizeof(list) / sizeof((list)[0]))])

/* Mostly within a second, now and then anywhere at all. */
static uint64_t time_of(uint8_t byte)
{
    static const uint64_t odd[] = {0, 1, UINT64_MAX, UINT64_MAX - 1, (uint64_t)1 << 63};
    if (byte >= 250)
        return odd[(byte - 250) % 5];
    return 1700000000000000000ull + (uint64_t)byte * 1000000;
}

static void add_span(struct spans *spans, struct otlp_resource *resources, const uint8_t *in)
{
    static const struct otlp_scope scope;
    struct otlp_span span = {.kind = in[2] % 7,
                             .status = in[2] / 7 % 3,
                             .flags = in[2] / 21 % 4,
                             .start_ns = time_of(in[3]),
                             .end_ns = time_of(in[4]),
                             .name = PICK(names, in[5]),
                             .resource = &resources[in[5] / 16 % 6],
                             .scope = &scope};
    span.trace_id[0] = in[0] >> 5;
    span.span_id[0] = in[0] & 31;
    span.span_id[7] = in[1] >> 4;
    span.parent_id[0] = in[1] & 15;
    span.parent_id[7] = in[4] >> 6;
    struct otlp_attribute *items = arena_alloc_array(&spans->arena, 3, sizeof(*items));
    if (!items)
        return;
    for (uint32_t i = 0; i < 3; i++)
        items[i] =
            (struct otlp_attribute){PICK(keys, in[3] + in[5] * (i + 1)),
                                    {.type = OTLP_TEXT, .text = PICK(values, in[4] + i * in[1])}};
    span.attributes = (struct otlp_attributes){items, 3, 0};
    if (spans_add(spans, &span) != STATUS_OK)
        return;
}

static void check(const struct diagnosis *diagnosis)
{
    struct buffer out;
    struct json_writer writer;
    buffer_init(&out, 1 << 24);
    for (size_t i = 0; i < diagnosis->finding_count; i++) {
        const struct finding *finding = &diagnosis->findings[i];
        if (!(finding->prevalence >= 0 && finding->prevalence <= 1) ||
            !isfinite(finding->saving_ms) || finding->cost_ms < 0)
            abort();
        json_writer_init(&writer, &out, 0);
        finding_write_json(finding, &writer);
    }
    if (!isfinite(diagnosis->unexplained_ms))
        abort();
    buffer_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct spans spans;
    struct otlp_resource resources[6] = {0};
    spans_init(&spans, SPANS_MAX, 64 << 20);
    for (size_t i = 0; i < 6; i++)
        resources[i].service = text_of(services[i]);
    static const struct otlp_attribute hosts[] = {
        {{"host.name", 9}, {.type = OTLP_TEXT, .text = {"one", 3}}},
        {{"host.name", 9}, {.type = OTLP_TEXT, .text = {"two", 3}}}};
    resources[1].attributes = (struct otlp_attributes){&hosts[0], 1, 0};
    resources[2].attributes = (struct otlp_attributes){&hosts[1], 1, 0};
    for (size_t at = 0; at + SPAN_BYTES <= size; at += SPAN_BYTES)
        add_span(&spans, resources, data + at);
    const struct diagnose_window all = {&spans, 0, 0};
    const struct diagnose_window part = {&spans, 1700000000000000000ull, 1700000000100000000ull};
    struct diagnosis diagnosis;
    struct error error = {0};
    if (diagnose_run(&all, size % 2 ? &part : NULL, &diagnosis, &error) == STATUS_OK)
        check(&diagnosis);
    diagnosis_release(&diagnosis);
    struct arena arena;
    struct graph graph;
    arena_init(&arena, 64 << 20);
    if (graph_build(&graph, &spans, (const uint64_t[]){0, 0}, &arena) == STATUS_OK &&
        graph.edge_count > spans.count)
        abort();
    arena_release(&arena);
    spans_release(&spans);
    return 0;
}
