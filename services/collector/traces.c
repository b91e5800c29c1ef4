#include "services/collector/traces.h"

#include <stdlib.h>
#include <string.h>

#include "otlp/otlp_proto.h"

enum { BODY_MAX = 512 * 1024 * 1024 };

static int compare(const void *left, const void *right)
{
    const struct otlp_span *a = left, *b = right;
    if (a->start_ns != b->start_ns)
        return a->start_ns < b->start_ns ? -1 : 1;
    const int by_id = memcmp(a->span_id, b->span_id, sizeof(a->span_id));
    return by_id != 0 ? by_id : (int)a->kind - (int)b->kind;
}

static bool is_same(const struct otlp_span *a, const struct otlp_span *b)
{
    return a->start_ns == b->start_ns && a->kind == b->kind && a->name.data == b->name.data &&
           memcmp(a->span_id, b->span_id, sizeof(a->span_id)) == 0;
}

/* A batch that was sent twice, or a trace met on its way from memory to the store, shows spans
 * twice: sorted, they stand side by side. */
static void sort_and_dedupe(struct spans *spans, size_t first)
{
    size_t kept = first;
    qsort(spans->items + first, spans->count - first, sizeof(*spans->items), compare);
    for (size_t i = first; i < spans->count; i++) {
        if (kept == first || !is_same(&spans->items[kept - 1], &spans->items[i]))
            spans->items[kept++] = spans->items[i];
    }
    spans->count = kept;
}

/* Memory first: a trace moves from there to the store and never back. */
static enum status copy_bytes(struct collector *collector, const uint8_t id[16], struct buffer *out)
{
    const bool open = open_traces_copy(collector->open, id, out);
    if (out->failed != STATUS_OK)
        return out->failed;
    const enum status stored = store_read_trace(collector->readers, id, out);
    return stored == STATUS_NOT_FOUND && open ? STATUS_OK : stored;
}

enum status traces_find(struct collector *collector, const uint8_t id[16], struct spans *out)
{
    struct buffer bytes;
    const size_t first = out->count;
    buffer_init(&bytes, BODY_MAX);
    enum status status = copy_bytes(collector, id, &bytes);
    if (status == STATUS_OK)
        status = otlp_proto_read(out, bytes.data, bytes.length_bytes, NULL, NULL);
    buffer_release(&bytes);
    if (out->count > first)
        sort_and_dedupe(out, first);
    return status;
}
