#include "diagnose/findings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX_BYTES = 4096 };

enum status findings_init(struct findings *findings, struct arena *arena)
{
    *findings = (struct findings){.arena = arena};
    findings->items = arena_alloc_array(arena, FINDINGS_MAX, sizeof(*findings->items));
    return findings->items ? STATUS_OK : STATUS_NO_MEMORY;
}

void findings_add(struct findings *findings, const struct finding *finding)
{
    if (findings->count < FINDINGS_MAX)
        findings->items[findings->count++] = *finding;
    else
        findings->dropped++;
}

struct text findings_copy(struct findings *findings, struct text text)
{
    const char *copy = arena_copy(findings->arena, text.data, text.length);
    if (!copy) {
        findings->failed = STATUS_NO_MEMORY;
        return (struct text){"", 0};
    }
    return (struct text){copy, text.length};
}

struct text findings_text(struct findings *findings, const char *format, ...)
{
    struct buffer words;
    buffer_init(&words, TEXT_MAX_BYTES);
    va_list arguments;
    va_start(arguments, format);
    buffer_vprintf(&words, format, arguments);
    va_end(arguments);
    if (words.failed == STATUS_NO_MEMORY)
        findings->failed = STATUS_NO_MEMORY;
    const struct text copy = findings_copy(findings, text_of(buffer_text(&words)));
    buffer_release(&words);
    return copy;
}

bool findings_gate(struct finding *finding, const char *name, double value, double threshold)
{
    if (finding->gate_count < FINDING_NOTES_MAX)
        finding->gates[finding->gate_count++] = (struct finding_gate){name, value, threshold};
    return value >= threshold;
}

void findings_rule_out(struct finding *finding, struct text words)
{
    if (finding->ruled_out_count < FINDING_NOTES_MAX)
        finding->ruled_out[finding->ruled_out_count++] = words;
}

void findings_exemplar(struct finding *finding, const struct tree *tree, uint32_t node,
                       const double before_after_ms[2])
{
    for (size_t i = 0; i < finding->trace_count; i++) {
        if (memcmp(finding->traces[i].trace_id, tree->trace_id, 16) == 0)
            return;
    }
    if (finding->trace_count >= FINDING_TRACES_MAX)
        return;
    struct finding_trace *trace = &finding->traces[finding->trace_count++];
    memcpy(trace->trace_id, tree->trace_id, sizeof(trace->trace_id));
    memcpy(trace->span_id, tree->nodes[node].span->span_id, sizeof(trace->span_id));
    trace->before_ms = before_after_ms[0];
    trace->after_ms = before_after_ms[1];
}

size_t findings_join(const struct text *texts, size_t count, char *out, size_t size)
{
    size_t length = 0;
    out[0] = 0;
    for (size_t i = 0; i < count; i++) {
        const char *between = i == 0 ? "" : i + 1 < count ? ", " : " and ";
        if (length + strlen(between) + texts[i].length + 1 > size) {
            out[0] = 0;
            return 0;
        }
        memcpy(out + length, between, strlen(between));
        length += strlen(between);
        memcpy(out + length, texts[i].data, texts[i].length);
        length += texts[i].length;
        out[length] = 0;
    }
    return length;
}

const char *findings_number(size_t count, char out[24])
{
    static const char *const words[] = {"no",    "one",   "two",  "three", "four",   "five",  "six",
                                        "seven", "eight", "nine", "ten",   "eleven", "twelve"};
    if (count < sizeof(words) / sizeof(words[0]))
        return words[count];
    snprintf(out, 24, "%zu", count);
    return out;
}

static int order_texts(struct text a, struct text b)
{
    const size_t shorter = a.length < b.length ? a.length : b.length;
    const int order = shorter > 0 ? memcmp(a.data, b.data, shorter) : 0;
    return order ? order : (a.length > b.length) - (a.length < b.length);
}

static int order_findings(const void *left, const void *right)
{
    const struct finding *a = left, *b = right;
    if (a->saving_ms != b->saving_ms)
        return a->saving_ms > b->saving_ms ? -1 : 1;
    if (a->cost_ms != b->cost_ms)
        return a->cost_ms > b->cost_ms ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    int order = order_texts(a->service, b->service);
    if (!order)
        order = order_texts(a->operation, b->operation);
    if (!order)
        order = order_texts(a->entry, b->entry);
    return order ? order : order_texts(a->peer, b->peer);
}

void findings_sort(struct findings *findings)
{
    qsort(findings->items, findings->count, sizeof(*findings->items), order_findings);
}
